"""`spotfw tune --method model` on the playground, and scoring and running what it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

pytestmark = pytest.mark.slow

SETTINGS = ("--batch-size", "4", "--max-eval-examples", "8", "--threads", "1")
LIMITS = ("--max-eval-examples", "8", "--threads", "1", "--json")


def test_tuned_resumed_scored_and_run(spotfw_cli: Callable[..., Any], tmp_path: Path) -> None:
    out = tmp_path / "all"
    words = ("tune", "film_reviews", "--method", "model", "--steps", 2, "--out", out, *SETTINGS)
    ran = spotfw_cli(*words)
    assert ran.status == 0, ran.err
    assert "A checkpoint of all weights takes 4," in ran.err
    assert "Adafactor starts afresh" in ran.err
    assert "Engine:" not in ran.err  # the one that opens the model anyway
    assert f"best weights: {out / 'model'} (step 2" in ran.out
    assert (out / "model" / "model.ckpt-2.index").exists()

    assert "--resume" in spotfw_cli(*words).err
    resumed = spotfw_cli(*words, "--resume", "--json")
    assert resumed.status == 0, resumed.err
    document = json.loads(resumed.out)
    assert (document["model"], document["parameters"]) == (str(out / "model"), 1_017_600)

    scored = spotfw_cli("evaluate", out, "film_reviews", *LIMITS)
    assert scored.status == 0, scored.err
    about = json.loads(Path(out, "model", "model_tuning.json").read_text())
    assert json.loads(scored.out)["score"] == about["score"]

    (tmp_path / "lines.txt").write_text("film review: the film was good\n")
    words = ("predict", out, tmp_path / "lines.txt", "--scores", "--json", "--threads", "1")
    predicted = spotfw_cli(*words)
    assert predicted.status == 0, predicted.err
    assert "`spotfw tasks show film_reviews --examples 3`" in predicted.err
    (row,) = json.loads(predicted.out)
    assert row["output"] is not None
    assert sum(row["scores"].values()) == pytest.approx(1.0)
    assert set(row["scores"]) == {*about["labels"]} and len(about["labels"]) == 2


def test_a_run_keeps_the_engine_it_was_begun_with(
    spotfw_cli: Callable[..., Any], tmp_path: Path
) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
    out = tmp_path / "all"
    words = ("tune", "film_reviews", "--method", "model", "--out", out, *SETTINGS)
    ran = spotfw_cli(*words, "--steps", 1, "--backend", "torch")
    assert ran.status == 0, ran.err
    more = spotfw_cli(*words, "--steps", 2, "--resume")
    assert more.status == 0, more.err
    assert f"Engine: torch, with which the run in {out} was begun." in more.err
    assert (out / "checkpoints" / "step-000002" / "model.safetensors").exists()


def test_lm_adaptation_makes_the_held_out_text_likelier(
    spotfw_cli: Callable[..., Any], tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("\n\n".join(["the old film was good and the new book was bad"] * 60))
    words = ("models", "adapt", "playground", text, "--out", tmp_path / "run", "--steps", 4)
    more = ("--batch-size", 8, "--checkpoint-every", 2, "--threads", 1, "--json")
    ran = spotfw_cli(*words, *more, "--backend", "mesh")
    assert ran.status == 0, ran.err
    first, last = json.loads(ran.out)["history"]
    assert 0 < first["metrics"]["likelihood"] < last["metrics"]["likelihood"] < 100


def test_a_study_tunes_all_weights_from_scratch_and_from_a_mixtures(tmp_path: Path) -> None:
    from spotfw.study import read_rows, run
    from spotfw.study.grid.declaration import parse_study

    settings = {"steps": 2, "batch_size": 4, "max_eval_examples": 8}
    tunings = [
        {"settings": settings},
        {"tasks": ["film_reviews", "topic_news"], "settings": settings},
    ]
    declared = {"model": "playground", "targets": ["hotel_reviews"], "seeds": [0]}
    study = parse_study({**declared, "settings": settings, "model_tuning": tunings})
    outcome = run(study, str(tmp_path / "study"), workers=0)
    assert (outcome.done, outcome.failed) == (4, {})
    rows = {(row.kind, row.source): row for row in read_rows(str(tmp_path / "study"))}
    plain = rows["model tuning", "ModelTuning"]
    mixed = rows["model tuning", "Multi-task ModelTuning"]
    assert (plain.parameters, plain.task_parameters, plain.steps) == (1_017_600, 1_017_600, 2)
    folder = tmp_path / "study" / mixed.folder
    record = json.loads((folder / "run.json").read_text())
    assert record["identity"]["configuration"].startswith("mesh:")
    assert record["initializer"] == "model, optimizer restored"
    about = json.loads((folder / "model" / "model_tuning.json").read_text())
    first = rows["model source", "Multi-task ModelTuning"]
    assert about["model"] == str(tmp_path / "study" / first.folder / "model")
