"""Digests of the code of plugins' parts."""

from __future__ import annotations

import functools
import importlib.util
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import UnknownName
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.plugins.code import code_of

SOURCE = """
from spotfw.contracts import StartFromPrompt

class Base:
    name = "lowest"

class Lowest(Base):
    def __call__(self, ranking, k):
        return [StartFromPrompt(ranking[-1].id)]

def function(ranking, k):
    return [StartFromPrompt(ranking[0].id)]
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[types.ModuleType]:
    """A stranger's module of strategies, imported from a file."""
    place = tmp_path / "made_up_lowest.py"
    place.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location("made_up_lowest", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["made_up_lowest"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["made_up_lowest"]


def having(part: Any) -> Plugins:
    plugins = Plugins(entry_points=False)
    hook = hookimpl(lambda: [part])
    plugins.register(types.SimpleNamespace(spotfw_selection_strategies=hook), "lowest")
    return plugins


def _function(module: types.ModuleType) -> Any:
    module.function.name = "lowest"
    return module.function


def _partial(module: types.ModuleType) -> Any:
    part: Any = functools.partial(module.function)
    part.name = "lowest"
    return part


@pytest.mark.parametrize("make", [lambda module: module.Lowest(), _function, _partial])
def test_a_part_has_the_digest_of_its_source(module: types.ModuleType, make: Any) -> None:
    plugins = having(make(module))
    first = code_of(plugins, "strategy", "lowest")
    assert list(first) == ["made_up_lowest.py"]
    assert code_of(plugins, "strategy", "lowest:lowest") == first
    Path(module.__file__ or "").write_text(SOURCE.replace("-1", "0"))
    assert code_of(plugins, "strategy", "lowest") != first


def test_without_a_source_the_version_stands_for_it(module: types.ModuleType) -> None:
    plugins = having(module.Lowest())
    Path(module.__file__ or "").unlink()
    assert code_of(plugins, "strategy", "lowest") == {"lowest": "unknown"}


def test_spotfw_s_own_parts_have_none_and_unknown_ones_are_errors() -> None:
    plugins = Plugins(entry_points=False)
    assert code_of(plugins, "metric", "per_token_cosine") == {}
    assert code_of(plugins, "strategy", "best_of_top_k") == {}
    with pytest.raises(UnknownName, match="highest"):
        code_of(plugins, "strategy", "highest")


def test_first_party_plugins_are_plugins_as_others() -> None:
    strategies = pytest.importorskip("spotfw_strategies.plugin")
    plugins = Plugins(entry_points=False)
    plugins.register(strategies, "strategies", distribution="spotfw-strategies")
    (file,) = code_of(plugins, "strategy", "task_diverse_top_k")
    assert file.startswith("spotfw_strategies/")
