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
        found = seen[width]
        assert found["faults"] == []
        assert {"table1", "table3", "table4", "table5", "retrieval"} <= set(found["tables"])
        assert len(found["figures"]) == 7 and found["left_out"] == ["figure1"]
        assert found["sideways"] <= 0
        assert found["unsorted"] == 0 and found["pressed"] > 50
        assert found["dangling"] == [] and found["outside"] == []
        assert (tmp_path / f"{width}.png").stat().st_size > 10_000
    assert (tmp_path / "print.pdf").read_bytes().startswith(b"%PDF")
