"""Plugins keep their faults to themselves, and parts are found by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.contracts import Array, InitContext, NamedModel, SimilarityMetric
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins, use_plugins
from spotfw.tasks import Task
from tests.places import ROOT


class Dot(SimilarityMetric):
    def __init__(self, name: str) -> None:
        self.name = name

    def features(self, prompt: Array) -> Array:
        return prompt.ravel()


class Zeros:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, context: InitContext, rng: np.random.Generator) -> Array:
        return np.zeros((context.length, 2), np.float32)


def a_task(name: str) -> Task:
    return Task(name=name, family="toy", type="classification", build=lambda vocabulary: None)


class Source:
    def __init__(self, name: str, *names: str, hidden: tuple[str, ...] = ()) -> None:
        self.name, self._names, self._hidden = name, names, hidden

    def tasks(self) -> Iterable[Task]:
        return [a_task(name) for name in self._names]

    def find(self, name: str) -> Task | None:
        return a_task(name) if name in self._hidden else None


def plugin(**hooks: Any) -> Any:
    """A plugin object with the hooks given, each marked."""
    return SimpleNamespace(**{name: spotfw.hookimpl(f) for name, f in hooks.items()})


@pytest.fixture
def plugins() -> Plugins:
    return Plugins(entry_points=False, built_in=False)


def errors(plugins: Plugins, name: str) -> str:
    return "; ".join(f.error for f in plugins.failures if f.plugin == name)


def test_every_kind_is_found_by_name(plugins: Plugins) -> None:
    model = NamedModel(name="m", folder=lambda: "/m")
    command = SimpleNamespace(name="c", main=lambda: None)
    parts = {
        "initializer": Zeros("i"),
        "metric": Dot("d"),
        "strategy": Zeros("s"),
        "backend": SimpleNamespace(name="b", open=lambda model: None),
    }
    plugins.register(
        plugin(
            spotfw_prompt_initializers=lambda: [parts["initializer"]],
            spotfw_similarity_metrics=lambda: [parts["metric"]],
            spotfw_selection_strategies=lambda: [parts["strategy"]],
            spotfw_backends=lambda: [parts["backend"]],
            spotfw_models=lambda: [model],
            spotfw_commands=lambda: [command],
            spotfw_task_sources=lambda: [Source("toys", "t")],
        ),
        "all",
        distribution="spotfw-all",
        version="1.2",
    )
    assert plugins.initializer("i") is parts["initializer"]
    assert plugins.metric("d") is parts["metric"]
    assert plugins.strategy("s") is parts["strategy"]
    assert plugins.backend("b") is parts["backend"]
    assert plugins.model("m") is model
    assert model in plugins.models()
    assert command in plugins.commands()
    assert plugins.task("t").name == "t"
    assert plugins.task("t").origin == "spotfw-all"
    row = next(r for r in plugins.describe() if r["name"] == "all")
    assert (row["distribution"], row["version"], row["error"]) == ("spotfw-all", "1.2", None)
    assert row["components"]["metric"] == ["d"]
    assert "spotfw_models" in row["hooks"]


def test_unknown_names_get_a_suggestion(plugins: Plugins) -> None:
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [Dot("cosine")]), "x")
    with pytest.raises(UnknownName, match="Did you mean 'cosine'"):
        plugins.metric("cosin")


def test_two_of_one_name(plugins: Plugins) -> None:
    first, second = Dot("d"), Dot("d")
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [first]), "a", distribution="dist-a")
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [second]), "b", distribution="dist-b")
    with pytest.raises(WrongUse, match=r"dist-a and by dist-b.*'dist-a:d' or 'dist-b:d'"):
        plugins.metric("d")
    assert plugins.metric("dist-a:d") is first
    assert plugins.metric("dist-b:d") is second


def test_hooks_of_a_kind_are_called_once_and_late(plugins: Plugins) -> None:
    calls = []

    def metrics() -> list[Dot]:
        calls.append(1)
        return [Dot("d")]

    plugins.register(plugin(spotfw_similarity_metrics=metrics), "x")
    plugins.names("model")
    assert calls == []
    plugins.metric("d")
    plugins.metric("d")
    assert calls == [1]


def test_a_raising_hook_harms_nobody_else(
    plugins: Plugins, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Iterator[Dot]:
        yield Dot("first")
        raise RuntimeError("no\nluck")

    plugins.register(plugin(spotfw_similarity_metrics=broken), "bad", version="3")
    plugins.register(plugin(spotfw_similarity_metrics=lambda: [Dot("good")]), "good")
    assert {"first", "good"} <= set(plugins.names("metric"))
    plugins.names("metric")
    assert errors(plugins, "bad") == "spotfw_similarity_metrics raised RuntimeError: no luck"
    assert sum("no luck" in r.getMessage() for r in caplog.records) == 1
    with pytest.raises(UnknownName, match=r"Some plugins have faults \(.*bad"):
        plugins.metric("absent")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: [Dot], "is a class"),
        (lambda: [Zeros("z")], "has no features"),
        (lambda: [object()], "has no name"),
        (lambda: None, "None, which is not a list"),
        (lambda: Dot("alone"), "is not a list"),
        (lambda: [Dot("a:b")], "colon"),
        (lambda: [Dot("")], "has no name"),
    ],
)
def test_a_part_that_breaks_its_contract(plugins: Plugins, given: Any, said: str) -> None:
    plugins.register(plugin(spotfw_similarity_metrics=given), "bad")
    names = plugins.names("metric")
    assert said in errors(plugins, "bad")
    assert "" not in names


def test_a_misspelled_hook_is_reported_and_the_rest_works(plugins: Plugins) -> None:
    plugins.register(
        plugin(
            spotfw_similarity_metric=lambda: [Dot("lost")],
            spotfw_models=lambda: [NamedModel(name="m", folder=lambda: "/m")],
        ),
        "typo",
    )
    assert "Did you mean 'spotfw_similarity_metrics'?" in errors(plugins, "typo")
    assert plugins.model("m")


def test_a_hook_with_unknown_arguments_is_set_aside(plugins: Plugins) -> None:
    plugins.register(
        plugin(spotfw_models=lambda: [], spotfw_run_started=lambda run, colour: None), "bad"
    )
    assert "colour" in errors(plugins, "bad")
    row = next(r for r in plugins.describe() if r["name"] == "bad")
    assert row["hooks"] == []
    plugins.call("spotfw_run_started", run={})


def test_a_plugin_without_hooks_is_reported(plugins: Plugins) -> None:
    plugins.register(SimpleNamespace(spotfw_models=lambda: []), "unmarked")
    assert "@spotfw.hookimpl" in errors(plugins, "unmarked")


def test_a_hook_wrapper_is_refused(plugins: Plugins) -> None:
    @spotfw.hookimpl(wrapper=True)
    def wrapped(run: Any) -> Any:
        return (yield)

    plugins.register(SimpleNamespace(spotfw_run_started=wrapped), "wraps")
    assert "wrapper" in errors(plugins, "wraps")


def test_a_tracker_that_raises_is_set_aside_once(plugins: Plugins) -> None:
    seen = []

    def broken(step: int) -> None:
        seen.append(("broken", step))
        raise OSError("offline")

    plugins.register(plugin(spotfw_checkpoint_saved=broken), "bad")
    plugins.register(
        plugin(spotfw_checkpoint_saved=lambda scores, step: seen.append(("good", step))), "good"
    )
    for step in (1, 2):
        plugins.call("spotfw_checkpoint_saved", run={}, step=step, scores={})
    assert seen.count(("broken", 1)) == 1
    assert ("broken", 2) not in seen
    assert {("good", 1), ("good", 2)} <= set(seen)
    assert errors(plugins, "bad").count("offline") == 1


def test_sources_that_find_without_listing(plugins: Plugins) -> None:
    sources = [Source("registry", "listed", hidden=("deep", "both")), Source("o", hidden=("both",))]
    plugins.register(plugin(spotfw_task_sources=lambda: sources[:1]), "a", distribution="dist-a")
    plugins.register(plugin(spotfw_task_sources=lambda: sources[1:]), "b", distribution="dist-b")
    assert "deep" not in plugins.names("task")
    assert plugins.task("deep").name == "deep"
    assert plugins.task("dist-a:both").origin == "dist-a"
    with pytest.raises(WrongUse, match="dist-a and by dist-b"):
        plugins.task("both")
    with pytest.raises(UnknownName, match="'listed'"):
        plugins.task("listd")


def test_a_source_that_raises(plugins: Plugins) -> None:
    class Broken(Source):
        def tasks(self) -> Iterable[Task]:
            raise RuntimeError("no list")

        def find(self, name: str) -> Task | None:
            if name == "absent":
                raise SpotError("Its data is absent.")
            raise RuntimeError("no registry")

    plugins.register(plugin(spotfw_task_sources=lambda: [Broken("b")]), "bad")
    plugins.register(plugin(spotfw_task_sources=lambda: [Source("g", "t")]), "good")
    assert plugins.task("t")
    with pytest.raises(UnknownName):
        plugins.task("other")
    assert "no list" in errors(plugins, "bad")
    assert "no registry" in errors(plugins, "bad")
    with pytest.raises(SpotError, match="data is absent"):
        plugins.task("absent")


def test_a_task_file_is_a_name_and_loads_no_registry() -> None:
    class Files(Source):
        def find(self, name: str) -> Task | None:
            return a_task("mine") if name.endswith(".toml") else None

    class Registry(Source):
        def find(self, name: str) -> Task | None:
            raise AssertionError("loads TensorFlow")

    plugins = Plugins(entry_points=False, built_in=False)
    plugins.register(plugin(spotfw_task_sources=lambda: [Files("a"), Registry("b")]), "x")
    assert plugins.task("some/where.toml").name == "mine"


def test_an_initializers_argument(plugins: Plugins) -> None:
    part = Zeros("zeros")
    plugins.register(plugin(spotfw_prompt_initializers=lambda: [part]), "z", distribution="dist-z")
    assert plugins.parse_initializer("zeros") == (part, None)
    assert plugins.parse_initializer("zeros:gs://b/p") == (part, "gs://b/p")
    assert plugins.parse_initializer("dist-z:zeros") == (part, None)
    assert plugins.parse_initializer("dist-z:zeros:a:b") == (part, "a:b")
    with pytest.raises(UnknownName):
        plugins.parse_initializer("zeroes:x")


def test_commands_of_one_name(plugins: Plugins) -> None:
    def commands() -> list[Any]:
        return [SimpleNamespace(name=n, main=lambda: None) for n in ("mine", "tune")]

    for name in ("a", "b"):
        plugins.register(plugin(spotfw_commands=lambda: commands()), name)
    names = [c.name for c in plugins.commands(taken=("tune",))]
    assert names.count("mine") == 1
    assert "tune" not in names
    assert "'mine' is left out: a has one" in errors(plugins, "b")
    assert "'tune' is left out: spotfw has one" in errors(plugins, "a")


# Installed distributions


def install(folder: Path, distribution: str, code: str, entry: str = "p", module: str = "") -> None:
    """A distribution in a folder of sys.path, as pip would leave it."""
    module = module or distribution.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    info = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[spotfw]\n{entry} = {module}\n")


MODEL = """
import spotfw
from spotfw.contracts import NamedModel
@spotfw.hookimpl
def spotfw_models():
    return [NamedModel(name="{name}", folder=lambda: "/{name}")]
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_distribution_that_lies_there_twice_is_read_once(site: Path) -> None:
    """A wheel's folder and one of an editable install, which has no version in its name."""
    install(site, "spotfw-twice", MODEL.format(name="twice"))
    shutil.copytree(site / "spotfw_twice-1.0.dist-info", site / "spotfw_twice.egg-info")
    (site / "spotfw_twice.egg-info" / "METADATA").rename(site / "spotfw_twice.egg-info/PKG-INFO")
    rows = [row for row in Plugins(environ={}).describe() if "twice" in row["distribution"]]
    assert [(row["name"], row["error"]) for row in rows] == [("p", None)]


def test_entry_points_of_one_name_are_both_seen(site: Path) -> None:
    install(site, "toy-one", MODEL.format(name="one"), entry="same")
    install(site, "toy-two", MODEL.format(name="two"), entry="same")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": "same"})
    assert {"one", "two"} <= set(plugins.names("model"))
    rows = [r for r in plugins.describe() if r["name"] == "same"]
    assert [r["distribution"] for r in rows] == ["toy-one", "toy-two"]
    assert [r["components"]["model"] for r in rows] == [["one"], ["two"]]


def test_one_of_two_entry_points_of_one_name_can_be_left_out(site: Path) -> None:
    install(site, "toy-left", MODEL.format(name="left"), entry="twin")
    install(site, "toy-right", MODEL.format(name="right"), entry="twin")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": "twin"})
    notes = {r["distribution"]: r["note"] for r in plugins.describe() if r["name"] == "twin"}
    assert notes == {
        "toy-left": "toy-right has a plugin named twin too",
        "toy-right": "toy-left has a plugin named twin too",
    }
    for environ in (
        {"SPOTFW_PLUGINS": "toy-left:twin"},
        {"SPOTFW_PLUGINS": "twin", "SPOTFW_DISABLE_PLUGINS": "toy-right:twin"},
    ):
        names = Plugins(environ=environ).names("model")
        assert ("left" in names, "right" in names) == (True, False)


def test_parts_of_one_name_are_reported_in_the_listing(plugins: Plugins) -> None:
    for owner in ("dist-a", "dist-b"):
        hook = {"spotfw_similarity_metrics": lambda: [Dot("d")]}
        plugins.register(plugin(**hook), owner[-1], distribution=owner)
    notes = [row["note"] for row in plugins.describe()]
    assert notes == [
        "dist-b has a metric d too: say dist-a:d",
        "dist-a has a metric d too: say dist-b:d",
    ]


def test_broken_plugins_beside_a_good_one(site: Path, spotfw_cli: Any) -> None:
    """An import error, a wrong hook name and a raising part: each is reported, the rest works."""
    part = "import spotfw\nfrom spotfw.contracts import SimilarityMetric\n"
    part += "class M(SimilarityMetric):\n    name = '{}'\n    def features(self, p): {}\n"
    part += "@spotfw.hookimpl\ndef spotfw_similarity_{}():\n    return [M()]\n"
    install(site, "toy-import", "import not_there_at_all", entry="import")
    install(site, "toy-typo", part.format("typo", "return p.ravel()", "metric"), entry="typo")
    install(site, "toy-raises", part.format("raises", "raise OSError('bad')", "metrics"))
    install(site, "toy-good", part.format("good", "return p.ravel()", "metrics"), entry="good")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": "toy-import,toy-typo,toy-raises,toy-good"})
    with use_plugins(plugins):
        listed = {line.split()[0]: line for line in spotfw_cli("plugins").out.splitlines()}
    states = {
        r["distribution"]: r["error"] for r in plugins.describe() if "toy" in r["distribution"]
    }
    assert "not_there_at_all" in states["toy-import"]
    assert "Did you mean 'spotfw_similarity_metrics'?" in states["toy-typo"]
    assert states["toy-good"] is states["toy-raises"] is None
    assert "could not be imported" in listed["import"]
    a = np.ones((2, 3), np.float32)
    with pytest.raises(SpotError, match=r"toy-raises 1\.0.*OSError: bad"):  # noqa: SIM117
        with plugins.blaming("metric", "raises"):
            plugins.metric("raises")(a, a)
    assert plugins.metric("good")(a, a) == 6


@pytest.mark.parametrize(
    "code", ["raise RuntimeError('at import')", "import sys; sys.exit('at import')", "at import"]
)
def test_a_plugin_that_cannot_be_imported(site: Path, code: str, request: Any) -> None:
    name = f"toy-broken-{abs(hash(code))}"
    install(site, name, code)
    install(site, "toy-fine", MODEL.format(name="fine"), entry="fine", module="toy_fine_module")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": f"{name},toy-fine"})
    assert "fine" in plugins.names("model")
    failure = next(f for f in plugins.failures if f.distribution == name)
    assert "could not be imported" in failure.error
    assert failure.version == "1.0"


def test_allow_list(site: Path) -> None:
    install(site, "toy-allow_me", MODEL.format(name="allowed"), entry="ok")
    install(site, "toy-other", MODEL.format(name="other"), entry="other")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": "Toy.Allow-Me, toy-missing"})
    assert "allowed" in plugins.names("model")
    assert "other" not in plugins.names("model")
    assert "not installed" in errors(plugins, "toy-missing")
    assert "SPOTFW_PLUGINS" in next(r for r in plugins.describe() if r["name"] == "other")["note"]
    nothing = Plugins(environ={"SPOTFW_PLUGINS": ""})
    assert {c.owner for c in nothing.components("model")} == {"spotfw"}


def test_disabled_plugins(site: Path) -> None:
    install(site, "toy-off", MODEL.format(name="off"), entry="off")
    plugins = Plugins(environ={"SPOTFW_PLUGINS": "off", "SPOTFW_DISABLE_PLUGINS": "toy-off"})
    assert "off" not in plugins.names("model")
    assert (
        "SPOTFW_DISABLE_PLUGINS"
        in next(r for r in plugins.describe() if r["name"] == "off")["note"]
    )


def test_listing_imports_no_tensorflow(tmp_path: Path) -> None:
    count = 200
    for number in range(count):
        code = MODEL.format(name=f"fake{number}")
        install(tmp_path, f"fake-{number:03}", code, entry=f"fake{number}")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from spotfw.plugins import Plugins\n"
        "p = Plugins(environ={}); rows = p.describe(); p.tasks(); p.backend()\n"
        f"assert sum(r['name'].startswith('fake') for r in rows) == {count}, rows\n"
        "assert not [r for r in rows if r['error']], rows\n"
        "bad = {'tensorflow', 'seqio', 't5', 'mesh_tensorflow'} & set(sys.modules)\n"
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
