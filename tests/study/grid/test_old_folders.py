"""Folders of studies that earlier versions began: same cells, same tables.

A cell's id has what tasks and models hold since; what was run before stands under `declared`.

``tests/golden/studies`` has two, run by version 0.1.0 before cells had classes: ``whole`` ended
well; in ``failed`` the data of the source tiny_things could not be read. Runs and library are
left out, for nothing of them is needed to go on from cells that have ended.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.study import plan, run
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.study.grid.planning import Plan
from spotfw.study.work.running import write_tables
from tests.places import TESTS
from tests.study.conftest import DOCUMENT

GOLDEN = TESTS / "golden" / "studies"
TABLES = ("rows.csv", "similarities.csv")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return Plugins(entry_points=False)


@pytest.fixture
def study(tmp_path: Path, spotfw_task_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """The study as it was declared, in a folder of its tasks; ``models/tiny`` is never opened."""
    shutil.copytree(spotfw_task_folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    changes: dict[str, Any] = {
        "model": "models/tiny",
        "seeds": [0],
        "ks": [1],
        "targets": ["tiny_words.toml", "tiny_reviews.toml"],
        "metrics": ["average_token_cosine"],
        "open": {"threads": 1},
    }
    return parse_study(DOCUMENT | changes, "study.toml")


def _laid(study: Study, name: str, plugins: Plugins) -> Plan:
    shutil.copytree(GOLDEN / name, "study")
    return plan(study, "study", plugins=plugins)


def test_a_study_that_ended_has_nothing_to_do(study: Study, plugins: Plugins) -> None:
    laid = _laid(study, "whole", plugins)
    assert {f"{cell.declared}.json" for cell in laid.cells} == _names(GOLDEN / "whole" / "cells")
    for table in TABLES:
        Path("study", table).unlink()
    outcome = run(study, "study", workers=0, plugins=plugins)
    assert (outcome.done, outcome.cells, outcome.failed) == (20, 20, {})
    for name in (*TABLES, "study.json"):
        assert Path("study", name).read_bytes() == (GOLDEN / "whole" / name).read_bytes(), name


@pytest.mark.parametrize("name", ["whole", "failed"])
def test_tables_are_the_same_to_the_byte(study: Study, plugins: Plugins, name: str) -> None:
    laid = _laid(study, name, plugins)
    for table in TABLES:
        Path("study", table).unlink()
    write_tables(laid, laid.records)
    for table in TABLES:
        assert Path("study", table).read_bytes() == (GOLDEN / name / table).read_bytes(), table


def test_what_failed_or_was_cut_short_is_to_do(study: Study, plugins: Plugins) -> None:
    laid = _laid(study, "failed", plugins)
    records = {p.stem: json.loads(p.read_text()) for p in Path("study/cells").iterdir()}
    well = {
        key
        for key, record in records.items()
        if record["error"] is None and not record["result"].get("partial")
    }
    assert len(records) == 20 and len(well) == 7
    assert [c.id for c in laid.todo] == [c.id for c in laid.cells if c.declared not in well]


def test_one_line_says_what_is_not_known_of_them(study: Study, plugins: Plugins) -> None:
    said = [line for line in _laid(study, "whole", plugins).warnings if "0.1" in line]
    assert len(said) == 1 and "20 of the cells" in said[0] and "not known" in said[0]


def test_what_such_a_study_tunes_it_tunes_by_the_rule_of_then(
    study: Study, plugins: Plugins
) -> None:
    more = attrs.evolve(study, seeds=(0, 1))
    laid = _laid(more, "whole", plugins)
    assert {cell.facts["seed"] for cell in laid.todo} >= {1}
    assert all(s["scale_weight_decay"] is True for s in laid.resolved.settings.values())
    fresh = plan(more, "elsewhere", plugins=plugins)
    assert all(s["scale_weight_decay"] is False for s in fresh.resolved.settings.values())
    assert not {c.declared for c in laid.cells if c.facts["seed"]} & {
        c.declared for c in fresh.cells
    }
    other = attrs.evolve(study, settings={**study.settings, "scale_weight_decay": False})
    assert plan(other, "study", plugins=plugins).todo
    with pytest.raises(WrongUse, match=r"scale_weight_decay of .* was True, now False"):
        run(other, "study", workers=0, plugins=plugins)


def test_facts_stand_in_the_files_as_they_did(study: Study, plugins: Plugins) -> None:
    laid = _laid(study, "whole", plugins)
    for cell in laid.cells:
        before = json.loads(Path("study", "cells", f"{cell.declared}.json").read_text())["cell"]
        assert list(before.items()) == list(cell.facts.items())


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
