"""What benchmarks keep in their files says as much on another machine."""

from __future__ import annotations

import pathlib
import re
import tempfile
from pathlib import Path

import pytest

from benchmarks.campaigns.driver import Count
from benchmarks.campaigns.verdict import CRASH, Case
from benchmarks.command import command

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"


def test_a_command_names_no_folder_of_this_machine(tmp_path: Path) -> None:
    words = ["--rounds", "3", "--peft", str(tmp_path), f"--out={tmp_path / 'a=b'}"]
    words += ["--json", "benchmarks/results/step.json", "--name", "a b"]
    assert command("step", words) == (
        "python -m benchmarks.step --rounds 3 --peft FOLDER --out=FOLDER/a=b "
        "--json benchmarks/results/step.json --name 'a b'"
    )


def test_a_fault_names_no_folder_of_this_machine() -> None:
    count = Count("gin")
    case = Path(tempfile.gettempdir(), "spotfw-campaign-abc", "case")
    detail = f"OSError in {pathlib.__file__}:open: [Errno 40] '{case}/model/x.gin', {Path.home()}/y"
    count.add(Case(number=1, what="loop", verdict=CRASH, detail=detail))
    ((kind, fault),) = count.faults.items()
    place = kind.removeprefix("crash: OSError in ")
    assert place in ("pathlib.py", "pathlib/__init__.py")
    assert fault["detail"] == (
        f"OSError in {place}:open: [Errno 40] 'FOLDER/case/model/x.gin', ~/y"
    )


@pytest.mark.parametrize("file", sorted(RESULTS.glob("*.json")), ids=lambda file: file.stem)
def test_no_file_names_a_folder_of_a_machine(file: Path) -> None:
    assert (
        re.findall(r"(?<![\w.])/(?:tmp|root|home|work|usr|opt|var)/[^ \"]*", file.read_text()) == []
    )
