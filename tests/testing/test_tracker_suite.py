"""`check_tracker` passes good trackers and names what is wrong with bad ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import spotfw
from spotfw import hookspecs
from spotfw.testing import check_tracker
from spotfw.testing.trackers import HOOKS, RUN, outcomes


def tracker(**hooks: Any) -> Any:
    return SimpleNamespace(**{name: spotfw.hookimpl(f) for name, f in hooks.items()})


def test_a_sound_tracker_sees_whole_lives():
    seen = []
    check_tracker(
        tracker(
            spotfw_run_started=lambda run: seen.append(("started", run["settings"]["seed"])),
            spotfw_checkpoint_saved=lambda step, run: seen.append((step, run["settings"]["seed"])),
            spotfw_run_failed=lambda error: seen.append(("failed", str(error))),
            spotfw_prompt_added=lambda path, provenance, more=None: seen.append(("added", path)),
        )
    )
    assert seen[:3] == [("started", 0), (2, 0), (4, 0)]
    assert sum(what == "failed" for what, _ in seen) == 3
    assert sum(what == "added" for what, _ in seen) == 2


def whole(scores: dict[str, float]) -> None:
    scores["score"]


def known_only(provenance: dict[str, Any]) -> None:
    provenance["task"]


def tampering(run: dict[str, Any]) -> None:
    run["settings"]["seed"] = 9


@pytest.mark.parametrize(
    ("plugin", "check", "said"),
    [
        (SimpleNamespace(), "hooks", "marked @spotfw.hookimpl"),
        (SimpleNamespace(spotfw_run_started=lambda run: None), "hooks", "got none"),
        (tracker(spotfw_run_started=lambda run, colour: None), "hooks", "got colour"),
        (tracker(spotfw_run_started=lambda run: run["nothing"]), "finished_run", "KeyError"),
        (tracker(spotfw_run_finished=lambda run: run), "finished_run", "return nothing, got dict"),
        (tracker(spotfw_run_started=tampering), "finished_run", "leave run as it was"),
        (tracker(spotfw_run_failed=lambda error: error.code), "failed_run", "AttributeError"),
        (tracker(spotfw_checkpoint_saved=whole), "no_numbers", "KeyError: 'score'"),
        (tracker(spotfw_prompt_added=known_only), "added_prompt", "KeyError: 'task'"),
    ],
)
def test_what_is_wrong_is_said(plugin, check, said):
    (outcome,) = outcomes(plugin, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said


def test_a_tracker_that_starts_a_run_twice_is_reported():
    begun = set()

    def started(run):
        key = run["settings"]["seed"]
        if key in begun:
            raise RuntimeError("is running already")
        begun.add(key)

    (outcome,) = outcomes(tracker(spotfw_run_started=started), only=("resumed_run",))
    assert "is running already" in outcome.said


def test_a_tracker_of_one_run_at_a_time_is_reported():
    current = []

    def started(run):
        current[:] = [run["folder"]]

    def saved(run):
        if current != [run["folder"]]:
            raise RuntimeError("is not the run that was started")

    follower = tracker(spotfw_run_started=started, spotfw_checkpoint_saved=saved)
    (outcome,) = outcomes(follower, only=("runs_side_by_side",))
    assert "is not the run that was started" in outcome.said


def test_every_lifecycle_hook_is_played():
    components = (
        "sources",
        "initializers",
        "metrics",
        "strategies",
        "backends",
        "models",
        "executors",
    )
    specified = {name for name in dir(hookspecs) if name.startswith("spotfw_")}
    lifecycle = {n for n in specified if not n.endswith((*components, "commands"))}
    assert lifecycle == set(HOOKS)


@pytest.mark.slow
def test_the_run_played_is_like_a_true_one(tiny_engine, tiny_task, spotfw_plugins, tmp_path):
    from spotfw.config import TuningSettings
    from spotfw.recipe.tuning import tune

    runs = []
    follower = tracker(spotfw_run_started=lambda run: runs.append(run))
    spotfw_plugins.register(follower, "follower")
    settings = TuningSettings(
        steps=1, batch_size=2, prompt_length=2, max_input_length=16, max_target_length=4,
        max_eval_examples=2, checkpoint_every=1,
    )  # fmt: skip
    tune(tiny_engine, tiny_task, settings, out=str(tmp_path / "run"), plugins=spotfw_plugins)
    assert set(RUN) <= set(runs[0])
    assert set(runs[0]["settings"]) == set(RUN["settings"])
