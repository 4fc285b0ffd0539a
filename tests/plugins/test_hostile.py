"""Plugins that do what none should: each is set aside and reported, and the rest goes on."""

from __future__ import annotations

import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.contracts import Array, InitContext, SimilarityMetric
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.plugins.loading import PluginFault
from spotfw.plugins.parts import blaming
from spotfw.plugins.strangers import first_of, one_line, prints_aside, shown
from spotfw.recipe.starts import initial_prompt
from spotfw.tasks import Task


class Bad(BaseException):
    """What no handler of Exception catches."""


class Unequal:
    """Nothing can be asked of it."""

    def _no(self, *_: Any) -> Any:
        raise ZeroDivisionError("hostile")

    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = _no  # type: ignore[assignment]


class Prying:
    def __getattr__(self, name: str) -> Any:
        raise Bad(name)


class Text(str):
    def __eq__(self, other: object) -> bool:
        raise ZeroDivisionError("hostile")

    __hash__ = str.__hash__


class Dot(SimilarityMetric):
    def __init__(self, name: Any = "dot") -> None:
        self.name = name

    def features(self, prompt: Array) -> Array:
        return prompt.ravel()


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


def plugin(**hooks: Any) -> Any:
    return SimpleNamespace(**{name: spotfw.hookimpl(f) for name, f in hooks.items()})


@pytest.fixture
def plugins() -> Plugins:
    return Plugins(environ={}, entry_points=False, built_in=False)


def late() -> Iterator[Any]:
    yield Dot("first")
    raise Bad("late")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: raising(Bad("hostile"))(), "Bad: hostile"),
        (lambda: raising(SystemExit(3))(), "SystemExit: 3"),
        (lambda: raising(GeneratorExit())(), "GeneratorExit"),
        (lambda: raising(StopIteration())(), "StopIteration"),
        (lambda: raising(ValueError("\x1b[31m"))(), r"ValueError: \x1b[31m"),
        (late, "Bad: late"),
        (lambda: (Dot(f"d{n}") for n in itertools.count()), "gives more than 10,000"),
        (lambda: (None for _ in itertools.count()), "what it gave behind these is left out"),
        (lambda: b"abc", "not a list"),
        (lambda: Unequal(), "a Unequal that cannot be shown"),
        (lambda: [Unequal()], "has no name"),
        (lambda: [Prying()], "raised Bad: name when it was looked at"),
        (lambda: [Dot(None)], "has no name"),
        (lambda: [Dot(3)], "has no name"),
        (lambda: [Dot(Text("odd"))], "has no name"),
        (lambda: [Dot("x" * 1000)], "more than 200 characters"),
        (lambda: [Dot("a\nb")], "cannot be printed"),
        (lambda: [Dot("\x1b[31m")], "cannot be printed"),
        (lambda: [Dot("\udc80")], "cannot be printed"),
    ],
)
def test_what_a_hook_gives(plugins: Plugins, given: Any, said: str) -> None:
    plugins.register(plugin(spotfw_similarity_metrics=given), "bad")
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [Dot("good")]), "good")
    assert plugins.metric("good").name == "good"
    faults = [f.error for f in plugins.failures]
    assert any(said in fault for fault in faults), faults
    assert all(fault.isprintable() for fault in faults)
    assert len(faults) <= 30
    json.dumps(plugins.describe())


@pytest.mark.parametrize("thing", [Unequal, Prying, lambda: 7, lambda: None, lambda: "text"])
def test_what_is_registered(plugins: Plugins, thing: Any) -> None:
    plugins.register(thing(), "bad")
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [Dot()]), "good")
    assert plugins.names("metric") == ["dot"]
    assert [f.plugin for f in plugins.failures] == ["bad"]
    json.dumps(plugins.describe())


@pytest.mark.parametrize("tasks", [itertools.repeat(None), raising(Bad("x")), lambda: [Prying()]])
def test_a_source_that_gives_no_tasks(plugins: Plugins, tasks: Any) -> None:
    listed = tasks if callable(tasks) else lambda: tasks
    source = SimpleNamespace(name="s", tasks=listed, find=lambda name: Unequal())
    plugins.register(plugin(spotfw_task_sources=lambda: [source]), "bad")
    assert plugins.tasks() == []
    with pytest.raises(SpotError, match="no task named"):
        plugins.task("absent")
    assert 0 < len(plugins.failures) < 30


def test_ctrl_c_still_ends(plugins: Plugins) -> None:
    plugins.register(plugin(spotfw_similarity_metrics=raising(KeyboardInterrupt())), "slow")
    with pytest.raises(KeyboardInterrupt):
        plugins.names("metric")
    plugins.register(plugin(spotfw_run_started=raising(KeyboardInterrupt())), "slow tracker")
    with pytest.raises(KeyboardInterrupt):
        plugins.call("spotfw_run_started", run={"task": "t"})


class Stop(KeyboardInterrupt):
    """A plugin's own; nobody has pressed Ctrl-C."""


@pytest.mark.parametrize(
    "error", [Bad("x"), SystemExit(0), GeneratorExit(), OSError("offline"), Stop("x")]
)
def test_a_tracker_is_silenced_by_whatever_it_raises(plugins: Plugins, error: Any) -> None:
    heard = []
    plugins.register(plugin(spotfw_run_started=lambda run: raising(error)()), "bad")
    plugins.register(plugin(spotfw_run_started=lambda run: heard.append(run)), "good")
    for _ in range(2):
        plugins.call("spotfw_run_started", run={"task": "t"})
    assert heard == [{"task": "t"}] * 2
    assert [f.plugin for f in plugins.failures] == ["bad"]


def test_trackers_get_copies(plugins: Plugins) -> None:
    run = {"fingerprint": "true", "settings": {"steps": 4}}
    scores = {"score": 1.0}

    def forge(run: Any, step: int, scores: Any) -> None:
        run["settings"]["steps"] = 0
        run.clear()
        scores.clear()

    heard = []
    plugins.register(plugin(spotfw_checkpoint_saved=forge), "first")
    plugins.register(plugin(spotfw_checkpoint_saved=forge), "second")
    plugins.register(
        plugin(spotfw_checkpoint_saved=lambda run, scores: heard.append((run, scores))), "third"
    )
    plugins.call("spotfw_checkpoint_saved", run=run, step=1, scores=scores)
    assert (run, scores) == ({"fingerprint": "true", "settings": {"steps": 4}}, {"score": 1.0})
    assert heard == [(run, scores)]


class Model:
    """A frozen model of paper."""

    name, width, fingerprint = "paper", 4, "paper"

    def __init__(self) -> None:
        self.embeddings = np.ones((8, 4), np.float32)

    def init_context(self, length: int, labels: Any = (), argument: Any = None) -> InitContext:
        return InitContext(
            length=length, embeddings=self.embeddings, vocabulary=Any, pieces=8, labels=labels
        )


def started(plugins: Plugins, act: Callable[..., Any], model: Model | None = None) -> Array:
    part = type("Part", (), {"name": "mine", "__call__": staticmethod(act)})()
    plugins.register(plugin(spotfw_prompt_initializers=lambda: [part]), "hostile")
    task = Task(name="t", family="f", type="classification", build=len)
    return initial_prompt(
        model or Model(), task, plugins, length=3, seed=0, initializer="mine", start=None
    )


def test_an_initializer_cannot_write_into_the_embeddings(plugins: Plugins) -> None:
    model = Model()

    def writes(context: InitContext, rng: Any) -> Any:
        context.embeddings[0] = 9.0

    with pytest.raises(PluginFault, match="read-only"):
        started(plugins, writes, model)
    assert (model.embeddings == 1).all()
    model.embeddings[0] = 2.0  # the model's own stay as they were


@pytest.mark.parametrize(
    "given",
    [
        None,
        "abc",
        [[1.0], [1.0, 2.0]],
        np.array([[object()] * 4] * 3),
        np.ones((3, 4), np.complex64),
        np.full((3, 4), 1e300),
        np.full((3, 4), np.nan, np.float32),
        np.ones((4, 3), np.float32),
        np.ones((3, 4), bool),
        Unequal(),
        itertools.count(),
    ],
)
def test_what_an_initializer_gives(plugins: Plugins, given: Any) -> None:
    with pytest.raises(PluginFault, match=r"initializer 'mine' gave .* wanted"):
        started(plugins, lambda context, rng: given)


@pytest.mark.parametrize(
    "error", [Bad("x"), SystemExit(0), GeneratorExit(), ValueError("x"), Stop()]
)
def test_what_an_initializer_raises(plugins: Plugins, error: BaseException) -> None:
    with pytest.raises(PluginFault, match="plugin hostile"):
        started(plugins, raising(error))


def test_what_plugins_print_goes_to_stderr(
    plugins: Plugins, capsys: pytest.CaptureFixture[str]
) -> None:
    def metrics() -> list[Any]:
        print("from the hook")
        return [Dot()]

    def starts(context: InitContext, rng: Any) -> Any:
        sys.stdout.write("from the initializer\n")
        return np.ones((3, 4), np.float32)

    plugins.register(plugin(spotfw_similarity_metrics=metrics), "loud")
    plugins.names("metric")
    started(plugins, starts)
    print("a result")
    seen = capsys.readouterr()
    assert seen.out == "a result\n"
    for words in ("from the hook", "from the initializer"):
        assert words in seen.err


def test_threads_share_what_is_sent_aside() -> None:
    before = sys.stdout
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with prints_aside():
            inside.set()
            leave.wait()

    thread = threading.Thread(target=other, daemon=True)
    with prints_aside():
        thread.start()
        inside.wait()
    assert sys.stdout is not before or sys.stdout is sys.stderr
    leave.set()
    thread.join()
    assert sys.stdout is before


def test_a_reader_that_stops_early_is_no_fault() -> None:
    """Examples are read as far as they are wanted; ending that is nobody's fault."""
    plugins = Plugins(environ={}, entry_points=False, built_in=False)
    task = Task(
        name="t",
        family="f",
        type="classification",
        examples=lambda split: iter(range(10)),
        splits={"train": None},
        score=len,
    )
    source = SimpleNamespace(name="s", tasks=lambda: [task])
    plugins.register(plugin(spotfw_task_sources=lambda: [source]), "mine")
    listed = plugins.task("t")
    assert isinstance(listed, Task)
    reader = listed.examples("train")  # type: ignore[misc]
    assert next(reader) == 0
    reader.close()  # type: ignore[attr-defined]


def test_blaming_lets_the_keyboard_through() -> None:
    with pytest.raises(KeyboardInterrupt), blaming(None, "metric"):
        raise KeyboardInterrupt


def test_the_helpers_never_raise() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise Bad("no words")

    assert one_line(Mute()) == "Mute: its message cannot be read"
    assert len(one_line(ValueError("x" * 10_000))) == 1000
    assert shown("a\nb\x1b") == r"'a\nb\x1b'"
    assert list(first_of([1, 2], 2)) == [1, 2]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"[spotfw]\nx = \xff\n"),
        lambda path: path.write_bytes(b"[spotfw]\nno equals sign\n"),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: os.truncate(path, 10 * 2**30),
    ],
)
def test_unreadable_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], Any]
) -> None:
    for name in ("broken", "sound"):
        info = tmp_path / f"spotfw_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: spotfw-{name}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[spotfw]\n{name} = sound_plugin_{name}\n")
        module = "import spotfw\n@spotfw.hookimpl\ndef spotfw_models():\n    return []\n"
        (tmp_path / f"sound_plugin_{name}.py").write_text(module)
    spoil(tmp_path / "spotfw_broken-1.0.dist-info" / "entry_points.txt")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins = Plugins(environ={"SPOTFW_DISABLE_PLUGINS": ""})
    loaded = {row["name"]: row["error"] for row in plugins.describe()}
    assert loaded["sound"] is None
    assert "entry_points.txt cannot be read" in loaded["spotfw_broken-1.0.dist-info"]
    assert plugins.metric("per_token_cosine")


def test_json_is_one_document_whatever_plugins_print(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spotfw_cli: Any
) -> None:
    info = tmp_path / "spotfw_loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spotfw-loud\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[spotfw]\nloud = loud_plugin\n")
    (tmp_path / "loud_plugin.py").write_text(
        "import spotfw\nprint('at import')\n@spotfw.hookimpl\ndef spotfw_models():\n"
        "    print('in the hook')\n    return []\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    ran = spotfw_cli("models", "list", "--json")
    json.loads(ran.out)
    assert "in the hook" in ran.err
