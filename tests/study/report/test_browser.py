"""A small report in a real browser, where there is one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.made_up_study import SOURCES, TARGETS, made_up
from benchmarks.report_page import WIDTHS, look
from spotfw.study.report.write import write_report

CHROMIUM = shutil.which("chromium")


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")
def test_a_browser_sees_everything_and_complains_of_nothing(tmp_path: Path) -> None:
    study, rows, similarities = made_up(list(SOURCES)[1:5], list(TARGETS)[6:8], [0, 1])
    made = write_report(study, str(tmp_path), rows, similarities)
    assert CHROMIUM is not None
    seen = look(Path(made.page), tmp_path, CHROMIUM)
    for width in WIDTHS:
        page = seen[width]
        assert page["faults"] == []
        assert {"table1", "table3", "table4", "table5", "retrieval"} <= set(page["tables"])
        assert len(page["figures"]) == 7 and page["left_out"] == ["learning_curves", "figure1"]
        assert page["sideways"] <= 0
        assert page["unsorted"] == 0 and page["pressed"] > 50
        assert page["dangling"] == [] and page["outside"] == []
        assert (tmp_path / f"{width}.png").stat().st_size > 10_000
    assert (tmp_path / "print.pdf").read_bytes().startswith(b"%PDF")
