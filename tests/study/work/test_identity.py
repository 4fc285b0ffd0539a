"""A study's cells are of the tasks and the model as they are now."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from spotfw.plugins import Plugins
from spotfw.study import plan, run
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.testing import NumpyBackend
from tests.study.conftest import DOCUMENT


@pytest.fixture
def plugins(spotfw_plugins: Plugins, spotfw_numpy_backend: NumpyBackend) -> Plugins:
    return spotfw_plugins


@pytest.fixture
def study(tmp_path: Path, spotfw_task_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    shutil.copytree(spotfw_task_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "weights").write_text("1")
    monkeypatch.chdir(tmp_path)
    changes: dict[str, Any] = {"model": "./model", "seeds": [0], "ks": [1]}
    document = DOCUMENT | changes | {"open": {"backend": "numpy"}}
    return parse_study(document, "study.toml")


def done_again(study: Study, plugins: Plugins) -> tuple[set[str], list[str]]:
    """Titles of the cells that are run again, and what is said of it."""
    plugins.relist_tasks()
    laid = plan(study, "study", plugins=plugins)
    todo = {str(cell) for cell in laid.todo}
    said: list[str] = []
    outcome = run(study, "study", workers=0, plugins=plugins, notify=said.append)
    assert outcome.done == outcome.cells, outcome.failed
    return todo, said


def test_cells_of_another_state_are_run_again(study: Study, plugins: Plugins) -> None:
    first, _ = done_again(study, plugins)
    assert len(first) == len(plan(study, "study", plugins=plugins).cells)
    assert done_again(study, plugins) == (set(), [])
    files = {path.name for path in Path("study/cells").iterdir()}

    toml = Path("tiny_words.toml")
    before = toml.read_text()
    toml.write_text(before.replace("word: ", "the word: "))
    again, said = done_again(study, plugins)
    assert "source tiny_reviews, seed 0" not in again
    assert "baseline tiny_words, seed 0" in again
    assert any("strategy" in title for title in again)
    assert len(said) == 1 and said[0].startswith("task tiny_words: definition has changed since")

    rows = Path("tiny_things-train.jsonl")
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[::-1]))
    again, said = done_again(study, plugins)
    assert "baseline tiny_words, seed 0" not in again
    assert {
        "source tiny_things, seed 0",
        "transfer tiny_words from tiny_things (seed 0), seed 0",
    } <= (again)
    assert len(said) == 1 and "task tiny_things: tiny_things-train.jsonl has changed" in said[0]

    # What was is still there: its cells are found again.
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[::-1]))
    toml.write_text(before)
    assert done_again(study, plugins) == (set(), [])
    assert files < {path.name for path in Path("study/cells").iterdir()}


def test_another_model_in_the_folder_is_another_study_of_it(study: Study, plugins: Plugins) -> None:
    done_again(study, plugins)
    Path("model/weights").write_text("2")
    again, said = done_again(study, plugins)
    assert len(again) == len(plan(study, "study", plugins=plugins).cells)
    assert said[0].startswith("model ./model: weights has changed since")
    Path("model/README.md").write_text("words")
    assert done_again(study, plugins) == (set(), [])


def test_a_copied_result_does_not_stand_for_another(study: Study, plugins: Plugins) -> None:
    done_again(study, plugins)
    laid = plan(study, "study", plugins=plugins)
    cell = next(cell for cell in laid.cells if cell.kind == "baseline")
    record = json.loads(Path("study/cells", f"{cell.id}.json").read_text())
    assert record["content"] == dict(cell.content)
    assert record["result"]["task_digest"] in cell.content.values()


def test_data_that_change_while_a_study_runs_fail_its_cells(study: Study, plugins: Plugins) -> None:
    laid = plan(study, "study", plugins=plugins)
    cell = next(cell for cell in laid.cells if cell.kind == "baseline")
    assert cell.is_of_other_data({"task_digest": "another"})  # type: ignore[attr-defined]
    assert not cell.is_of_other_data({})  # type: ignore[attr-defined]
    changed = False

    def touch(done: int, total: int, what: str) -> None:
        nonlocal changed
        if not changed:
            changed = True
            rows = Path("tiny_words-train.jsonl")
            rows.write_text(rows.read_text() + "\n")

    outcome = run(study, "study", workers=0, plugins=plugins, progress=touch)
    assert any("changed while the study ran" in error for error in outcome.failed.values())
    assert done_again(study, plugins)[0]
