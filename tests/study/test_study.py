"""Relative error reduction, against the paper's own tables."""

from __future__ import annotations

import math

import pytest

from spotfw.errors import WrongUse
from spotfw.study import relative_error_reduction
from tests.paper import figures


def test_closed_form() -> None:
    assert relative_error_reduction(80, 90) == 50
    assert relative_error_reduction(50, 50) == 0
    assert relative_error_reduction(50, 100) == 100
    assert relative_error_reduction(50, 25) == -50
    # A correlation can be below 0 (CoLA), and rounding can lift BLEU a little above 100.
    assert relative_error_reduction(-100, 0) == 50
    assert relative_error_reduction(50, 100.00000000000004) == pytest.approx(100)


@pytest.mark.parametrize(
    ("baseline", "score"), [(100, 100), (-math.inf, 5), (5, 101), (math.nan, 5), (5, math.nan)]
)
def test_senseless_scores(baseline: float, score: float) -> None:
    with pytest.raises(WrongUse):
        relative_error_reduction(baseline, score)


def test_table_four_gives_table_five() -> None:
    scores, printed = figures.scores(), figures.error_reductions()
    computed = {
        (source, target): relative_error_reduction(scores["Baseline", target], score)
        for (source, target), score in scores.items()
        if source != "Baseline"
    }
    assert len(printed) == 30
    for pair, value in printed.items():
        assert computed[pair] == pytest.approx(value, abs=0.1), pair
    assert {pair for pair, value in computed.items() if value > 10} == set(printed)
