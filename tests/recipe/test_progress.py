"""The lines of a bar at any width, and who hears of which tuning."""

from __future__ import annotations

import io
import sys
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.config import TuningSettings
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.recipe.progress.bars import noted
from spotfw.recipe.progress.lines import Moment, bar_lines
from spotfw.recipe.progress.watch import Watch, WatchAll, titles
from spotfw.recipe.tuned import Report, Tuning

MOMENT = Moment(done=131_072, total=262_144, unit="steps", elapsed=3_600.0, rate=10.0)
COUNTS, TIMES = "131,072/262,144 steps", "1:00:00, left 3:38:27"


@given(st.text("abc _", max_size=90), st.text("xyz ,", max_size=60), st.integers(30, 200))
def test_counts_and_times_are_there_at_any_width(what, facts, width):
    lines = [str(line) for line in bar_lines(what, MOMENT, facts, width)]
    assert all(len(line) <= width for line in lines)
    assert sum(COUNTS in line for line in lines) == 1
    assert sum(TIMES in line for line in lines) == 1


def test_a_wide_terminal_has_all_in_a_line():
    (line,) = bar_lines("tune cb", MOMENT, "loss 0.5", 140)
    assert (line.bar, line.full) == (30, 15)
    assert str(line).endswith(f"{COUNTS}  {TIMES}  loss 0.5")


def test_a_narrow_one_has_the_facts_above_the_bar():
    above, below = bar_lines("tune cb from mnli (seed 0)", MOMENT, "loss 0.5, score 70.0", 80)
    assert str(above) == "tune cb from mnli (seed 0): loss 0.5, score 70.0"
    assert str(below).endswith(f" {COUNTS}  {TIMES}")


def test_a_name_and_its_number_stay_in_a_line():
    what = "tune book_reviews from film_reviews (seed 0)"
    first, second, _ = bar_lines(what, MOMENT, "loss 0.092, score 100.00, best 100.00", 80)
    assert (str(first), str(second)) == (f"{what}: loss 0.092, score 100.00,", "best 100.00")


def test_how_long_is_left_is_not_known_at_first_and_nothing_at_the_end():
    first = bar_lines("x", MOMENT._replace(rate=None), "", 80)[-1]
    assert str(first).endswith("left -:--:--")
    last = bar_lines("x", MOMENT._replace(done=262_144, rate=None), "", 80)[-1]
    assert str(last).endswith("left 0:00:00")
    assert last.bar == last.full


def test_a_bar_of_nothing_is_full():
    assert bar_lines("x", Moment(0, 0, "steps", 0.0, None), "", 80)


def report(task, step, source=""):
    return Report(task=task, step=step, steps=2, loss=1.0, score=None, best=None, source=source)


def test_each_tuning_is_named_by_its_task_and_its_source(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with Watch() as watch:
        for source in ("", "from mnli (seed 0)", "from mnli (seed 1)"):
            for step in (1, 2):
                watch(report("cb", step, source))
        watch(report("cb", 1, "from mnli (seed 1)"))
    heads = [line.split(": ")[0] for line in err.getvalue().splitlines()]
    # At once and at the end; the last was stopped.
    assert heads == [
        *["tune cb"] * 2,
        *["tune cb from mnli (seed 0)"] * 2,
        *["tune cb from mnli (seed 1)"] * 3,
    ]


def test_the_best_of_several_is_the_best_of_any(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with WatchAll("tune cb", tunings=2, steps=2) as watch:
        for run, best in (("a", 90.0), ("b", 40.0)):
            done = report("cb", 2)
            watch(attrs.evolve(done, run=run, best=best, score=best))
    assert (
        err.getvalue()
        .splitlines()[-1]
        .endswith("tuning 2 of 2, loss 1.00, score 40.00, best 90.00")
    )


def test_tunings_side_by_side_have_one_bar(monkeypatch):
    err = io.StringIO()
    monkeypatch.setattr("sys.stderr", err)
    with Watch() as watch:
        watch(report("cb", 1))
        for runs in ("abc", "de"):
            for step in (1, 2):
                for run in runs:
                    watch(attrs.evolve(report("cb", step), run=run, beside=len(runs)))
    lines = [line.split(", loss")[0] for line in err.getvalue().splitlines()]
    assert [line.split(" steps")[0] for line in lines] == [
        "tune cb: 1/2",
        "tune cb, 3 side by side: 1/6",
        "tune cb, 3 side by side: 6/6",
        "tune cb, 2 side by side: 1/4",
        "tune cb, 2 side by side: 4/4",
    ]


@pytest.mark.parametrize(
    ("heard", "text"),
    [
        (
            [("cb", "from mnli"), ("cb", "from snli"), ("cb", "")],
            "tune cb from mnli, snli and scratch",
        ),
        ([("cb", "from mnli")], "tune cb from mnli"),
        ([("cb", ""), ("cb", "")], "tune cb, 3 side by side"),
        ([("cb", "from mnli"), ("rte", "")], "tune cb from mnli and rte"),
    ],
)
def test_tunings_side_by_side_are_all_named(heard, text):
    assert titles([report(task, 1, source) for task, source in heard], 3) == text


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        (None, ""),
        (Provenance(task="mnli", seed=3), "from mnli (seed 3)"),
        (Provenance(task="mnli"), "from mnli"),
        (Provenance(), "from a prompt"),
        (
            Provenance(settings={"average_of": [{"task": "a", "weight": 0.75}, {"weight": 0.25}]}),
            "from 0.75 a + 0.25 a prompt",
        ),
        (Provenance(task="t", settings={"average_of": ["odd"]}), "from t"),
    ],
)
def test_where_a_tuning_starts_in_words(provenance, text):
    start = None if provenance is None else SoftPrompt([[1.0]], provenance)
    tuning = Tuning(task=None, settings=TuningSettings(), out="x", start=start)
    assert tuning.source == text


def test_what_a_session_announces_is_broken_between_words(monkeypatch: Any) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "40")
    for stream, lines in (
        (Screen(), ["A checkpoint takes 4 bytes; up to 2 lie", "in runs/mine-all."]),
        (io.StringIO(), ["A checkpoint takes 4 bytes; up to 2 lie in runs/mine-all."]),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        noted("A checkpoint takes 4 bytes; up to 2 lie in runs/mine-all.")
        assert stream.getvalue().splitlines() == lines
