"""What contracts call optional is optional, and used as they say."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

import spotfw
from spotfw import contracts
from spotfw.contracts import (
    ExampleArgument,
    OptionCheck,
    OptionNames,
    SettingsCheck,
    ShortNames,
    TaskFinder,
    TaskSource,
    UnlistedTasks,
)
from spotfw.errors import SpotError, UnknownName
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.backends import MeshBackend
from spotfw.tasks import Task
from spotfw.tasks.mixtures import MixtureDefinition
from spotfw.tasks.t5.catalogue import T5Tasks
from spotfw.tasks.t5.registry import SeqioRegistry
from spotfw.tasks.tables.source import TaskFiles


def a_task(name: str) -> Task:
    return Task(name=name, family="toy", type="classification", build=lambda vocabulary: None)


class Plain:
    """A source that lists its tasks and has nothing more."""

    name = "plain"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def tasks(self) -> Iterable[Any]:
        return [a_task("listed"), MixtureDefinition(name="both", members=("listed", "hidden"))]


class Finding(Plain):
    def find(self, name: str) -> Task | None:
        self.asked.append(name)
        if name == "broken":
            raise SpotError("The task broken has no data. Fetch it.")
        if name == "faulty":
            raise ValueError("not mine")
        return a_task(name) if name == "hidden" else None


class Unlisted(Finding):
    def names(self) -> list[str]:
        return ["hidden"]


class Short(Finding):
    def short_names(self) -> list[str]:
        return ["hidn"]


def having(source: Any) -> Plugins:
    plugins = Plugins(entry_points=False, built_in=False)
    part = SimpleNamespace(spotfw_task_sources=spotfw.hookimpl(lambda: [source]))
    plugins.register(part, "p")
    return plugins


def test_who_has_what() -> None:
    for source in (Plain(), TaskFiles(), T5Tasks(), SeqioRegistry()):
        assert isinstance(source, TaskSource)
    kinds = (TaskFinder, UnlistedTasks, ShortNames)
    has = {
        type(source).__name__: [isinstance(source, kind) for kind in kinds]
        for source in (Plain(), Finding(), Unlisted(), Short(), TaskFiles(), T5Tasks())
    }
    assert has == {
        "Plain": [False, False, False],
        "Finding": [True, False, False],
        "Unlisted": [True, True, False],
        "Short": [True, False, True],
        "TaskFiles": [True, False, False],
        "T5Tasks": [True, False, True],
    }
    assert isinstance(SeqioRegistry(), UnlistedTasks)
    assert isinstance(MeshBackend(), OptionNames) and isinstance(MeshBackend(), OptionCheck)
    assert not isinstance(Plain(), OptionNames) and not isinstance(Plain(), ExampleArgument)


def test_find_is_asked_for_what_is_not_listed() -> None:
    source = Finding()
    plugins = having(source)
    assert plugins.task("listed").name == "listed" and source.asked == []
    assert plugins.task("hidden").name == "hidden"
    assert plugins.task("p:hidden").name == "hidden"
    assert source.asked == ["hidden", "hidden"]


def test_find_that_is_costly_is_not_asked_while_listing() -> None:
    for source, asked in ((Finding(), ["hidden"]), (Unlisted(), [])):
        plugins = having(source)
        assert [task.name for task in plugins.tasks()] == ["both", "listed"]
        assert source.asked == asked


def test_what_find_raises() -> None:
    plugins = having(Finding())
    with pytest.raises(SpotError, match="Fetch it"):
        plugins.task("broken")
    assert plugins.failures == ()
    with pytest.raises(UnknownName, match="faulty"):
        plugins.task("faulty")
    assert "ValueError: not mine" in plugins.failures[0].error


def test_short_names_are_suggested() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'hidn'"):
        having(Short()).task("hidm")
    broken = Short()
    broken.short_names = lambda: 1 / 0  # type: ignore[assignment, return-value]
    plugins = having(broken)
    with pytest.raises(UnknownName):
        plugins.task("hidm")
    assert "ZeroDivisionError" in plugins.failures[0].error


def test_names_that_raise_are_the_plugin_s_fault(spotfw_cli: Any, spotfw_plugins: Plugins) -> None:
    source = Unlisted()
    part = SimpleNamespace(spotfw_task_sources=spotfw.hookimpl(lambda: [source]))
    spotfw_plugins.register(part, "p", distribution="spotfw-p")
    assert "hidden" in spotfw_cli("tasks", "list", "--all").out
    source.names = lambda: 1 / 0  # type: ignore[assignment, return-value]
    ran = spotfw_cli("tasks", "list", "--all")
    assert ran.status == 1 and "The task source 'plain', which the plugin p" in ran.err


PROMISES = (
    contracts.TaskSource.tasks,
    contracts.TaskFinder.find,
    contracts.PromptInitializer.__call__,
    contracts.SimilarityMetric.features,
    contracts.SimilarityMetric.with_model,
    contracts.SimilarityMetric.compare,
    contracts.SelectionStrategy.__call__,
)


@pytest.mark.parametrize("method", PROMISES, ids=lambda method: method.__qualname__)
def test_contracts_state_their_errors(method: Any) -> None:
    assert "Raises:" in (inspect.getdoc(method) or "")


OPTIONAL = (
    ExampleArgument,
    OptionCheck,
    OptionNames,
    SettingsCheck,
    ShortNames,
    TaskFinder,
    UnlistedTasks,
)


@pytest.mark.parametrize("protocol", OPTIONAL, ids=lambda protocol: protocol.__name__)
def test_optional_protocols_say_when_they_are_used(protocol: type) -> None:
    own = [v for k, v in vars(protocol).items() if callable(v) and not k.startswith("_")]
    texts = [inspect.getdoc(protocol) or "", *(inspect.getdoc(method) or "" for method in own)]
    assert texts[0].startswith("Optional for a")
    assert any("Called" in text or "read" in text for text in texts)
