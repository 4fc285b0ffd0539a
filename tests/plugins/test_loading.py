"""Faults of a plugin are reported with its owner; strictness, tracing, versions of the API."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pluggy
import pytest

import spotfw
from spotfw.contracts import SimilarityMetric
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins, use_plugins
from spotfw.plugins.loading import LoadedPlugin, Loader, PluginFault
from spotfw.tasks import Example, Mixture, Task


class Dot(SimilarityMetric):
    name = "dot"

    def features(self, prompt: Any) -> Any:
        return prompt.ravel()


def plugin(api: Any = None, **hooks: Any) -> Any:
    """A plugin object with the hooks given, each marked."""
    made = SimpleNamespace(**{name: spotfw.hookimpl(f) for name, f in hooks.items()})
    if api is not None:
        made.spotfw_api = api
    return made


def metrics(api: Any = None) -> Any:
    return plugin(api, spotfw_similarity_metrics=lambda: [Dot()])


def none_yet(**environ: str) -> Plugins:
    return Plugins(environ=environ, entry_points=False, built_in=False)


@pytest.mark.parametrize("api", [">=1,<2", "==1.*", ""])
def test_a_plugin_for_this_api_is_loaded(api: str) -> None:
    plugins = none_yet()
    plugins.register(metrics(api), "p")
    assert (plugins.names("metric"), plugins.failures) == (["dot"], ())


@pytest.mark.parametrize(
    ("api", "said"),
    [
        (">=2", f"made for version >=2 of the plugin API, but spotfw {spotfw.__version__} has"),
        ("<1", spotfw.API_VERSION),
        ("one", "spotfw_api = 'one', which is not a range of versions"),
        (1, "spotfw_api = 1, which is not a range of versions"),
    ],
)
def test_a_plugin_for_another_api_is_refused(api: Any, said: str) -> None:
    plugins = none_yet()
    plugins.register(metrics(api), "p", distribution="spotfw-p", version="0.1")
    assert plugins.names("metric") == []
    (failure,) = plugins.failures
    assert said in failure.error
    assert (failure.distribution, failure.version) == ("spotfw-p", "0.1")


def test_a_class_in_place_of_an_instance_is_refused() -> None:
    class Mine:
        @spotfw.hookimpl
        def spotfw_similarity_metrics(self) -> list[Any]:
            return [Dot()]

    plugins = none_yet()
    plugins.register(Mine, "p")
    assert "is the class Mine; give an instance" in plugins.failures[0].error
    plugins.register(Mine(), "instance")
    assert plugins.names("metric") == ["dot"]


def test_an_unmarked_hook_beside_a_marked_one_is_reported() -> None:
    plugins = none_yet()
    marked = metrics()
    marked.spotfw_models = lambda: []
    plugins.register(marked, "p")
    assert plugins.names("metric") == ["dot"]
    assert "spotfw_models is not marked with @spotfw.hookimpl" in plugins.failures[0].error


def test_an_object_that_raises_when_looked_at_is_set_aside() -> None:
    class Odd:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("do not look")

    plugins = none_yet()
    plugins.register(Odd(), "odd")
    plugins.register(metrics(), "good")
    assert "do not look" in plugins.failures[0].error
    assert plugins.names("metric") == ["dot"]


def test_a_hook_that_ends_the_process_does_not() -> None:
    def leave(**_: Any) -> Any:
        raise SystemExit(3)

    plugins = none_yet()
    plugins.register(plugin(spotfw_models=lambda: leave(), spotfw_run_started=lambda: leave()), "p")
    assert plugins.names("model") == []
    plugins.call("spotfw_run_started", run={})
    assert len(plugins.failures) == 2


# ---- strictly


@pytest.mark.parametrize(
    ("faulty", "said"),
    [
        (plugin(spotfw_model=lambda: []), "Did you mean 'spotfw_models'?"),
        (plugin(spotfw_models=lambda: 1 / 0), "ZeroDivisionError"),
        (plugin(spotfw_models=lambda: [object()]), "has no name"),
        (plugin(spotfw_models=lambda: None), "not a list"),
        (metrics(">=9"), ">=9"),
    ],
)
def test_strictly_every_fault_is_fatal_and_names_its_owner(faulty: Any, said: str) -> None:
    plugins = none_yet(SPOTFW_STRICT_PLUGINS="1")
    with pytest.raises(PluginFault, match=r"plugin bad \(spotfw-bad 2\).*-p no:bad") as raised:
        plugins.register(faulty, "bad", distribution="spotfw-bad", version="2")
        plugins.names("model")
    assert said in str(raised.value)


def test_strictly_a_tracker_that_raises_ends_the_run() -> None:
    plugins = none_yet(SPOTFW_STRICT_PLUGINS="1")
    plugins.register(plugin(spotfw_run_started=lambda: 1 / 0), "bad")
    with pytest.raises(PluginFault, match="ZeroDivisionError"):
        plugins.call("spotfw_run_started", run={})


@pytest.mark.parametrize("off", ["", "0", "no", "false"])
def test_strictness_can_be_switched_off(off: str) -> None:
    plugins = none_yet(SPOTFW_STRICT_PLUGINS=off)
    plugins.register(plugin(spotfw_models=lambda: 1 / 0), "bad")
    assert plugins.names("model") == []


def test_the_option_is_strict(spotfw_cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPOTFW_PLUGINS", "not-there")
    assert spotfw_cli("plugins").status == 0
    with use_plugins(None):
        ran = spotfw_cli("--strict-plugins", "plugins")
    assert (ran.status, ran.out) == (1, "")
    assert "SPOTFW_PLUGINS names it, but it is not installed" in ran.err


# ---- traced


def test_calls_are_traced_with_their_time(capsys: pytest.CaptureFixture[str]) -> None:
    plugins = none_yet(SPOTFW_TRACE_PLUGINS="1")
    source = SimpleNamespace(name="mine", tasks=lambda: [], find=lambda name: None)
    hooks = {"spotfw_run_started": lambda: 1 / 0, "spotfw_task_sources": lambda: [source]}
    plugins.register(plugin(**hooks), "p", distribution="dist")
    plugins.names("task")
    plugins.call("spotfw_run_started", run={})
    captured = capsys.readouterr()
    calls = [line.rpartition(":")[0] for line in captured.err.splitlines() if " ms" in line]
    assert calls == [
        f"spotfw: {what} of dist:p"
        for what in ("import", "spotfw_task_sources", "task source 'mine'", "spotfw_run_started")
    ]
    assert captured.out == ""


def test_nothing_is_traced_unasked(capsys: pytest.CaptureFixture[str]) -> None:
    plugins = none_yet()
    plugins.register(metrics(), "p")
    assert plugins.names("metric") == ["dot"]
    assert capsys.readouterr().err == ""


# ---- deprecated


def test_a_deprecated_hook_still_works_and_is_reported() -> None:
    class Old:
        @pluggy.HookspecMarker("spotfw")(
            warn_on_impl=DeprecationWarning("spotfw_old goes in 1.3; use spotfw_new")
        )
        def spotfw_old(self) -> None: ...

    loader = Loader({})
    loader.manager.add_hookspecs(Old)
    old = LoadedPlugin("p", "dist", "1")
    with pytest.warns(DeprecationWarning, match="use spotfw_new"):
        loader.load(old, lambda: plugin(spotfw_old=lambda: None))
    assert old.object is not None
    assert old.note == "deprecated: spotfw_old goes in 1.3; use spotfw_new"
    assert not loader.failures
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loader.load(LoadedPlugin("q", "dist", "1"), lambda: plugin(spotfw_old=lambda: None))
    assert len(loader.manager.list_name_plugin()) == 2


# ---- parts that fail at work


def test_a_part_that_fails_names_its_owner() -> None:
    plugins = Plugins(environ={}, entry_points=False)
    plugins.register(metrics(), "p", distribution="spotfw-p", version="0.3")
    with (
        pytest.raises(PluginFault, match=r"metric 'dot', .* p \(spotfw-p 0.3\) .* KeyError: 'a'"),
        plugins.blaming("metric", "dot"),
    ):
        raise KeyError("a")
    with pytest.raises(WrongUse, match="as it is"), plugins.blaming("metric", "dot"):
        raise WrongUse("as it is")
    with pytest.raises(KeyError), plugins.blaming("metric", "per_token_cosine"):
        raise KeyError("spotfw's own fault")
    with pytest.raises(KeyError), plugins.blaming("strategy", ""):
        raise KeyError("a function of the caller's")


def test_a_task_that_cannot_be_built_names_its_owner() -> None:
    tasks = [
        Task(name=name, family="f", type="qa", build=error)
        for name, error in (("broken", _divide), ("absent", _absent))
    ]
    source = SimpleNamespace(
        name="s", tasks=lambda: [*tasks, Mixture(name="both", tasks=tuple(tasks))]
    )
    plugins = none_yet()
    plugins.register(plugin(spotfw_task_sources=lambda: [source]), "p", distribution="spotfw-p")
    both = plugins.task("both")
    assert isinstance(both, Mixture)
    for task in (plugins.task("broken"), both.tasks[0]):
        again = pickle.loads(pickle.dumps(task))
        with pytest.raises(PluginFault, match=r"task 'broken', .* p \(spotfw-p .*ZeroDivision"):
            again.build(None)
    with pytest.raises(SpotError, match=r"^Its data is absent\.$"):
        both.tasks[1].build(None)


def _divide(vocabulary: Any) -> Any:
    return 1 / 0


def _broken_later(split: str) -> Any:
    yield Example(inputs="a", targets="b")
    raise ValueError("row 2")


def test_examples_and_scores_that_fail_name_their_owner() -> None:
    facts = {"family": "f", "type": "qa"}
    tasks = [
        Task(name="at_once", examples=_divide, **facts),
        Task(name="later", examples=_broken_later, score=_divide_both, **facts),
    ]
    source = SimpleNamespace(name="s", tasks=lambda: tasks)
    plugins = none_yet()
    plugins.register(plugin(spotfw_task_sources=lambda: [source]), "p", distribution="spotfw-p")
    at_once, later = (pickle.loads(pickle.dumps(plugins.task(t.name))) for t in tasks)
    with pytest.raises(PluginFault, match=r"task 'at_once', .* p \(spotfw-p .*ZeroDivision"):
        at_once.examples("train")
    read = later.examples("train")
    assert next(read).inputs == "a"
    with pytest.raises(PluginFault, match=r"task 'later', .* p \(spotfw-p .*ValueError: row 2"):
        next(read)
    with pytest.raises(PluginFault, match=r"task 'later', .* p \(spotfw-p .*ZeroDivision"):
        later.score([], [])


def _divide_both(examples: Any, texts: Any) -> Any:
    return 1 / 0


def _absent(vocabulary: Any) -> Any:
    raise SpotError("Its data is absent.")


def test_a_raising_metric_names_its_owner_on_the_command_line(
    spotfw_cli: Any, tmp_path: Path
) -> None:
    class Broken(Dot):
        def features(self, prompt: Any) -> Any:
            raise RuntimeError("no luck")

    plugins = Plugins(environ={}, entry_points=False)
    plugins.register(
        plugin(spotfw_similarity_metrics=lambda: [Broken()]), "p", distribution="spotfw-p"
    )
    library, facts = tmp_path / "lib", ("--fingerprint", "00ff", "--task", "t")
    for number in (1, 2):
        np.save(tmp_path / f"{number}.npy", np.full((2, 3), number, np.float32))
        spotfw_cli("library", "add", tmp_path / f"{number}.npy", "--library", library, *facts)
    query = ("library", "rank", tmp_path / "1.npy", "--library", library, "--fingerprint", "00ff")
    with use_plugins(plugins):
        ran = spotfw_cli(*query, "--metric", "dot")
        assert spotfw_cli(*query).status == 0
    assert ran.status == 1
    assert "The metric 'dot', which the plugin p (spotfw-p" in ran.err
    assert "no luck" in ran.err
