"""A model is asked for by a name or a folder, in the same way everywhere."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.errors import SpotError, UnknownName
from spotfw.plugins import Plugins
from spotfw.plugins.models import model_folder, named_model
from spotfw.prompts import Provenance, SoftPrompt, save_prompt


@pytest.fixture
def house(tmp_path: Path, spotfw_plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """Plugins with the model ``house``; the working directory has the folder ``mine``."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    named = NamedModel(name="house", folder=lambda: tmp_path / "fetched", settings={"steps": 7})
    part = SimpleNamespace(spotfw_models=spotfw.hookimpl(lambda: [named]))
    spotfw_plugins.register(part, "p", distribution="spotfw-house")
    return spotfw_plugins


@pytest.mark.parametrize("name", ["house", "spotfw-house:house"])
def test_a_name(house: Plugins, tmp_path: Path, name: str) -> None:
    named = named_model(name, house)
    assert named is not None and named.settings == {"steps": 7}
    assert model_folder(name, house) == str(tmp_path / "fetched")
    assert spotfw.Session(name).settings().steps == 7


@pytest.mark.parametrize("folder", ["mine", "./mine", "gs://bucket/t5"])
def test_a_folder(house: Plugins, folder: str) -> None:
    assert named_model(folder, house) is None
    assert model_folder(folder, house) == folder


def test_a_folder_that_is_there_comes_before_a_name(house: Plugins, tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    assert named_model("house", house) is None
    (tmp_path / "house").rmdir()
    (tmp_path / "house").write_text("a file is no model")
    assert named_model("house", house) is not None


def test_a_path_that_is_not_there(house: Plugins) -> None:
    assert named_model("./house", house) is None
    with pytest.raises(SpotError, match=r"The model folder \./house does not exist"):
        model_folder("./house", house)


def test_neither_is_one_error_wherever_a_model_is_named(
    house: Plugins, spotfw_cli: Any, tmp_path: Path
) -> None:
    said = "There is no model named 'hose'. Did you mean 'house'?"
    end = "Nor is there a folder hose here."
    for ask in (lambda: model_folder("hose", house), lambda: spotfw.Session("hose")):
        with pytest.raises(UnknownName) as caught:
            ask()
        assert str(caught.value).startswith(said) and str(caught.value).endswith(end)
    (tmp_path / "t.toml").write_text(
        'name = "t"\ninputs = "{text}"\ntargets = "{text}"\n[splits]\ntrain = "t.jsonl"\n'
        'validation = "t.jsonl"\n'
    )
    (tmp_path / "study.toml").write_text('model = "hose"\nsources = ["t.toml"]\n')
    save_prompt(SoftPrompt(np.ones((2, 3), np.float32)), tmp_path / "p.safetensors")
    for words in (
        ("models", "show", "hose"),
        ("models", "convert", "hose", "there"),
        ("tasks", "show", "t.toml", "--lengths", "--model", "hose"),
        ("tune", "t.toml", "--model", "hose", "--out", "run"),
        ("evaluate", "p.safetensors", "t.toml", "--model", "hose"),
        ("study", "plan", "study.toml"),
    ):
        ran = spotfw_cli(*words)
        assert ran.status == 2, words
        assert said in ran.err and end in ran.err, words


def test_a_prompt_of_an_unknown_model_says_so(
    house: Plugins, spotfw_cli: Any, tmp_path: Path
) -> None:
    prompt = SoftPrompt(np.ones((2, 3), np.float32), Provenance(model="hose"))
    save_prompt(prompt, tmp_path / "p.safetensors")
    ran = spotfw_cli("evaluate", "p.safetensors", "t")
    assert ran.status == 2
    assert "The prompt p.safetensors was tuned on the model 'hose'. There is no" in ran.err
    assert ran.err.endswith("Name the model by --model.\n")
