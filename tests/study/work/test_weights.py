"""Which engine tunes a study's weights where none is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spotfw.config import ModelTuningSettings
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.recipe.model_run_folder import engine_of
from spotfw.study.work import weights


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(weights, "weight_engines", lambda plugins: ["mesh", "torch"])
    monkeypatch.setattr(weights, "weight_backend", lambda model, plugins: "mesh")
    return tmp_path / "runs"


def begin(runs: Path, name: str, engine: str, **changes: Any) -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    record = {
        "task": "t",
        "model": "playground",
        "method": "model",
        "identity": {"configuration": f"{engine}:0f"},
        "settings": ModelTuningSettings(batch_size=4).to_dict(),
        **changes,
    }
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def test_a_study_that_goes_on_keeps_the_engine_of_its_runs(runs: Path) -> None:
    def chosen() -> str:
        return weights.engine("playground", str(runs), Plugins())

    assert chosen() == "mesh"
    begin(runs, "a prompt", "torch", method=None)
    begin(runs, "another model", "torch", model="other")
    (runs / "damaged").mkdir()
    (runs / "damaged" / "run.json").write_text("{")
    assert chosen() == "mesh"
    begin(runs, "begun", "torch")
    begin(runs, "absent engine", "gone")
    assert chosen() == "torch"


def test_rows_of_an_engine_that_is_gone_are_not_mixed_with_anothers(runs: Path) -> None:
    begin(runs, "absent engine", "gone")
    with pytest.raises(WrongUse, match=r"begun with the engine gone, which is not installed"):
        weights.engine("playground", str(runs), Plugins())


def test_what_a_run_says_of_its_engine(runs: Path) -> None:
    assert engine_of(str(begin(runs, "run", "torch"))) == "torch"
    assert engine_of(str(begin(runs, "old", "torch", identity={}))) is None
    assert engine_of(str(runs / "absent")) is None
