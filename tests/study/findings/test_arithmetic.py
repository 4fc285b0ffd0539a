"""Spreads and correlations, also where there are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.study.findings import arithmetic
from spotfw.study.rows import Row

FLOATS = st.floats(0, 100)


@given(st.lists(FLOATS, min_size=1, max_size=20))
def test_spread_is_numpys(values: list[float]) -> None:
    spread = arithmetic.spread(values)
    assert spread is not None
    assert spread.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert spread.std == pytest.approx(np.std(values), abs=1e-6)
    assert spread.count == len(values)


def test_spread_of_nothing() -> None:
    assert arithmetic.spread([]) is None


def test_pearson() -> None:
    line = arithmetic.pearson([1, 2, 3, 4], [2, 4, 6, 8.5])
    assert line.r == pytest.approx(np.corrcoef([1, 2, 3, 4], [2, 4, 6, 8.5])[0, 1])
    assert line.p is not None and line.p < 0.01
    assert (line.count, line.dropped, line.why) == (4, 0, None)


@pytest.mark.parametrize(
    ("x", "y", "why"),
    [
        ([], [], "0 points, and three are needed"),
        ([1, 2], [3, 4], "2 points, and three are needed"),
        ([1, 1, 1], [1, 2, 3], "the similarities do not vary"),
        ([1, 2, 3], [5, 5, 5], "the scores do not vary"),
        ([0.1 + 0.2, 0.3, 0.3], [1, 2, 3], "the similarities do not vary"),
        ([1, 2, math.nan], [1, 2, 3], "2 points, and three are needed"),
    ],
)
def test_no_correlation_is_reported(x: list[float], y: list[float], why: str) -> None:
    correlation = arithmetic.pearson(x, y)
    assert (correlation.r, correlation.p, correlation.why) == (None, None, why)


def test_points_that_are_no_numbers_are_dropped_and_counted() -> None:
    correlation = arithmetic.pearson([1, 2, 3, math.nan, 5], [2, 4, 6, 8, math.inf])
    assert correlation.r == pytest.approx(1)
    assert (correlation.count, correlation.dropped) == (3, 2)


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=12))
def test_pearson_never_raises(pairs: list[tuple[float, float]]) -> None:
    correlation = arithmetic.pearson([a for a, _ in pairs], [b for _, b in pairs])
    assert (correlation.r is None) == (correlation.why is not None)
    if correlation.r is not None:
        assert -1 <= correlation.r <= 1


@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2)), FLOATS, min_size=1, max_size=9
    )
)
def test_a_method_changes_nothing_over_itself(scores: dict[tuple[str, int], float]) -> None:
    change = arithmetic.change(scores, scores, ["a", "b", "c"])
    if change is not None:
        assert change.absolute.mean == 0 and change.absolute.std == 0
        assert set(change.errorless) <= set(change.targets)


def test_relative_change_is_the_mean_of_the_targets_reductions() -> None:
    baseline = {("a", 0): 50.0, ("a", 1): 60.0, ("b", 0): 90.0, ("b", 1): 96.0}
    scores = {key: value + 2 for key, value in baseline.items()}
    change = arithmetic.change(baseline, scores, ["a", "b"])
    assert change is not None and change.relative is not None
    reductions = [arithmetic.reduction(55, 57), arithmetic.reduction(93, 95)]
    assert change.relative.mean == pytest.approx(np.mean([r for r in reductions if r is not None]))


def test_the_oracle_is_the_best_of_each_target_and_seed() -> None:
    rows = [
        Row(kind="transfer", task="a", source=source, source_seed=s, seed=seed, score=score)
        for source, s, seed, score in [
            ("x", 0, 0, 10),
            ("x", 1, 0, 30),
            ("y", 0, 0, 20),
            ("y", 0, 1, 5),
        ]
    ]
    assert arithmetic.oracle_scores(rows) == {("a", 0): 30, ("a", 1): 5}
    assert arithmetic.pair_scores(rows) == {("x", "a"): [10, 30], ("y", "a"): [20, 5]}
    assert set(arithmetic.prompt_scores(rows)) == {("x", 0, "a"), ("x", 1, "a"), ("y", 0, "a")}


def test_smaller_models_come_first() -> None:
    rows = [Row(kind="baseline", model=m, parameters=p) for m, p in [("b", 200), ("s", 60)]]
    assert arithmetic.models(rows) == ["s", "b"]
