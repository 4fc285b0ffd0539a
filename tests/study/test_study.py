"""Relative error reduction, against the paper's own tables."""

from __future__ import annotations

import csv
import math

import pytest

from spotfw.errors import WrongUse
from spotfw.study import relative_error_reduction
from tests.places import SHARED

PAPER = SHARED / "paper"


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


@pytest.mark.skipif(not PAPER.exists(), reason="the paper's tables are not here")
def test_table_four_gives_table_five() -> None:
    with (PAPER / "table4_transfer.csv").open() as stream:
        scores = {row["source"]: row for row in csv.DictReader(stream)}
    with (PAPER / "table5_relative_error_reduction.csv").open() as stream:
        printed = {
            (row["source"], row["target"]): float(row["relative_error_reduction_percent"])
            for row in csv.DictReader(stream)
        }
    baseline = scores.pop("Baseline")
    targets = [name.removesuffix("_mean") for name in baseline if name.endswith("_mean")]
    found = {
        (source, target): relative_error_reduction(
            float(baseline[f"{target}_mean"]), float(row[f"{target}_mean"])
        )
        for source, row in scores.items()
        for target in targets
    }
    assert len(printed) == 30
    for pair, value in printed.items():
        assert found[pair] == pytest.approx(value, abs=0.1), pair
    assert {pair for pair, value in found.items() if value > 10} == set(printed)
