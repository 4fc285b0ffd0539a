"""The bundled model is whole, small, and the one its card describes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotfw.config import TuningSettings
from spotfw_english.bundled import PACKED, english_model


def test_it_is_small_and_in_hugging_faces_layout() -> None:
    names = {"config.json", "generation_config.json", "model.safetensors", "spiece.model"}
    assert names <= {path.name for path in PACKED.iterdir()}
    assert sum(path.stat().st_size for path in PACKED.iterdir()) < 43_000_000
    config = json.loads((PACKED / "config.json").read_text())
    assert (config["d_model"], config["vocab_size"]) == (384, 10_112)
    assert english_model().hf_folder == str(PACKED)


def test_its_settings_are_settings() -> None:
    settings = TuningSettings.from_dict(TuningSettings().to_dict() | dict(english_model().settings))
    assert settings.dropout == 0  # it was trained without


def test_the_whole_model_in_this_repository_is_the_one_beside_it(shared: Path) -> None:
    from spotfw.backends.mesh.folders.hf_model import HFModel

    original = shared / "models" / "english-small"
    assert HFModel(str(PACKED)).fingerprint == HFModel(str(original)).fingerprint


@pytest.mark.slow
def test_it_unpacks_and_goes_on_with_a_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw.backends.mesh.engine import open_model

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = open_model(english_model().folder())
    settings = TuningSettings(max_target_length=8, max_input_length=64)
    (text,) = model.predict(None, ["The river runs through the old town and"], settings)
    model.close()
    assert text.strip()
