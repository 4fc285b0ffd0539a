"""Plans of tunings in rounds: what can be tuned side by side is asked for together.

A plan is a generator. It yields the tunings of a round, is sent what came of each, and returns its
result; what it asks for next may depend on it. Plans beside each other share their rounds, so that
an engine is given as much at once as there is. Nothing here touches a model: `carry_out` is given
what tunes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from spotfw.recipe.tuned import TunedPrompt, Tuning

T = TypeVar("T")

#: What came of a tuning: its result, or the error that ended it.
Outcome = TunedPrompt | Exception

#: A plan with a result of some type.
Rounds = Generator[Sequence[Tuning], Sequence[Outcome], T]

#: In the place of a result that is still to come.
_UNFINISHED = RuntimeError("The plan has not ended.")


def one_round(tunings: Sequence[Tuning]) -> Rounds[list[TunedPrompt]]:
    """A plan of one round that needs all its results.

    Raises:
      Exception: the first error of a tuning; the others have ended by then.
    """
    results = []
    for outcome in (yield tunings):
        if isinstance(outcome, Exception):
            raise outcome
        results.append(outcome)
    return results


def side_by_side(plans: Sequence[Rounds[T]]) -> Rounds[list[T | Exception]]:
    """Plans whose rounds are one: the first of each together, then the second of each...

    Plans may ask for one and the same run (they name one folder): it is tuned once, as far as any
    of them asks for, and its result is given to all.

    Returns:
      for each plan its result, or the error that ended it.
    """
    results: list[T | Exception] = [_UNFINISHED] * len(plans)
    asked: dict[int, Sequence[Tuning]] = {}

    def advance(place: int, outcomes: Sequence[Outcome] | None) -> None:
        try:
            # A generator that begins takes None, whatever it is sent later.
            asked[place] = plans[place].send(outcomes)  # type: ignore[arg-type]
        except StopIteration as end:
            results[place] = end.value
        except Exception as error:
            results[place] = error

    for place in range(len(plans)):
        advance(place, None)
    while asked:
        runs: dict[str, Tuning] = {}
        for tuning in (tuning for tunings in asked.values() for tuning in tunings):
            other = runs.get(tuning.out)
            if other is None or other.last < tuning.last:
                runs[tuning.out] = tuning
        outcomes = dict(zip(runs, (yield list(runs.values())) if runs else (), strict=True))
        for place, tunings in [*asked.items()]:
            del asked[place]
            advance(place, [outcomes[tuning.out] for tuning in tunings])
    return results


def all_of(plans: Sequence[Rounds[T]]) -> Rounds[list[T]]:
    """Plans side by side whose results are all needed.

    Raises:
      Exception: the first error of a plan; the others have ended by then.
    """
    results = []
    for result in (yield from side_by_side(plans)):
        if isinstance(result, Exception):
            raise result
        results.append(result)
    return results


def listening(plan: Rounds[T], listen: Callable[[TunedPrompt], None]) -> Rounds[T]:
    """The plan; `listen` hears of each tuning that ended well, in their order."""
    outcomes: Sequence[Outcome] | None = None
    while True:
        try:
            tunings = plan.send(outcomes)  # type: ignore[arg-type]
        except StopIteration as end:
            result: T = end.value
            return result
        outcomes = yield tunings
        for outcome in outcomes:
            if isinstance(outcome, TunedPrompt):
                listen(outcome)


def carry_out(plan: Rounds[T], tune_all: Callable[[Sequence[Tuning]], Sequence[Outcome]]) -> T:
    """Tunes what a plan asks for until it ends; its result.

    Args:
      plan: not begun yet.
      tune_all: tunes a round, each with another folder.

    Raises:
      Exception: the plan's, or what `tune_all` raises.
    """
    (result,) = _driven(side_by_side([plan]), tune_all)
    if isinstance(result, Exception):
        raise result
    return result


def _driven(
    plan: Rounds[list[T | Exception]], tune_all: Callable[[Sequence[Tuning]], Sequence[Outcome]]
) -> list[T | Exception]:
    outcomes: Sequence[Outcome] | None = None
    while True:
        try:
            tunings = plan.send(outcomes)  # type: ignore[arg-type]
        except StopIteration as end:
            results: list[T | Exception] = end.value
            return results
        outcomes = tune_all(tunings)
