"""The strategies with plain numbers, and a race with a real tuning."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.contracts import Race, StartFromPrompt
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.ranking import Ranked, Ranking, in_order
from spotfw.testing import check_selection_strategy
from spotfw_strategies import (
    NoiseRacingTopK,
    RacingTopK,
    SoftmaxWeightedAverage,
    TaskDiverseTopK,
    plugin,
)


def ranking(*rows: tuple[str, float, str | None]) -> Ranking:
    items = [Ranked(rank=0, id=id, similarity=value, task=task) for id, value, task in rows]
    return Ranking(items=in_order(items))


FIVE = ranking(
    ("a", 0.6, "x"), ("b", 0.5, "x"), ("c", 0.3, None), ("d", 0.2, "y"), ("e", 0.1, None)
)
ALL: list[Any] = [SoftmaxWeightedAverage(), TaskDiverseTopK(), RacingTopK(), NoiseRacingTopK()]


def chosen(candidates: Any) -> list[str]:
    return [c.id for c in candidates]


def test_the_entry_point_gives_them_all() -> None:
    installed = Plugins()
    assert {s.name for s in plugin.spotfw_selection_strategies()} <= set(
        installed.names("strategy")
    )
    assert not [f for f in installed.failures if f.plugin == "more_strategies"]


def test_softmax_weights() -> None:
    (start,) = SoftmaxWeightedAverage(temperature=1.0)(FIVE, 2)
    assert start.ids == ("a", "b")
    e = 2.718281828459045
    assert start.weights == pytest.approx((e**0.6 / (e**0.6 + e**0.5), e**0.5 / (e**0.6 + e**0.5)))


def test_softmax_s_limits() -> None:
    (cold,) = SoftmaxWeightedAverage(temperature=1e-300)(FIVE, 3)
    assert cold.weights == (1, 0, 0)
    (hot,) = SoftmaxWeightedAverage(temperature=1e9)(FIVE, 4)
    assert hot.weights == pytest.approx((0.25,) * 4)
    (equal,) = SoftmaxWeightedAverage()(ranking(("a", -1.0, None), ("b", -1.0, None)), 2)
    assert equal.weights == (0.5, 0.5)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8),
    st.integers(1, 10),
    st.floats(1e-3, 1e3),
)
def test_softmax_weights_are_shares(values: list[float], k: int, temperature: float) -> None:
    of = ranking(*((str(n), value, None) for n, value in enumerate(values)))
    (start,) = SoftmaxWeightedAverage(temperature=temperature)(of, k)
    assert sum(start.weights) == pytest.approx(1)
    assert list(start.weights) == sorted(start.weights, reverse=True)
    assert len(start.ids) == len(start.weights) == min(k, len(values))


def test_one_prompt_a_task() -> None:
    diverse = TaskDiverseTopK()
    assert chosen(diverse(FIVE, 2)) == ["a", "c"]
    assert chosen(diverse(FIVE, 9)) == ["a", "c", "d", "e"]
    odd = ranking(("a", 0.5, None), ("b", 0.4, "a"), ("c", 0.3, "a"))
    assert chosen(diverse(odd, 3)) == ["a", "b"]


@pytest.mark.parametrize(
    ("k", "rungs"),
    [(1, ()), (2, (0.5,)), (3, (0.25, 0.5)), (4, (0.25, 0.5)), (5, (0.125, 0.25, 0.5))],
)
def test_a_race_halves_until_one_is_left(k: int, rungs: tuple[float, ...]) -> None:
    (race,) = RacingTopK()(FIVE, k)
    assert race == Race(tuple(StartFromPrompt(name) for name in "abcde"[:k]), rungs)


def test_a_steeper_race() -> None:
    (race,) = RacingTopK(growth=4)(FIVE, 4)
    assert race.rungs == (1 / 16, 1 / 4)
    (short,) = RacingTopK()(FIVE[:2], 4)
    assert (len(short.candidates), short.rungs) == (2, (0.5,))


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.name)
def test_nothing_to_choose_from(strategy: Any) -> None:
    with pytest.raises(WrongUse, match="k counts"):
        strategy(FIVE, 0)
    with pytest.raises(WrongUse, match="no prompt to compare"):
        strategy(ranking(), 1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: SoftmaxWeightedAverage(temperature=0.0),
        lambda: SoftmaxWeightedAverage(temperature=float("nan")),
        lambda: RacingTopK(growth=1),
        lambda: RacingTopK(budget=0),
        lambda: RacingTopK(budget=2.5),
        lambda: RacingTopK(growth=float("inf")),
        lambda: RacingTopK(growth="2"),
        lambda: NoiseRacingTopK(confidence=1.0),
        lambda: NoiseRacingTopK(confidence=0.4),
        lambda: NoiseRacingTopK(looks=0),
        lambda: NoiseRacingTopK(budget=0),
    ],
)
def test_senseless_settings(make: Any) -> None:
    with pytest.raises(WrongUse, match=r"must be a (whole )?number"):
        make()


@pytest.mark.parametrize("strategy", ALL, ids=lambda s: s.name)
def test_conformance(strategy: Any) -> None:
    check_selection_strategy(strategy)


def test_a_race_knows_its_budget() -> None:
    assert RacingTopK()(FIVE, 3)[0].budget is None
    assert RacingTopK(budget=600)(FIVE, 3)[0].budget == 600


def test_a_race_until_the_gap_is_sure() -> None:
    (race,) = NoiseRacingTopK()(FIVE, 3)
    field = tuple(StartFromPrompt(name) for name in "abc")
    assert race == Race(field, (1 / 16, 1 / 8, 1 / 4, 1 / 2), None, 0.95)
    (other,) = NoiseRacingTopK(confidence=0.8, looks=2, growth=3, budget=900)(FIVE, 9)
    assert (len(other.candidates), other.rungs) == (5, (1 / 9, 1 / 3))
    assert (other.budget, other.confidence) == (900, 0.8)
