"""Every hook is documented, its example runs, and a test here calls it."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import spotfw
from spotfw.contracts import StartFromPrompt
from spotfw.plugins import Plugins, use_plugins
from spotfw.plugins.fitness import HOOKS
from spotfw.ranking import Ranked, Ranking
from tests.places import ROOT

DOCS = ROOT / "docs" / "plugins"
RUN = {"task": "reviews", "folder": "runs/reviews"}


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


docs = _load(DOCS / "make_hooks.py")


def example(hook: str) -> Plugins:
    """Plugins with just the example of a hook's docstring."""
    module = ModuleType(f"example_of_{hook}")
    names = {name: importlib.import_module(name) for name in ("spotfw", "attrs", "click")}
    vars(module).update(names)
    exec(docs.example(hook), vars(module))
    plugins = Plugins(entry_points=False, built_in=False)
    plugins.register(module, "example")
    (row,) = plugins.describe()
    assert (row["hooks"], row["error"]) == ([hook], None)
    return plugins


def test_the_page_is_fresh() -> None:
    message = "docs/plugins/hooks.md is stale: run make docs"
    assert docs.PAGE.read_text() == docs.page() + "\n", message


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_what_when_where_and_shows_it(hook: str) -> None:
    said = docs.read(hook)
    assert set(said) == {"", *docs.SECTIONS}
    assert all(said.values())
    assert said[""].endswith(".")


def test_every_hook_has_a_test_here() -> None:
    assert {name for name in globals() if name.startswith("test_spotfw_")} == {
        f"test_{hook}" for hook in HOOKS
    }


def test_hookimpl_is_public_and_every_spec_is_typed() -> None:
    assert spotfw.hookimpl.project_name == "spotfw"
    for hook in HOOKS:
        signature = inspect.signature(getattr(spotfw.hookspecs, hook))
        assert signature.return_annotation is not inspect.Signature.empty


def test_spotfw_task_sources() -> None:
    assert example("spotfw_task_sources").task("my_nli").family == "NLI"


def test_spotfw_prompt_initializers() -> None:
    part, _ = example("spotfw_prompt_initializers").parse_initializer("noise:scale=0")
    context = type("Context", (), {"length": 2, "embeddings": np.zeros((5, 3))})
    prompt = part(context, np.random.default_rng(0))
    assert (prompt.shape, prompt.dtype, prompt.any()) == ((2, 3), np.float32, False)


def test_spotfw_similarity_metrics() -> None:
    metric = example("spotfw_similarity_metrics").metric("mean_dot")
    assert metric(np.ones((2, 3)), 2 * np.ones((2, 3))) == 6


def test_spotfw_selection_strategies() -> None:
    items = [Ranked(rank=n, id=i, task=i, similarity=1 / n) for n, i in enumerate("ab", 1)]
    strategy = example("spotfw_selection_strategies").strategy("last")
    assert strategy(Ranking(items=items), 1) == [StartFromPrompt("b")]


def test_spotfw_backends() -> None:
    with pytest.raises(ImportError, match="my_engine"):
        example("spotfw_backends").backend("torch").open("somewhere")


def test_spotfw_executors() -> None:
    executor = example("spotfw_executors").executor("cluster")
    assert executor.isolated
    with pytest.raises(ImportError, match="my_cluster"):
        executor.open(lambda: lambda job, report: job, jobs=3)


def test_spotfw_models() -> None:
    assert example("spotfw_models").model("house-t5").folder() == "gs://house/t5"


def test_spotfw_commands() -> None:
    (command,) = example("spotfw_commands").commands(taken=("tune",))
    assert command.name == "greet"


def printed(hook: str, capsys: pytest.CaptureFixture[str], **values: Any) -> str:
    plugins = example(hook)
    plugins.call(hook, **values)
    assert not plugins.failures
    return capsys.readouterr().out.strip()


def test_spotfw_run_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("spotfw_run_started", capsys, run=RUN) == "tuning on reviews in runs/reviews"


def test_spotfw_checkpoint_saved(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed("spotfw_checkpoint_saved", capsys, run=RUN, step=5, scores={"f1": 1.0})
    assert said == "5 {'f1': 1.0}"


def test_spotfw_run_finished(capsys: pytest.CaptureFixture[str]) -> None:
    said = printed("spotfw_run_finished", capsys, run=RUN, scores={"score": 50.0})
    assert said == "reviews reached 50.0"


def test_spotfw_run_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed("spotfw_run_failed", capsys, run=RUN, error=OSError("no room")).endswith(
        "no room"
    )


def test_spotfw_prompt_added(
    capsys: pytest.CaptureFixture[str],
    spotfw_cli: Any,
    tmp_path: Path,
) -> None:
    plugins = example("spotfw_prompt_added")
    np.save(tmp_path / "p.npy", np.ones((2, 3), np.float32))
    facts = ("--task", "reviews", "--fingerprint", "00ff")
    words = ("library", "add", tmp_path / "p.npy", "--library", tmp_path / "lib", *facts)
    with use_plugins(plugins):
        ran = spotfw_cli(*words)
    assert ran.status == 0, ran.err
    assert ran.out.splitlines()[0].startswith(f"kept reviews as {tmp_path}")
