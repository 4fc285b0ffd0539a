"""Benchmarks where an engine is not installed, or fails: what is left out, and what is kept."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks import duel, engines, start
from benchmarks.ended import EngineEnded
from benchmarks.engines import installed, lacking, need
from benchmarks.rows import Row, report

#: Those of the table in benchmarks/README.md that can measure something without PyTorch.
WITHOUT_TORCH = (
    *("parity", "kills", "real_input", "metrics", "retrieval", "ranking", "plugins"),
    *("paper_tasks", "unlabelled", "study_kills", "ray_study", "cohort", "report_page", "layouts"),
    *("start", "step", "epoch", "paper_hours", "scoring", "shares", "checkpoints"),
    *("where_time_goes", "campaigns.__main__", "tpu.__main__"),
)

_IMPORT = """
import importlib, sys
sys.modules.update(dict.fromkeys(("torch", "tensorflow", "transformers", "peft", "ray")))
for name in sys.argv[1:]:
    importlib.import_module(f"benchmarks.{name}")
"""


def row(what: str) -> Row:
    return Row(what, 1.5, None, "CPU s", None, "", None)


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Packages that seem not to be installed; all others seem to be."""
    names: set[str] = set()
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in names else object()
    )
    return names


def test_no_engine_is_imported_with_a_benchmark() -> None:
    words = [sys.executable, "-c", _IMPORT, *WITHOUT_TORCH]
    done = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_not_installed_is_said_in_a_line_and_left_out(
    absent: set[str], capsys: Any
) -> None:
    absent |= {"torch", "peft"}
    assert installed(["mesh", "torch", "peft"]) == ["mesh"]
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "Without rows of torch",
        "Without rows of peft",
    ]
    assert "torch is not installed: `pip install '.[torch]'" in lines[0]
    absent.remove("torch")
    assert installed(["mesh", "torch"]) == ["mesh", "torch"]
    assert not capsys.readouterr().err


def test_without_any_engine_one_paragraph_says_so(absent: set[str], capsys: Any) -> None:
    absent |= {"torch", "tensorflow"}
    for ask in (lambda: installed(["mesh", "torch", "peft"]), lambda: need("mesh", "torch")):
        with pytest.raises(SystemExit) as ended:
            ask()
        assert ended.value.code == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("This benchmark needs mesh or torch")
        assert "tensorflow is not installed: `pip install '.[mesh]'`" in line
    assert installed(["mesh", "torch"], least=0) == []
    need("ray", "mesh")


def test_peft_may_lie_in_a_folder_of_its_own(absent: set[str], tmp_path: Path) -> None:
    absent.add("peft")
    assert lacking("peft", [str(tmp_path)]) == "peft"
    (tmp_path / "peft").mkdir()
    (tmp_path / "peft" / "__init__.py").touch()
    assert lacking("peft", [str(tmp_path)]) is None


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (EngineEnded("the engine torch, which ended"), 1, "the engine torch, which ended"),
        (KeyboardInterrupt(), 130, "an interrupt"),
        (ValueError("a fault"), None, "ValueError: a fault"),
    ],
)
def test_rows_that_were_measured_are_kept(
    fault: BaseException, status: int | None, said: str, tmp_path: Path, capsys: Any
) -> None:
    def rows() -> Iterator[Row]:
        yield row("the first")
        raise fault

    file = tmp_path / "rows.json"
    if status is None:
        with pytest.raises(ValueError, match="a fault"):
            report("any", rows(), str(file), (), load=lambda: 2.5)
    else:
        assert report("any", rows(), str(file), (), load=lambda: 2.5) == status
    kept = json.loads(file.read_text())
    assert [entry["what"] for entry in kept["rows"]] == ["the first"]
    assert (kept["ended_by"], kept["load"]) == (said, 2.5)
    printed = capsys.readouterr()
    assert "the first" in printed.out
    assert "the first: 1.5 CPU s" in printed.err


def test_where_nothing_was_measured_an_earlier_file_stays(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        raise EngineEnded("no engine")
        yield row("never")

    file = tmp_path / "rows.json"
    file.write_text("earlier")
    assert report("any", rows(), str(file), ()) == 1
    assert file.read_text() == "earlier"


class Engine:
    """Stands for a worker: ``torch`` ends at its third call, ``peft`` does not open."""

    def __init__(self, work: Any, path: Sequence[str] = ()) -> None:
        self.name = work.engine
        self.calls = 0
        if self.name == "peft":
            raise EngineEnded("the engine peft, which ended: no such thing")

    def ask(self, *call: Any) -> Mapping[str, float]:
        self.calls += 1
        if self.name == "torch" and self.calls == 3:
            raise EngineEnded("the engine torch, which ended: killed")
        return {"cpu": float(self.calls), "wall": 1.0, "peak_mb": 2.0}

    def close(self) -> None:
        pass


def test_an_engine_that_fails_is_left_out_of_a_contest(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(duel, "Worker", Engine)
    contest = duel.Contest(
        what="small: a step",
        dtype="float32",
        prompt_length=4,
        batch_size=2,
        inputs=[[3, 1]],
        targets=[[4, 1]],
        rounds=3,
        goal=0.5,
    )
    given = Namespace(engines=["mesh", "torch", "peft"], threads=1, peft=None)
    costs = duel.compete(contest, duel.Models(hf="hf", mesh="mesh"), given)
    assert {engine: cost["cpu"] for engine, cost in costs.items()} == {"mesh": 3.0}
    said = capsys.readouterr().err
    assert "small: a step: without the engine torch, which ended: killed" in said
    assert "small: a step: without the engine peft, which ended: no such thing" in said
    (only,) = duel.duel_rows(contest, costs)
    assert (only.ours, only.theirs, only.holds) == (3.0, None, None)


def test_a_command_that_fails_costs_its_row_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def seconds(command: Sequence[str]) -> float:
        if "predict" in command:
            raise EngineEnded("spotfw predict, which failed: Error: no PyTorch")
        return 2.0

    monkeypatch.setattr(start, "_seconds", seconds)
    commands = {"--help": ["--help"], "predict of a line": ["predict"]}
    assert start._in_turns(commands, 2) == {"--help": [2.0, 2.0]}
    assert "Without the row of spotfw predict, which failed" in capsys.readouterr().err


def test_every_engine_says_how_it_is_installed() -> None:
    assert {*engines.ENGINES} < {*engines.NEEDS}
    assert all(packages and way for packages, way in engines.NEEDS.values())
