"""``spotfw plugins`` tells what is there and what is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.plugins import Plugins


@pytest.fixture(autouse=True)
def plugins(spotfw_plugins: Plugins) -> Plugins:
    @spotfw.hookimpl
    def models() -> list[NamedModel]:
        return [NamedModel(name="toy-model", folder=lambda: "/toy")]

    @spotfw.hookimpl
    def broken() -> list[Any]:
        raise RuntimeError("no luck")

    for name, hook in (("toy", models), ("bad", broken)):
        plugin = SimpleNamespace(spotfw_models=hook)
        spotfw_plugins.register(plugin, name, distribution="spotfw-toys", version="0.3")
    return spotfw_plugins


@pytest.mark.parametrize("words", [("plugins",), ("plugins", "list")])
def test_list(spotfw_cli: Callable[..., Any], words: tuple[str, ...]) -> None:
    ran = spotfw_cli(*words)
    assert ran.status == 0
    lines = {line.split()[0]: line for line in ran.out.splitlines()}
    assert "spotfw-toys" in lines["toy"]
    assert "1 model" in lines["toy"]
    assert lines["toy"].rstrip().endswith("loaded")
    assert "RuntimeError: no luck" in lines["bad"]
    assert "5 strategies" in lines["strategies"]


def test_list_json(spotfw_cli: Callable[..., Any]) -> None:
    ran = spotfw_cli("plugins", "list", "--json")
    rows = {row["name"]: row for row in json.loads(ran.out)}
    assert rows["toy"]["components"] == {"model": ["toy-model"]}
    assert (rows["toy"]["distribution"], rows["toy"]["version"]) == ("spotfw-toys", "0.3")
    assert rows["toy"]["error"] is None
    assert "no luck" in rows["bad"]["error"]
    assert rows["metrics"]["hooks"] == ["spotfw_similarity_metrics"]


def test_show(spotfw_cli: Callable[..., Any]) -> None:
    assert "toy-model" in spotfw_cli("plugins", "show", "toy").out
    row = json.loads(spotfw_cli("plugins", "show", "spotfw-toys:bad", "--json").out)
    assert row["name"] == "bad"


def test_show_of_none_or_several(spotfw_cli: Callable[..., Any]) -> None:
    ran = spotfw_cli("plugins", "show", "metric")
    assert (ran.status, ran.out) == (2, "")
    assert "Did you mean 'metrics'" in ran.err
    ran = spotfw_cli("plugins", "show", "spotfw-toys")
    assert ran.status == 2
    assert "spotfw-toys:toy, spotfw-toys:bad" in ran.err


def test_show_tells_settings(spotfw_cli: Callable[..., Any], plugins: Plugins) -> None:
    @attrs.frozen
    class Tempered:
        name: str = "tempered"
        heat: float = 0.5

        def __call__(self, ranking: Any, k: int) -> list[Any]:
            return []

    hook = spotfw.hookimpl(lambda: [Tempered()])
    plugins.register(SimpleNamespace(spotfw_selection_strategies=hook), "warm")
    assert "tempered:heat=0.5" in spotfw_cli("plugins", "show", "warm").out
    row = json.loads(spotfw_cli("plugins", "show", "warm", "--json").out)
    assert row["settings"] == {"strategy": {"tempered": {"heat": 0.5}}}
