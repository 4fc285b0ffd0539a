"""All weights tuned by the recipe on the bundled model: exact resuming, folders, what follows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import attrs
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

import safetensors
from safetensors.numpy import load_file, save_file

import spotfw
from spotfw.config import ModelTuningSettings
from spotfw.contracts import WeightTuneRequest
from spotfw.errors import SpotError, WrongUse

BACKEND = "torch:device=cpu"
LENGTHS = {"max_input_length": 48, "max_target_length": 4, "max_eval_examples": 8}
SETTINGS = {"checkpoint_every": 2, "batch_size": 4, "seed": 1, **LENGTHS}


@pytest.fixture(scope="module")
def session():
    opened = spotfw.Session("playground", backend=BACKEND, progress=False, threads=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def whole(session, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "whole"
    return session.tune_model("film_reviews", steps=4, out=out, **SETTINGS)


def test_a_killed_run_goes_on_bit_for_bit(session, whole, tmp_path):
    def killed(report):
        if report.step == 3 or report.score is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.tune_model("film_reviews", steps=4, out=tmp_path, observer=killed, **SETTINGS)
    again = session.tune_model("film_reviews", steps=4, out=tmp_path, resume=True, **SETTINGS)
    for name in ("model.safetensors", "optimizer.safetensors"):
        ours, theirs = (Path(run.folder, "checkpoints/step-000004", name) for run in (again, whole))
        assert ours.read_bytes() == theirs.read_bytes(), name
    assert [h.score for h in again.history] == [h.score for h in whole.history]


def test_the_folder_opens_and_scores_as_the_checkpoint_did(whole):
    opened = spotfw.Session(whole.model, backend=BACKEND, progress=False, threads=1)
    evaluation = opened.evaluate(None, "film_reviews", **LENGTHS)
    assert evaluation.metrics == whole.best.metrics
    assert opened.model.fingerprint != spotfw.Session("playground", backend=BACKEND).model
    assert opened.model.has_optimizer_state
    files = {path.name for path in Path(whole.model).iterdir()}
    assert files == {
        *("config.json", "model.safetensors", "spiece.model"),
        *("optimizer.safetensors", "model_tuning.json"),
    }
    assert len({path.stat().st_mode for path in Path(whole.model).iterdir()}) == 1
    assert json.loads(Path(whole.model, "config.json").read_text())["dtype"] == "float32"


def test_disk_that_was_said_is_the_disk_that_is_needed(session, whole):
    said = session.model.checkpoint_bytes(ModelTuningSettings())
    names = ("model.safetensors", "optimizer.safetensors")
    lies = sum(Path(whole.model, name).stat().st_size for name in names)
    assert said <= lies <= said + 40_000  # headers


def test_tuned_on_from_that_folder_the_optimizer_is_restored(whole, tmp_path):
    """Multi-task ModelTuning: a mixture first, then each target from there."""
    opened = spotfw.Session(whole.model, backend=BACKEND, progress=False, threads=1)
    target = opened.tune_model("book_reviews", steps=1, out=tmp_path / "target", **SETTINGS)
    record = json.loads(Path(target.folder, "run.json").read_text())
    assert record["initializer"] == "model, optimizer restored"
    assert json.loads(Path(target.model, "model_tuning.json").read_text())["task"] == "book_reviews"
    path = Path(target.model, "optimizer.safetensors")
    with safetensors.safe_open(str(path), framework="numpy") as file:
        assert file.metadata()["format"].endswith(f" updates={whole.best.step + 1}")
    before, after = (load_file(Path(m, "model.safetensors")) for m in (whole.model, target.model))
    assert all((before[name] != after[name]).any() for name in before)


def test_the_opened_model_stays_as_it_is(session, whole, tmp_path):
    again = session.tune_model("film_reviews", steps=2, out=tmp_path / "again", **SETTINGS)
    assert again.history[0].loss == whole.history[0].loss


def test_a_damaged_optimizer_is_refused(session, whole, tmp_path):
    request = WeightTuneRequest(
        task=session.task("film_reviews"),
        settings=ModelTuningSettings(steps=3, **SETTINGS),
        step=2,
        checkpoint=str(tmp_path),
    )
    with pytest.raises(SpotError, match=r"has no optimizer\.safetensors"):
        next(session.model.tune_weights(request))
    other = attrs.evolve(
        request,
        settings=attrs.evolve(request.settings, factored_from=2),
        checkpoint=str(Path(whole.folder, "checkpoints", "step-000004")),
    )
    with pytest.raises(SpotError, match="factored_from it was made with"):
        next(session.model.tune_weights(other))
    state = Path(tmp_path, "state")
    shutil.copytree(other.checkpoint, state)
    for updates in ("-5", "1e3", "9" * 400, ""):
        tensors = load_file(state / "optimizer.safetensors")
        about = {"format": f"spotfw.adafactor/1 updates={updates}"}
        save_file(tensors, state / "optimizer.safetensors", metadata=about)
        with pytest.raises(SpotError, match="its format is"):
            next(session.model.tune_weights(attrs.evolve(request, checkpoint=str(state))))


def test_a_loss_that_is_no_number_ends_the_run(session, tmp_path):
    with pytest.raises(SpotError, match="--learning-rate"):
        session.tune_model(
            "film_reviews", steps=8, out=tmp_path / "run", learning_rate=1e30, **SETTINGS
        )


def test_a_setting_of_prompts_is_unknown(session, tmp_path):
    with pytest.raises(WrongUse, match="prompt_length"):
        session.tune_model("film_reviews", out=tmp_path, prompt_length=8)


def test_a_study_tunes_all_weights_from_scratch_and_from_a_mixtures(tmp_path):
    from spotfw.study import read_rows, run
    from spotfw.study.grid.declaration import parse_study

    settings = {"steps": 2, "batch_size": 4, "max_eval_examples": 8}
    study = parse_study(
        {
            "model": "playground",
            "targets": ["hotel_reviews"],
            "seeds": [0],
            "open": {"backend": BACKEND},
            "settings": settings,
            "model_tuning": [
                {"settings": settings},
                {"tasks": ["film_reviews", "topic_news"], "settings": settings},
            ],
        }
    )
    outcome = run(study, str(tmp_path / "study"), workers=0)
    assert (outcome.done, outcome.failed) == (4, {})
    rows = {(row.kind, row.source): row for row in read_rows(str(tmp_path / "study"))}
    plain = rows["model tuning", "ModelTuning"]
    mixed = rows["model tuning", "Multi-task ModelTuning"]
    assert (plain.parameters, plain.task_parameters, plain.steps) == (1_017_600, 1_017_600, 2)
    assert rows["baseline", None].task_parameters == 16 * 128
    about = json.loads(Path(tmp_path, "study", mixed.folder, "model/model_tuning.json").read_text())
    first = rows["model source", "Multi-task ModelTuning"]
    assert about["model"] == str(tmp_path / "study" / first.folder / "model")
