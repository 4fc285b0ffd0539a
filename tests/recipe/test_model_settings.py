"""Settings that come with a model's name go with the weights that are tuned from it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import spotfw
from spotfw import Session
from spotfw.config import ModelTuningSettings
from spotfw.contracts import NamedModel
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.model_settings import own_settings
from spotfw.recipe.comparing import read_runs
from spotfw.study.grid.names import _settings
from spotfw.testing.tiny_tasks import write_tiny_tasks
from tests.recipe.test_model_tuning import Weights

OWN: dict[str, Any] = {
    "steps": 4,
    "checkpoint_every": 2,
    "batch_size": 3,
    "prompt_length": 5,
    "max_input_length": 24,
    "max_target_length": 6,
    "eval_batch_size": 7,
    "learning_rate": 0.1,
}
DONE = ("steps", "checkpoint_every", "batch_size", "max_input_length", "eval_batch_size")


class Engine:
    """A backend whose models are `Weights`; counts how many were opened."""

    name = "tiny"
    tunes_weights = True
    opened = 0

    def open(self, model: str, **options: Any) -> Weights:
        type(self).opened += 1
        return Weights()


@pytest.fixture
def plugins(spotfw_plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """The named model ``house`` has settings of its own; the folder ``plain`` has none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Engine, "opened", 0)
    (tmp_path / "plain").mkdir()
    write_tiny_tasks(tmp_path)
    models = [NamedModel(name="house", folder=lambda: "fetched", settings=OWN)]
    hooks = {"spotfw_models": lambda: models, "spotfw_backends": lambda: [Engine()]}
    part = SimpleNamespace(**{name: spotfw.hookimpl(hook) for name, hook in hooks.items()})
    spotfw_plugins.register(part, "theirs")
    return spotfw_plugins


def session(model: str, plugins: Plugins) -> Session:
    return Session(model, plugins=plugins, backend="tiny", progress=False)


def tune(model: str, plugins: Plugins, out: str, **settings: Any) -> Any:
    return session(model, plugins).tune_model("tiny_words.toml", out=out, **settings)


def done(out: str) -> list[Any]:
    (run,) = read_runs([out])
    return [run.settings[name] for name in DONE]


def test_weights_keep_the_recipe_of_the_model_that_they_came_from(plugins: Plugins) -> None:
    tune("house", plugins, "first")
    tune("first/model", plugins, "second")
    tune("second", plugins, "third")  # a run stands for its model
    assert done("first") == done("second") == done("third") == [4, 2, 3, 24, 7]
    assert json.loads(Path("third/model/model_tuning.json").read_text())["own_settings"] == OWN
    for model in ("first/model", "third"):
        prompt = session(model, plugins).settings()
        assert {name: getattr(prompt, name) for name in OWN} == OWN
        assert session(model, plugins).target_steps == 4


def test_what_was_chosen_for_one_tuning_is_not_the_models(plugins: Plugins) -> None:
    tune("house", plugins, "first", steps=2, batch_size=9, max_input_length=30)
    tune("first", plugins, "second", batch_tokens=48)
    assert done("first") == [2, 2, 9, 30, 7]
    assert done("second") == [4, 2, 2, 24, 7]


def test_weights_of_a_model_without_settings_have_the_papers(plugins: Plugins) -> None:
    tune("plain", plugins, "first", steps=1, batch_size=2)
    about = json.loads(Path("first/model/model_tuning.json").read_text())
    assert "own_settings" not in about and own_settings("first", plugins) == {}
    paper = ModelTuningSettings()
    assert (paper.steps, paper.checkpoint_every) == (262_144, 5_000)
    assert session("first", plugins).settings().steps == 262_144
    tune("first", plugins, "second", steps=1, batch_size=2)
    assert done("second")[1] == 5_000


def test_a_study_of_such_a_folder_has_its_settings_too(plugins: Plugins) -> None:
    from spotfw.study.grid.declaration import read_study

    tune("house", plugins, "first")
    Path("study.toml").write_text(
        'name = "s"\nmodel = "first"\ntargets = ["tiny_words.toml"]\nseeds = [0]\n'
        '[[model_tuning]]\nname = "A"\ntasks = ["tiny_words.toml"]\n'
    )
    roles = _settings(read_study("study.toml"), "first", plugins)
    for kind in ("source", "model tuning A", "model source A"):
        assert roles["first", kind]["batch_size"] == 3, kind
        assert roles["first", kind]["steps"] == 4, kind


@pytest.mark.parametrize(
    "said",
    ["[", "[]", '{"own_settings": 3}', '{"own_settings": {"steps": 1.5}}',
     '{"own_settings": {"stepps": 1}}', '{"own_settings": {"steps": 1e999}}'],
)  # fmt: skip
def test_settings_that_are_damaged_are_refused_before_a_model_is_opened(
    plugins: Plugins, said: str
) -> None:
    tune("house", plugins, "first")
    Path("first/model/model_tuning.json").write_text(said)
    opened = Engine.opened
    with pytest.raises(WrongUse, match=r"first/model/model_tuning\.json is damaged"):
        tune("first", plugins, "second")
    assert Engine.opened == opened and not os.path.exists("second")


def test_lm_adaptation_is_as_long_as_before_and_keeps_them_too(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw.recipe import model_session

    asked: list[ModelTuningSettings] = []
    monkeypatch.setattr(model_session, "tune_model", lambda *words, **_: asked.append(words[2]))
    Path("text.txt").write_text("\n\n".join(["the film was good and the book was bad"] * 40))
    session("house", plugins).adapt_model("text.txt", out="adapted")
    assert (asked[0].steps, asked[0].checkpoint_every) == (262_144, 5_000)
    assert (asked[0].batch_size, asked[0].max_target_length) == (3, 24)


def test_windows_that_are_cut_are_no_reason_for_advice(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from spotfw.recipe import adaptation, fitting

    # As of words that are more tokens than windows count with: at any length some are cut.
    monkeypatch.setattr(adaptation, "_TOKENS_A_WORD", 0.25)
    Path("text.txt").write_text(" ".join(f"word{n}" for n in range(9_000)))
    for length in (24, 30):
        fitting._warned.forget()
        session("house", plugins).adapt_model(
            "text.txt", out=f"adapted-{length}", steps=1, max_input_length=length
        )
    assert "are cut at" not in caplog.text


def test_a_models_page_has_them(plugins: Plugins) -> None:
    tune("house", plugins, "first")
    assert own_settings("first", plugins) == own_settings("house", plugins) == OWN


def test_settings_of_any_kind_that_counts_as_a_number_are_kept(plugins: Plugins) -> None:
    import numpy as np

    odd = attrs.evolve(plugins.model("house"), settings={**OWN, "steps": np.int64(2)})
    part = SimpleNamespace(spotfw_models=spotfw.hookimpl(lambda: [attrs.evolve(odd, name="odd")]))
    plugins.register(part, "odd")
    tune("odd", plugins, "first")
    assert own_settings("first", plugins)["steps"] == 2
