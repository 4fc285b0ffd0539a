"""Settings of parts: ``name:key=value``, judged before anything is done with them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spotfw
from spotfw.errors import UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.settings import settings_of


@attrs.frozen
class Blend:
    """A part with a setting of every kind, and fields that are none."""

    name: str = "blend"
    centre: bool = True
    power: int = attrs.field(default=2, validator=attrs.validators.ge(1))
    scale: float = 1.0
    kernel: Literal["linear", "rbf"] = "linear"
    label: str = ""
    limit: int | None = None
    inner: Any = None
    rates: tuple[float, ...] = ()
    _hidden: float = 0.0
    made: int = attrs.field(init=False, default=0)

    def features(self, prompt: Any) -> Any:
        return prompt

    def compare(self, query: Any, stack: Any) -> Any:
        return query

    def with_model(self, model: Any) -> Blend:
        return self

    def __call__(self, *values: Any) -> Any:
        return np.zeros(1)


class Plain:
    name = "plain"

    def __call__(self, *values: Any) -> Any:
        return []


@pytest.fixture
def plugins() -> Plugins:
    registry = Plugins(entry_points=False)
    hooks = {
        "spotfw_similarity_metrics": lambda: [Blend()],
        "spotfw_selection_strategies": lambda: [Plain(), Blend("tempered")],
        "spotfw_prompt_initializers": lambda: [Blend("noisy"), Plain()],
    }
    plugin = SimpleNamespace(**{n: spotfw.hookimpl(f) for n, f in hooks.items()})
    registry.register(plugin, "p", distribution="dist-p", version="1")
    return registry


def test_plain_fields_are_settings_and_others_are_not() -> None:
    assert list(settings_of(Blend())) == [
        *("centre", "power", "scale", "kernel", "label", "limit", "hidden")
    ]
    assert settings_of(Plain()) == {}
    assert {k: str(v) for k, v in settings_of(Blend()).items() if k in ("kernel", "limit")} == {
        "kernel": "'linear' or 'rbf'",
        "limit": "a whole number or none",
    }


def test_settings_stand_behind_the_name(plugins: Plugins) -> None:
    part = plugins.metric("blend:centre=no,power=3,scale=1e-2,kernel=rbf,label=a=b:c,limit=4")
    assert part == Blend("blend", False, 3, 0.01, "rbf", "a=b:c", 4)
    assert plugins.metric("blend") == Blend()  # the part itself stays as it was
    assert plugins.metric("dist-p:blend:limit=none,power= 5") == Blend(power=5)
    assert plugins.strategy("tempered:scale=2").scale == 2.0


def test_the_same_settings_give_the_same_object(plugins: Plugins) -> None:
    """So that what a library keeps of a metric is found again."""
    assert plugins.metric("blend:power=3") is plugins.metric("dist-p:blend:power=3")
    assert plugins.metric("blend:power=3") is not plugins.metric("blend:power=4")


def test_settings_as_values(plugins: Plugins) -> None:
    assert plugins.metric("blend", scale=2, centre=False, limit=None) == Blend(
        scale=2.0, centre=False
    )
    assert plugins.metric("blend:power=3", scale=0.5) == Blend(power=3, scale=0.5)
    assert plugins.metric("blend", power=np.int64(3), scale=np.float32(0.5)) == Blend(
        power=3, scale=0.5
    )
    for wrong in ({"scale": "0.5"}, {"power": "3"}, {"centre": 1}, {"scale": np.inf}, {"label": 1}):
        with pytest.raises(WrongUse, match="wants"):
            plugins.metric("blend", **wrong)
    with pytest.raises(WrongUse, match=r"setting power .* wants a whole number, but got 1.5"):
        plugins.metric("blend", power=1.5)
    with pytest.raises(WrongUse, match=r"setting power .* but got True"):
        plugins.metric("blend", power=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("centr=no", "no setting of the metric 'blend' named 'centr'. Did you mean 'centre'"),
        ("inner=1", "no setting of the metric 'blend' named 'inner'"),
        ("name=x", "named 'name'"),
        ("centre=perhaps", "wants true or false, but got 'perhaps'"),
        ("power=2.5", "wants a whole number, but got '2.5'"),
        ("scale=nan", "wants a number, but got 'nan'"),
        ("scale=inf", "wants a number, but got 'inf'"),
        ("scale=", "wants a number, but got ''"),
        ("kernel=cubic", "wants 'linear' or 'rbf', but got 'cubic'"),
        ("power=0", "The settings power=0 do not fit the metric 'blend': ValueError"),
        ("power", "'power' has no key and value"),
        ("power=1,", "'' has no key and value"),
        ("power=1,power=2", "power of the metric 'blend' is given twice"),
        ("", "'' has no key and value"),
    ],
)
def test_wrong_settings_are_reported(plugins: Plugins, text: str, said: str) -> None:
    with pytest.raises(WrongUse) as raised:
        plugins.metric(f"blend:{text}")
    assert said in str(raised.value)


def test_parts_without_settings_say_so(plugins: Plugins) -> None:
    with pytest.raises(WrongUse, match="The strategy 'plain' has no settings"):
        plugins.strategy("plain:k=1")
    with pytest.raises(WrongUse, match="has no settings"):
        plugins.metric("per_token_cosine:power=2")
    with pytest.raises(UnknownName, match="no model named"):
        plugins.model("t5.1.1.lm100k.small:description=x")


def test_an_initializers_settings_and_arguments(plugins: Plugins) -> None:
    assert plugins.parse_initializer("noisy:scale=3") == (Blend("noisy", scale=3.0), None)
    assert plugins.parse_initializer("noisy:some/file=1.npy") == (Blend("noisy"), "some/file=1.npy")
    with pytest.raises(UnknownName, match="Did you mean 'scale'"):
        plugins.parse_initializer("noisy:scal=3")
    for text in ("text:a=b, c=d", "prompt:runs/lr=0.3/best.safetensors", "plain:k=v"):
        part, argument = plugins.parse_initializer(text)
        assert f"{part.name}:{argument}" == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(min_value=1), st.booleans())
def test_values_come_back_as_they_were_written(scale: float, power: int, centre: bool) -> None:
    plugins = Plugins(entry_points=False, built_in=False)
    plugin = SimpleNamespace(spotfw_similarity_metrics=spotfw.hookimpl(lambda: [Blend()]))
    plugins.register(plugin, "p")
    metric = plugins.metric(f"blend:scale={scale!r},power={power},centre={centre}")
    assert metric == Blend(scale=scale, power=power, centre=centre)


def test_types_that_only_a_checker_knows_do_not_hide_the_others() -> None:
    namespace: dict[str, Any] = {"attrs": attrs, "__name__": "elsewhere"}
    code = "from __future__ import annotations\n@attrs.frozen\nclass Odd:\n"
    code += "    name: str\n    power: int = 1\n    other: Unknown = None\n"
    exec(code, namespace)
    assert list(settings_of(namespace["Odd"]("odd"))) == ["power"]
