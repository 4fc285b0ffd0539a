"""Settings are taken as they are written, or refused: nothing is made to fit."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spotfw
from spotfw.config import NONE, TuningSettings, as_recorded, exact, from_record
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance
from spotfw.recipe.run_folder import RunFolder
from spotfw.study.grid.declaration import parse_study
from spotfw.testing import NumpyModel

FIELDS = {field.name: field.type for field in attrs.fields(TuningSettings)}
WHOLE = [name for name, kind in FIELDS.items() if str(kind).startswith("int")]
RATES = [name for name, kind in FIELDS.items() if kind == "float"]
FLAGS = [name for name, kind in FIELDS.items() if kind == "bool"]

ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["2", "1e-3", "true", [1], (), {}, 10**400, -3, 0, 1, 1.0, 1.9, b"1"])
    | st.sampled_from([np.int64(3), np.float32(0.5), np.bool_(True), np.array(2), np.nan])
)


def test_every_field_is_judged() -> None:
    assert sorted(WHOLE + RATES + FLAGS) == sorted(FIELDS)
    assert all("rule" in field.metadata for field in attrs.fields(TuningSettings))


@given(st.sampled_from(sorted(FIELDS)), ANYTHING)
def test_a_setting_is_what_was_written_or_refused(name: str, value: Any) -> None:
    try:
        held = getattr(TuningSettings.from_dict({name: value}, "study.toml"), name)
    except WrongUse as error:
        text = str(error)
        assert f"The setting {name} must be " in text and "study.toml" in text
        assert "\n" not in text
        return
    if value is None:
        assert name in ("max_train_examples", "max_eval_examples") and held is None
        return
    if name in FLAGS:
        assert isinstance(value, (bool, np.bool_)) and type(held) is bool and held == value
        return
    assert not isinstance(value, (bool, np.bool_, str)) and held == value
    assert type(held) is (int if name in WHOLE else float)
    assert math.isfinite(held) and held >= 0
    assert getattr(TuningSettings(**{name: value}), name) == held
    assert TuningSettings.from_dict(TuningSettings(**{name: value}).to_dict()) is not None


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("steps", 1.9, "a whole number of 1 or more, but is 1.9."),
        ("steps", 2.0, "a whole number of 1 or more, but is 2.0."),
        ("steps", "2", "a whole number of 1 or more, but is '2'."),
        ("steps", True, "a whole number of 1 or more, but is True."),
        ("max_train_examples", -3, "a whole number of 1 or more or none, but is -3."),
        ("max_eval_examples", 0, "a whole number of 1 or more or none, but is 0."),
        ("learning_rate", math.inf, "a number above 0 and finite, but is inf."),
        ("learning_rate", math.nan, "a number above 0 and finite, but is nan."),
        ("learning_rate", 10**400, "a number above 0 and finite"),
        ("dropout", 1, "a number of 0 or more, below 1, but is 1."),
        ("scale_weight_decay", 1, "true or false, but is 1."),
        ("seed", -1, "a whole number of 0 or more, below 2^63, but is -1."),
    ],
)
def test_what_is_accepted_is_said(name: str, value: Any, accepted: str) -> None:
    for make in (
        lambda: TuningSettings(**{name: value}),
        lambda: attrs.evolve(TuningSettings(), **{name: value}),
        lambda: TuningSettings.from_dict({name: value}),
        lambda: spotfw.Session("playground").settings(**{name: value}),
    ):
        with pytest.raises(WrongUse) as raised:
            make()
        assert f"The setting {name} must be {accepted}" in str(raised.value)


def test_numbers_of_numpy_are_taken_as_what_they_are() -> None:
    settings = TuningSettings(steps=np.int64(7), learning_rate=np.float32(0.5), dropout=0)
    assert (settings.steps, settings.learning_rate, settings.dropout) == (7, 0.5, 0.0)
    assert all(type(v) in (int, float, bool, NONE) for v in settings.to_dict().values())


def test_weight_decay_takes_off_the_same_at_any_rate_unless_it_is_scaled() -> None:
    for rate in (0.3, 0.1):
        assert TuningSettings(learning_rate=rate).decay == pytest.approx(1e-5, rel=1e-6)
        scaled = TuningSettings(learning_rate=rate, scale_weight_decay=True)
        assert scaled.decay == pytest.approx(rate * 1e-5, rel=1e-6)
    # What is left of a value that has no gradient after the paper's steps.
    left = [(1 - TuningSettings(scale_weight_decay=s).decay) ** 2**18 for s in (False, True)]
    assert left == pytest.approx([0.07, 0.46], abs=0.005)


def test_a_record_without_a_later_setting_was_tuned_by_the_earlier_rule() -> None:
    by_rule = {
        scaled: TuningSettings(scale_weight_decay=scaled).to_dict() for scaled in (True, False)
    }
    assert "scale_weight_decay" not in as_recorded(by_rule[True])
    assert as_recorded(by_rule[False]) == by_rule[False]
    for settings in by_rule.values():
        assert from_record(as_recorded(settings)) == settings


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'steps'"):
        TuningSettings.from_dict({"step": 1})


@pytest.mark.parametrize("value", [1.9, True, "2", math.inf])
def test_the_settings_of_a_study(value: Any) -> None:
    document = {"sources": ["a"], "settings": {"steps": value}}
    with pytest.raises(WrongUse, match=r"\[settings\] in s.toml: The setting steps must be"):
        parse_study(document, "s.toml")


@pytest.mark.parametrize("rate", [0, -1, True, "1", math.inf, math.nan])
def test_the_rates_of_a_study(rate: Any) -> None:
    document = {"sources": ["a"], "targets": ["b"], "generic": [{"tasks": ["a"], "rates": [rate]}]}
    with pytest.raises(WrongUse, match="must be one number above 0"):
        parse_study(document, "s.toml")


@pytest.mark.parametrize(
    "rates", [(1.0, math.inf), (1, math.nan), (1, "1"), (True, 1), (1, None), 2]
)
def test_the_rates_of_a_mixture_in_python(spotfw_tiny_tasks: Any, rates: Any) -> None:
    tasks = spotfw_tiny_tasks[:2]
    assert spotfw.Mixture(name="m", tasks=tasks, rates=(np.float32(0.5), 1)).rates == (0.5, 1)
    with pytest.raises(WrongUse, match="The rates of the mixture m must be finite numbers"):
        spotfw.Mixture(name="m", tasks=tasks, rates=rates)


def test_the_settings_of_a_named_model_say_whose_they_are() -> None:
    plugins = Plugins(entry_points=False)
    model = spotfw.contracts.NamedModel(name="odd", folder=lambda: "", settings={"steps": 1.5})
    plugin = SimpleNamespace(spotfw_models=spotfw.hookimpl(lambda: [model]))
    plugins.register(plugin, "p")
    with pytest.raises(WrongUse, match=r"steps must .* 1\.5\. Correct it in .* model odd"):
        spotfw.Session("odd", plugins=plugins).settings()


@pytest.mark.parametrize("word", ["2", "maybe", "ja"])
def test_a_switch_of_the_environment_is_on_or_off(word: str) -> None:
    with pytest.raises(SpotError, match="SPOTFW_STRICT_PLUGINS must be 1 or 0"):
        Plugins(environ={"SPOTFW_STRICT_PLUGINS": word}, entry_points=False)


@given(ANYTHING)
def test_a_flag_is_a_flag_and_a_text_a_text(value: Any) -> None:
    for kind, of in ((bool, (bool, np.bool_)), (str, (str,))):
        if isinstance(value, of):
            assert exact(value, (kind,)) == value
        else:
            with pytest.raises(ValueError):
                exact(value, (kind,))


@pytest.mark.parametrize("options", [{"threads": 1.5}, {"threads": True}, {"gin": 3}])
@pytest.mark.mesh
def test_the_options_of_the_engine(options: dict[str, Any]) -> None:
    with pytest.raises(WrongUse, match=f"The option {next(iter(options))} must be"):
        Plugins(entry_points=False).backend("mesh").open("no/model", **options)


@pytest.mark.parametrize("value", ["64", 1.5, True, 0])
@pytest.mark.usefixtures("spotfw_numpy_backend")
def test_the_settings_in_a_prompt_of_elsewhere(
    tmp_path: Path, spotfw_tiny_tasks: Any, value: Any
) -> None:
    session = spotfw.Session(str(tmp_path), backend="numpy")
    origin = Provenance(settings={"max_input_length": value})
    prompt = spotfw.SoftPrompt(np.ones((2, NumpyModel.width), np.float32), origin)
    with pytest.raises(WrongUse, match=r"max_input_length must be .* the prompt's file"):
        session.evaluate(prompt, spotfw_tiny_tasks[0])


@pytest.mark.parametrize("settings", [{"steps": 1.9}, {"dropout": "0.1"}, {"seed": True}])
def test_the_settings_in_a_record_of_a_run(tmp_path: Path, settings: Any) -> None:
    record = {"task": "t", "settings": settings}
    (tmp_path / "run.json").write_text(json.dumps(record))
    with (
        RunFolder(str(tmp_path)) as folder,
        pytest.raises(SpotError, match=r"damaged: The setting"),
    ):
        folder.begin(record, resume=True)
