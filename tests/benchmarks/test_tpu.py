"""The TPU benchmark without a TPU: a dry run, and what it refuses."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.tpu import __main__ as runner
from benchmarks.tpu.runs import TABLES, hours


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["benchmarks.tpu", *words])
    return runner.main()


@pytest.mark.mesh
def test_a_dry_run_builds_everything_and_executes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rows.json"
    words = ["--dry-run", "--layers", "1", "--sizes", "small", "--updates", "5"]
    assert run(monkeypatch, *words, "--topology", "v4-8", "--json", str(file)) == 0
    document = json.loads(file.read_text())
    rows = {row["what"].partition(": ")[2]: row for row in document["rows"]}
    assert not document["executed"]
    assert rows["memory of a device"]["holds"]
    assert rows["a step, predicted"]["ours"] > 0
    assert "measured" not in capsys.readouterr().out
    (first, *_) = TABLES
    expected = hours(first, rows["a step, predicted"]["ours"] / 1e3)
    assert rows[first.what]["ours"] == pytest.approx(expected)


def test_a_tpu_or_a_dry_run_must_be_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch)
    assert "--dry-run" in capsys.readouterr().err
    assert run(monkeypatch, "--dry-run", "--topology", "v9-8") == 1
    assert "no TPU topology that is known" in capsys.readouterr().err
