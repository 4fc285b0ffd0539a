"""Parameters of a task by method: the paper's 27,000 times fewer, and its table."""

from __future__ import annotations

import attrs
import pytest

from spotfw.study.findings.paper_tables import methods, table1, targets_of
from spotfw.study.findings.parameters import parameters_table, times_fewer
from spotfw.study.rows import Row

XXL, PROMPT = 11_135_332_352, 100 * 4_096
ROW = Row(kind="baseline", model="xxl", parameters=XXL, task="t", steps=10, score=80.0)


def _rows() -> list[Row]:
    of_prompt = {"task_parameters": PROMPT, "cpu_seconds": 2.0}
    all_weights = {"task_parameters": XXL, "cpu_seconds": 9.0, "kind": "model tuning"}
    return [
        attrs.evolve(ROW, **of_prompt),
        attrs.evolve(ROW, **of_prompt, seed=1, score=82.0),
        attrs.evolve(ROW, **of_prompt, kind="generic", source="mix", score=85.0),
        attrs.evolve(ROW, **all_weights, source="ModelTuning", score=84.0),
        attrs.evolve(ROW, **all_weights, source="Multi-task ModelTuning", score=86.0),
        attrs.evolve(ROW, kind="model source", source="Multi-task ModelTuning", task="a+b"),
    ]


def test_xxl_has_27_000_times_fewer() -> None:
    """Paper 2.2: at T5 XXL, a prompt of 100 tokens against all weights."""
    assert times_fewer(XXL, PROMPT) == pytest.approx(27_000, rel=0.01)


def test_the_table_has_a_line_for_each_method() -> None:
    lines = {row[0].value: row[1:] for row in parameters_table(_rows()).rows}
    assert list(lines) == [
        *("from scratch", "SPoT mix", "ModelTuning", "Multi-task ModelTuning"),
        "Multi-task ModelTuning: its sources",
    ]
    kept, fewer, tunings, steps, cpu = lines["from scratch"]
    assert (kept.value, tunings.value, steps.value, cpu.value) == (PROMPT, 2, "10", 2.0)
    assert fewer.text == "27,186"
    kept, fewer, *_ = lines["ModelTuning"]
    # All weights are no fewer of them.
    assert (kept.value, kept.text, fewer.text) == (XXL, "11,135,332,352", "-")
    # Rows of older studies do not say what a task keeps.
    (old,) = parameters_table([attrs.evolve(ROW, task_parameters=None)]).rows
    assert (old[1].text, old[2].text) == ("-", "-")


def test_table_1_has_the_rows_of_all_weights_and_their_sources_are_no_targets() -> None:
    rows = _rows()
    assert targets_of(rows) == ["t"]
    names = [name for name, _, _ in methods(rows)]
    assert names == ["from scratch", "SPoT mix", "ModelTuning", "Multi-task ModelTuning"]
    best = [row[0].value for row in table1(rows).rows if row[-1].mark == "best"]
    assert best == ["Multi-task ModelTuning"]
