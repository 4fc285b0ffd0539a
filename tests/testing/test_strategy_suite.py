"""`check_selection_strategy` passes good strategies and names what is wrong with bad ones."""

from __future__ import annotations

import random

import pytest

from spotfw.contracts import Race, StartFromAverage, StartFromMixture, StartFromPrompt
from spotfw.plugins.builtin.strategies import spotfw_selection_strategies
from spotfw.testing import check_selection_strategy
from spotfw.testing.strategies import SUITE, a_ranking, outcomes

IN_PROCESS = tuple(name for name in SUITE.promises if name != "other_process")


def mine(ranking, k):
    """Sound, and a plain function."""
    return [StartFromPrompt(entry.id) for entry in ranking[: max(k, 1)]] or nobody()


def nobody():
    from spotfw.contracts import StartFromScratch

    return [StartFromScratch()]


def test_built_in_strategies_conform():
    parts = {part.name: part for part in spotfw_selection_strategies()}
    check_selection_strategy(parts["top_k_weighted_average"])
    for part in parts.values():
        assert {o.status for o in outcomes(part, only=IN_PROCESS)} == {"passed"}


def raced(ranking, k):
    return [Race([StartFromPrompt(e.id) for e in ranking[:1]], (0.5,))] if ranking else nobody()


@pytest.mark.parametrize("function", [mine, raced])
def test_a_plain_function_conforms(function):
    assert {o.status for o in outcomes(function, only=IN_PROCESS)} == {"passed"}


def generator(ranking, k):
    yield from mine(ranking, k)


def empty(ranking, k):
    return []


def ids(ranking, k):
    return [entry.id for entry in ranking[:k]]


def stranger(ranking, k):
    return [StartFromPrompt("not there")]


def uneven(ranking, k):
    return [StartFromAverage(ids=tuple(e.id for e in ranking), weights=(1.0,))]


def unweighted(ranking, k):
    entries = ranking[:k]
    return [StartFromAverage(tuple(e.id for e in entries), (float("nan"),) * len(entries))]


def unknown_tasks(ranking, k):
    return [StartFromMixture(tasks=("mnli",))]


def raced_stranger(ranking, k):
    return [Race((StartFromPrompt("not there"),), (0.5,))]


def exactly_k(ranking, k):
    return [StartFromPrompt(ranking[place].id) for place in range(k)]


def moody(ranking, k):
    return [StartFromPrompt(random.choice(ranking).id) for _ in range(5)]


def by_share(ranking, k):
    total = sum(entry.similarity for entry in ranking)
    weights = tuple(entry.similarity / total for entry in ranking)
    return [StartFromAverage(tuple(e.id for e in ranking), weights)]


def by_task(ranking, k):
    return [StartFromMixture(tuple(sorted(entry.task.lower() for entry in ranking)))]


@pytest.mark.parametrize(
    ("strategy", "check", "said"),
    [
        (generator, "candidates", "expected a list of candidates"),
        (empty, "candidates", "expected at least one candidate"),
        (ids, "candidates", "or Race of spotfw.contracts"),
        (stranger, "candidates", "expected ids of the ranking"),
        (raced_stranger, "candidates", "expected ids of the ranking"),
        (uneven, "candidates", "one finite weight for each id"),
        (unweighted, "candidates", "one finite weight for each id"),
        (unknown_tasks, "candidates", "expected tasks of the ranking"),
        (exactly_k, "more_than_there_are", "IndexError"),
        (exactly_k, "single", "IndexError"),
        (exactly_k, "none_to_choose", "IndexError"),
        (by_share, "no_likeness", "ZeroDivisionError"),
        (by_task, "little_known", "AttributeError"),
        (moody, "determinism", "expected the same candidates again"),
        (lambda ranking, k: mine(ranking, k), "other_process", "to be picklable"),
    ],
)
def test_what_is_wrong_is_said(strategy, check, said):
    random.seed(0)
    (outcome,) = outcomes(strategy, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said


def test_the_message_names_the_function():
    with pytest.raises(AssertionError, match="selection strategy 'empty' does not conform"):
        check_selection_strategy(empty)


def test_a_ranking_is_in_order():
    ranking = a_ranking(5)
    assert [item.rank for item in ranking] == [1, 2, 3, 4, 5]
    assert [item.id for item in a_ranking(5, task=None)] == [item.id for item in ranking]
