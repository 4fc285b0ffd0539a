"""Strategies with plain numbers (paper 3.2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.contracts import (
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.ranking import Ranked, Ranking, in_order


def ranking(*rows: tuple[str, float, str | None]) -> Ranking:
    items = [Ranked(rank=0, id=id, similarity=value, task=task) for id, value, task in rows]
    return Ranking(items=in_order(items))


def choose(name: str, of: Ranking, k: int = 3) -> Any:
    return list(Plugins(entry_points=False).strategy(name)(of, k))


FOUR = ranking(("a", 0.6, "x"), ("b", 0.3, "y"), ("c", 0.1, "x"), ("d", -0.2, "z"))


def test_best_of_top_k() -> None:
    assert choose("best_of_top_k", FOUR, 2) == [StartFromPrompt("a"), StartFromPrompt("b")]
    assert len(choose("best_of_top_k", FOUR, 9)) == 4


def test_weighted_average() -> None:
    (start,) = choose("top_k_weighted_average", FOUR, 3)
    assert start.ids == ("a", "b", "c")
    assert start.weights == pytest.approx((0.6, 0.3, 0.1))


def test_weighted_average_leaves_out_what_is_not_alike() -> None:
    (start,) = choose("top_k_weighted_average", FOUR, 4)
    assert start.ids == ("a", "b", "c")
    unlike = ranking(("a", 0.0, "x"), ("b", -0.5, "x"))
    assert choose("top_k_weighted_average", unlike) == [StartFromScratch()]


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=8), st.integers(1, 10))
def test_weights_are_shares(tenths: list[int], k: int) -> None:
    values = [t / 10 for t in tenths]
    of = ranking(*((str(i), value, "t") for i, value in enumerate(values)))
    (start,) = choose("top_k_weighted_average", of, k)
    if isinstance(start, StartFromAverage):
        assert sum(start.weights) == pytest.approx(1)
        assert all(w >= 0 for w in start.weights)
        assert len(start.ids) == len(start.weights) <= k
    else:
        assert max(values) <= 0


def test_multitask_mixture_names_each_task_once() -> None:
    assert choose("top_k_multitask_mixture", FOUR, 3) == [StartFromMixture(("x", "y"))]
    with pytest.raises(WrongUse, match="nothing to mix"):
        choose("top_k_multitask_mixture", ranking(("a", 1.0, None)))


def test_oracle_takes_all() -> None:
    assert [c.id for c in choose("oracle", FOUR, 1)] == ["a", "b", "c", "d"]


def test_none_takes_nothing() -> None:
    assert choose("none", FOUR) == [StartFromScratch()]
    assert choose("none", ranking()) == [StartFromScratch()]


@pytest.mark.parametrize(
    "name", ["best_of_top_k", "top_k_weighted_average", "top_k_multitask_mixture"]
)
def test_senseless_k(name: str) -> None:
    with pytest.raises(WrongUse, match="k counts"):
        choose(name, FOUR, 0)


@pytest.mark.parametrize(
    "name", ["best_of_top_k", "top_k_weighted_average", "top_k_multitask_mixture", "oracle"]
)
def test_an_empty_ranking(name: str) -> None:
    with pytest.raises(WrongUse, match="no prompt to compare"):
        choose(name, ranking())
