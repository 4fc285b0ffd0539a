"""How well rankings predict transfer, on the numbers of test_likeness."""

from __future__ import annotations

import pytest

from spotfw.study.findings.retrieval import retrieval_table
from tests.study.findings.test_likeness import PAIRS, rows


def test_retrieval_table() -> None:
    table = retrieval_table(rows(), PAIRS)
    cells = dict(zip(table.columns, table.rows[0], strict=True))
    assert cells["metric"].value == "m"
    assert cells["Spearman"].value == pytest.approx(1)
    assert cells["regret@1"].value == pytest.approx(0)
    assert cells["hit rate@1"].value == pytest.approx(1)
    assert "hit rate@5" not in cells  # of three prompts

    # A begun study may know fewer similarities of one target than scores.
    fewer = [p for p in PAIRS if (p.task_a, p.role_b) != ("far", "target")]
    begun = retrieval_table(rows(), fewer)
    assert begun.rows[0][begun.columns.index("regret@3")].text == "-"

    silent = retrieval_table(rows(), PAIRS, {"none": lambda x, y: None})
    assert silent.rows[0][1].text == "-"
    assert "2 values left out" in silent.notes[-1]
    assert retrieval_table([], []).rows == ()
