"""Hooks of a run that change what they hear of, or fail: the run goes on as without them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.campaigns.acts.hostile.collected import GIVES
from benchmarks.campaigns.acts.hostile.paper_model import PaperModel
from benchmarks.campaigns.acts.hostile.registered import plugin_with, plugins_alone
from benchmarks.campaigns.verdict import Act

_LIFE = (
    "spotfw_run_started",
    "spotfw_checkpoint_saved",
    "spotfw_run_finished",
    "spotfw_run_failed",
)

#: What a hook that is called for a run may do.
HEARS: dict[str, Callable[..., Any]] = {
    "nothing": lambda **_: None,
    "changes": lambda run, **_: run.clear(),
    "changes deep": lambda run, **_: run["settings"].update(steps=0),
    "scores": lambda run, scores, **_: scores.clear(),
    "keeps": lambda run, **_: run.update(fingerprint="forged"),
    **{name: GIVES[name] for name in ("raises", "raises base", "exits", "generator exit")},
    # A tracker may print; commands that make a document keep it out of there.
    "prints": lambda **_: print("a tracker's words"),
}


def acts() -> Iterator[Act]:
    """Each hook of a run with each of what it may do."""
    for hook in _LIFE:
        for name in HEARS:
            yield f"{hook} {name}", lambda h=hook, n=name: _heard(h, n)


def _heard(hook: str, name: str) -> str | None:
    """The hooks of a run called by the recipe: what it hands on may not be the run's own."""
    from spotfw.recipe import tuning

    if name == "scores" and hook in ("spotfw_run_started", "spotfw_run_failed"):
        return None
    plugins = plugins_alone()
    plugins.register(plugin_with(hook, HEARS[name]), "hostile")
    return run_with(tuning, plugins, fails=hook == "spotfw_run_failed")


def run_with(tuning: Any, plugins: Any, fails: bool = False) -> str | None:
    """A tuning with a model of paper; says what is not as it would be without the plugin."""
    from spotfw.config import TuningSettings
    from spotfw.prompts import load_prompt
    from spotfw.recipe.run_folder import RunFolder
    from spotfw.tasks import Task

    task = Task(
        name="paper",
        family="f",
        type="classification",
        labels=("a", "b"),
        metrics=("accuracy",),
        splits={"train": None, "validation": None},
        build=lambda vocabulary: None,
    )
    settings = TuningSettings(
        steps=4, prompt_length=3, checkpoint_every=2, embedding_step=2, batch_size=2
    )
    with tempfile.TemporaryDirectory(prefix="spotfw-campaign-") as folder:
        try:
            tuned = tuning.tune(
                PaperModel(fails),
                task,
                settings,
                plugins=plugins,
                out=f"{folder}/run",
                initializer="sampled_vocab",
            )
        except ArithmeticError:
            return None if fails else "the run failed by its own fault"
        if fails:
            return "the run did not fail"
        best = load_prompt(f"{folder}/run/best.safetensors").provenance
        if (best.fingerprint, best.settings.get("steps"), best.task) != ("paper", 4, "paper"):
            return "a plugin forged the provenance"
        if best.metrics != {"accuracy": 50.0} or len(tuned.history) != 2:
            return "a plugin changed the scores"
        with RunFolder(f"{folder}/run") as run:
            saved = run.load()
        if saved is None or [h.metrics for h in saved[1]] != [{"accuracy": 50.0}] * 2:
            return "a plugin changed the history"
    return None
