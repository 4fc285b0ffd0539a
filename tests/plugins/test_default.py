"""One set of plugins a process: hooks are called once, whoever asks."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import spotfw
from spotfw.contracts import NamedModel
from spotfw.errors import UnknownName
from spotfw.plugins import Plugins, default_plugins, use_plugins


def counting(folder: Path) -> tuple[Any, list[str]]:
    """A plugin, and the names of its hooks in the order in which they were called."""
    called: list[str] = []

    def models() -> list[NamedModel]:
        called.append("models")
        return [NamedModel(name="here", folder=lambda: folder)]

    def sources() -> list[Any]:
        called.append("sources")
        return []

    hooks = {"spotfw_models": models, "spotfw_task_sources": sources}
    plugin = SimpleNamespace(**{name: spotfw.hookimpl(hook) for name, hook in hooks.items()})
    return plugin, called


def test_two_sessions_and_a_command_share_one(
    tmp_path: Path, spotfw_cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin, called = counting(tmp_path)
    entry = SimpleNamespace(name="counting", dist=None, load=lambda: plugin)
    monkeypatch.setattr("spotfw.plugins.loading._entry_points", lambda: [entry])
    first, second = spotfw.Session("here"), spotfw.Session("here")
    assert first.plugins is second.plugins is default_plugins()
    assert "here" in spotfw_cli("models", "list").out
    for session in (first, second):
        with pytest.raises(UnknownName):
            session.task("no_such_task")
    assert spotfw_cli("tasks", "show", "no_such_task").status == 2
    assert sorted(called) == ["models", "sources"]


def test_a_session_may_have_plugins_of_its_own(tmp_path: Path) -> None:
    own = Plugins(entry_points=False)
    assert spotfw.Session(str(tmp_path), plugins=own).plugins is own
    assert default_plugins() is not own


def test_a_task_file_that_appears_is_known_to_the_next_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPOTFW_TASKS", str(tmp_path))
    text = 'name = "mine"\ninputs = "{text}"\ntargets = "{text}"\n[splits]\ntrain = "t.jsonl"\n'
    with pytest.raises(UnknownName):
        spotfw.Session(str(tmp_path)).task("mine")
    (tmp_path / "mine.toml").write_text(text)
    assert spotfw.Session(str(tmp_path)).task("mine").family == "other"
    (tmp_path / "mine.toml").write_text('family = "changed"\n' + text)
    assert spotfw.Session(str(tmp_path)).task("mine").family == "changed"


def test_plugins_in_use_within_a_block() -> None:
    before = default_plugins()
    other = Plugins(entry_points=False, built_in=False)
    with pytest.raises(RuntimeError), use_plugins(other) as given:
        assert given is other is default_plugins()
        with use_plugins(None):
            assert default_plugins() not in (before, other)
        assert default_plugins() is other
        raise RuntimeError
    assert default_plugins() is before


def test_threads_get_the_same_and_call_a_hook_once() -> None:
    called, seen, ready = [], [], threading.Barrier(6)

    def metrics() -> list[Any]:
        called.append("metrics")
        threading.Event().wait(0.01)
        return []

    def ask() -> None:
        ready.wait()
        plugins = default_plugins()
        seen.append(id(plugins))
        shared.names("metric")

    shared = Plugins(entry_points=False, built_in=False)
    shared.register(SimpleNamespace(spotfw_similarity_metrics=spotfw.hookimpl(metrics)), "slow")
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1 and len(called) == 1
