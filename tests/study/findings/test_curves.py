"""Learning curves: which runs they are of, their means, and rows that lead elsewhere."""

from __future__ import annotations

import json

import attrs
import numpy as np
import pytest

from spotfw.contracts import TuningState
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.recipe.run_folder import RunFolder, Scored
from spotfw.study.findings.curves import learning_curves
from spotfw.study.rows import Row


@pytest.fixture
def study(tmp_path):
    """A folder in which `run` leaves a run with these scores at steps 10, 20, ..."""

    def run(name, *scores):
        history = [
            Scored(step=10 * n, loss=1.0, score=score, metrics={"accuracy": score})
            for n, score in enumerate(scores, 1)
        ]
        prompt = np.zeros((2, 3), np.float32)
        state = TuningState(step=history[-1].step, prompt=prompt, slots={})
        folder = RunFolder(str(tmp_path / "study" / name))
        folder.save(state, SoftPrompt(prompt, Provenance()), history)
        return name

    return tmp_path, run


def row(folder, score, **facts):
    facts = {"kind": "baseline", "task": "cb", "seed": 0, **facts}
    return Row(folder=folder, score=score, **facts)


def test_the_mean_over_seeds_of_each_line(study):
    place, run = study
    rows = [
        row(run("a", 10, 20, 30), 30.0),
        row(run("b", 30, 40), 40.0, seed=1),
        row(run("c", 50, 60), 60.0, kind="transfer", source="mnli"),
        row(run("d", 70, 80), 80.0, kind="transfer", source="snli"),
        row(run("e", 1, 2), 2.0, kind="strategy", strategy="best_of_top_k", k=3, metric="cos"),
    ]
    curves = learning_curves(str(place / "study"), rows, ["cb", "other"])
    assert curves.missing == 0
    assert curves.by_target == {
        "cb": {
            # Only steps that all seeds have.
            "from scratch": ((10, 20.0), (20, 30.0)),
            "best source: snli": ((10, 70.0), (20, 80.0)),
            "best of top k, k = 3, cos": ((10, 1.0), (20, 2.0)),
        }
    }


def test_prompts_for_all_targets_and_all_weights_have_lines(study):
    place, run = study
    history = [{"step": 10, "loss": 1.0, "score": 90.0, "metrics": {}}]
    for name, step in (("w", 10), ("v", 20)):
        checkpoint = place / "study" / name / "checkpoints" / f"step-{step:06d}"
        checkpoint.mkdir(parents=True)
        entries = [{**entry, "step": step} for entry in history]
        (checkpoint / "history.json").write_text(json.dumps(entries))
    rows = [
        row(run("a", 10), 10.0),
        row(run("b", 50), 50.0, kind="generic", source="both"),
        row(run("c", 40), 40.0, kind="generic", source="other"),
        row("w", 90.0, kind="model tuning", source="ModelTuning"),
        row("v", 90.0, kind="model tuning", source="Multi-task ModelTuning"),
        row("gone", 90.0, kind="model tuning", source="ModelTuning", seed=1),
    ]
    curves = learning_curves(str(place / "study"), rows, ["cb"])
    assert curves.by_target["cb"] == {
        "from scratch": ((10, 10.0),),
        "SPoT both": ((10, 50.0),),
        "ModelTuning": ((10, 90.0),),
        "Multi-task ModelTuning": ((20, 90.0),),
    }
    assert (curves.missing, curves.others) == (1, True)


def test_runs_that_are_gone_are_counted(study):
    place, run = study
    rows = [row(run("a", 1.0), 1.0), row("gone", 1.0, seed=1)]
    curves = learning_curves(str(place / "study"), rows, ["cb"])
    assert curves.missing == 1
    assert curves.by_target["cb"]["from scratch"] == ((10, 1.0),)


@pytest.mark.parametrize("folder", ["../secret", "a/../../secret", "/{place}/secret", "gs://b/x"])
def test_no_row_leads_out_of_the_folder(study, folder):
    place, run = study
    run("../secret", 99.0)
    rows = [row(folder.format(place=place), 99.0)]
    curves = learning_curves(str(place / "study"), rows, ["cb"])
    assert (curves.by_target, curves.missing) == ({}, 1)


def test_a_damaged_run_is_as_one_that_is_gone(study):
    place, run = study
    run("a", 1.0)
    (place / "study" / "a" / "state.safetensors").write_bytes(b"no")
    rows = [attrs.evolve(row("a", 1.0))]
    assert learning_curves(str(place / "study"), rows, ["cb"]).missing == 1
