"""The conformance suite of selection strategies."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spotfw.contracts import (
    Race,
    SelectionStrategy,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.errors import SpotError
from spotfw.ranking import Ranked, Ranking, in_order
from spotfw.testing.processes import ask_elsewhere, here
from spotfw.testing.suites import Outcome, Suite, check_name, expect


def check_selection_strategy(strategy: SelectionStrategy) -> None:
    """Checks a strategy against `spotfw.contracts.SelectionStrategy`.

    Args:
      strategy: a component, or a plain function of a ranking and k, as
        `spotfw.Session.transfer` takes it (which is then called by the function's name).

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    label = getattr(strategy, "name", None) or getattr(strategy, "__name__", "strategy")
    SUITE.demand(str(label), outcomes(strategy))


def outcomes(strategy: Any, *, only: tuple[str, ...] = ()) -> list[Outcome]:
    """As `check_selection_strategy`, but returns the outcomes instead of raising."""
    return SUITE.outcomes(strategy, only)


def a_ranking(count: int, **known: Any) -> Ranking:
    """A ranking of `count` prompts, two for each task, similarities falling from 0.9 by 0.2.

    Args:
      count: prompts.
      **known: fields of `Ranked` that are the same for all.
    """
    items = [
        Ranked(
            rank=0,
            id=f"{i:016x}",
            similarity=0.9 - 0.2 * i,
            score=80.0 - i,
            task=f"task_{i // 2}",
            family=f"family_{i // 4}",
            seed=i % 2,
        )
        for i in range(count)
    ]
    items = [attrs.evolve(item, **known) for item in items]
    return Ranking(items=in_order(items), metric="test", query="target")


SUITE: Suite[Any] = Suite("selection strategy")


@SUITE.check
def name(strategy: Any) -> None:
    """Has a name, a text without spaces or colons."""
    if not hasattr(strategy, "name") and hasattr(strategy, "__name__"):
        return  # a plain function
    check_name(strategy)


@SUITE.check
def candidates(strategy: Any) -> None:
    """From a ranking and k it chooses at least one candidate, all among the ranked prompts."""
    for ranking in (a_ranking(12), a_ranking(5)):
        for k in (1, 3, 5):
            _check_choice(strategy, ranking, k)


@SUITE.check
def more_than_there_are(strategy: Any) -> None:
    """A ranking shorter than k gives what it has."""
    _check_choice(strategy, a_ranking(3), 10)


@SUITE.check
def single(strategy: Any) -> None:
    """One ranked prompt is enough."""
    for k in (1, 3):
        _check_choice(strategy, a_ranking(1), k)


@SUITE.check
def none_to_choose(strategy: Any) -> None:
    """No ranked prompt, or k of 0: a valid choice (from scratch, say) or a SpotError."""
    for ranking, k in ((a_ranking(0), 1), (a_ranking(0), 3), (a_ranking(4), 0)):
        _check_choice_or_word(strategy, ranking, k)


@SUITE.check
def little_known(strategy: Any) -> None:
    """Prompts without task, family, seed or score: a valid choice or a SpotError."""
    bare = a_ranking(4, task=None, family=None, seed=None, score=None)
    _check_choice_or_word(strategy, bare, 3)


@SUITE.check
def no_likeness(strategy: Any) -> None:
    """Equal, zero and negative similarities: a valid choice or a SpotError."""
    for similarity in (0.5, 0.0, -0.3):
        _check_choice_or_word(strategy, a_ranking(4, similarity=similarity), 3)


@SUITE.check
def determinism(strategy: Any) -> None:
    """The same ranking and k give the same candidates."""
    first, second = (list(strategy(a_ranking(8), 3)) for _ in range(2))
    expect(first == second, f"expected the same candidates again, got {first} and {second}.")


@SUITE.check
def other_process(strategy: Any) -> None:
    """Pickled to another process, it chooses the same there."""
    label = str(getattr(strategy, "name", None) or getattr(strategy, "__name__", "strategy"))
    first, second = here(_choice, strategy), ask_elsewhere(_choice, strategy, label)
    expect(
        first == second, f"expected the same choice in another process, got {first} and {second}."
    )


def _choice(strategy: Any) -> list[str]:
    return [repr(candidate) for candidate in strategy(a_ranking(8), 3)]


def _check_choice_or_word(strategy: Any, ranking: Ranking, k: int) -> None:
    try:
        _check_choice(strategy, ranking, k)
    except SpotError:
        return  # a paragraph for the user


def _check_choice(strategy: Any, ranking: Ranking, k: int) -> None:
    where = f"for a ranking of {len(ranking)} and k = {k}"
    chosen = strategy(ranking, k)
    expect(
        isinstance(chosen, (list, tuple)),
        f"expected a list of candidates {where}, got {type(chosen).__name__}.",
    )
    expect(chosen, f"expected at least one candidate {where}, got none.")
    ids = {item.id for item in ranking}
    tasks = {item.task for item in ranking}
    for candidate in chosen:
        for start in candidate.candidates if isinstance(candidate, Race) else (candidate,):
            _check_start(start, ids, tasks, where)


def _check_start(candidate: Any, ids: set[str], tasks: set[str | None], where: str) -> None:
    if isinstance(candidate, StartFromScratch):
        return
    if isinstance(candidate, StartFromPrompt):
        expect(candidate.id in ids, f"expected ids of the ranking {where}, got {candidate}.")
    elif isinstance(candidate, StartFromAverage):
        expect(
            candidate.ids and ids >= set(candidate.ids),
            f"expected ids of the ranking {where}, got {candidate}.",
        )
        expect(
            len(candidate.weights) == len(candidate.ids)
            and all(math.isfinite(weight) for weight in candidate.weights),
            f"expected one finite weight for each id {where}, got {candidate}.",
        )
    elif isinstance(candidate, StartFromMixture):
        expect(
            candidate.tasks and tasks >= set(candidate.tasks),
            f"expected tasks of the ranking {where}, got {candidate}.",
        )
    else:
        expect(
            False,
            "expected StartFromPrompt, StartFromAverage, StartFromMixture, StartFromScratch or "
            f"Race of spotfw.contracts {where}, got {candidate!r:.80}.",
        )
