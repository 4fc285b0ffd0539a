"""All weights tuned by the recipe on this engine: exact resuming, folders, what follows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.machines import LocalMachine
from spotfw.backends.mesh.weights.idle import IdleSession
from spotfw.backends.mesh.weights.requests import tuned
from spotfw.backends.mesh.weights.runtime import WeightRuntime
from spotfw.config import ModelTuningSettings
from spotfw.contracts import WeightTuneRequest
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.recipe.model_tuning import TunedModel

LENGTHS = {"max_input_length": 16, "max_target_length": 4, "max_eval_examples": 8}
SETTINGS: dict[str, Any] = {"checkpoint_every": 2, "batch_size": 4, "seed": 1, **LENGTHS}


@contextlib.contextmanager
def opened_again(folder: str) -> Iterator[spotfw.Session]:
    opened = spotfw.Session(folder, plugins=Plugins(), progress=False, threads=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def session(tiny_model: Path) -> Iterator[spotfw.Session]:
    opened = spotfw.Session(str(tiny_model), plugins=Plugins(), progress=False, threads=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def whole(session: spotfw.Session, tiny_task: Any, tmp_path_factory: Any) -> TunedModel:
    out = tmp_path_factory.mktemp("runs") / "whole"
    return session.tune_model(tiny_task, steps=4, out=out, **SETTINGS)


@pytest.mark.slow
def test_a_killed_run_goes_on_bit_for_bit(
    session: spotfw.Session, whole: TunedModel, tiny_task: Any, tmp_path: Path
) -> None:
    def killed(report: Any) -> None:
        if report.step == 3 or report.score is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session.tune_model(tiny_task, steps=4, out=tmp_path, observer=killed, **SETTINGS)
    again = session.tune_model(tiny_task, steps=4, out=tmp_path, resume=True, **SETTINGS)
    ours, theirs = (Path(run.folder, "checkpoints/step-000004") for run in (again, whole))
    for name in ("model.ckpt-4.index", "model.ckpt-4.data-00000-of-00001"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name
    assert [h.score for h in again.history] == [h.score for h in whole.history]


def test_another_tuning_by_the_same_session_is_as_by_a_new_one(
    tiny_model: Path, tiny_task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    plain = WeightRuntime.__init__

    def counted(*given: Any, **options: Any) -> None:
        made.append(options["factored_from"])
        plain(*given, **options)

    monkeypatch.setattr(WeightRuntime, "__init__", counted)
    settings = {**SETTINGS, "steps": 2}
    with opened_again(str(tiny_model)) as both:
        both.tune_model(tiny_task, out=tmp_path / "before", **{**settings, "seed": 7})
        second = both.tune_model(tiny_task, out=tmp_path / "second", **settings)
        assert made == [128]
        both.tune_model(tiny_task, out=tmp_path / "other", **settings, factored_from=64)
        assert made == [128, 64]
    with opened_again(str(tiny_model)) as fresh:
        alone = fresh.tune_model(tiny_task, out=tmp_path / "alone", **settings)
    for name in ("model.ckpt-2.index", "model.ckpt-2.data-00000-of-00001"):
        ours, theirs = (Path(r.folder, "checkpoints/step-000002", name) for r in (second, alone))
        assert ours.read_bytes() == theirs.read_bytes(), name
    assert [h.score for h in second.history] == [h.score for h in alone.history]


def test_a_checkpoints_model_shows_its_own_embeddings(
    session: spotfw.Session, tiny_task: Any, tmp_path: Path
) -> None:
    model: Any = session.model
    settings = ModelTuningSettings(steps=1, **{**SETTINGS, "checkpoint_every": 1})
    for progress in tuned(model.origin(), WeightTuneRequest(task=tiny_task, settings=settings)):
        assert progress.checkpoint is not None
        own = progress.checkpoint.model.init_context(1).embeddings
        progress.checkpoint.save(str(tmp_path))
    assert (own == Checkpoint(str(tmp_path)).read("shared/embedding")).all()
    assert (own != model.embeddings).any()


@pytest.mark.parametrize("parameters, sessions", [(2**26, 1), (2**26 + 1, 0)])
def test_a_large_models_session_is_closed(parameters: int, sessions: int) -> None:
    class Session:
        factored_from, closed = 128, False

        def close(self) -> None:
            self.closed = True

    idle = IdleSession(lambda factored_from: Session(), parameters)  # type: ignore[arg-type, return-value]
    first = idle.take(128)
    idle.keep(first)
    assert first.closed == (not sessions)  # type: ignore[attr-defined]
    assert (idle.take(128) is first) == bool(sessions)


def test_the_folder_opens_and_scores_as_the_checkpoint_did(
    whole: TunedModel, tiny_model: Path, tiny_task: Any
) -> None:
    with opened_again(whole.model) as opened:
        evaluation = opened.evaluate(None, tiny_task, **LENGTHS)
        assert evaluation.metrics == whole.best.metrics
        assert getattr(opened.model, "has_optimizer_state", False)
    step = whole.best.step
    assert {path.name for path in Path(whole.model).iterdir()} == {
        *("checkpoint", "operative_config.gin", "spiece.model", "model_tuning.json"),
        *(f"model.ckpt-{step}.index", f"model.ckpt-{step}.data-00000-of-00001"),
    }
    for name in ("operative_config.gin", "spiece.model"):
        assert Path(whole.model, name).read_bytes() == (tiny_model / name).read_bytes()


def test_disk_that_was_said_is_the_disk_that_is_needed(
    session: spotfw.Session, whole: TunedModel
) -> None:
    model: Any = session.model
    said = model.checkpoint_bytes(ModelTuningSettings())
    (data,) = Path(whole.model).glob("*.data-*")
    (index,) = Path(whole.model).glob("*.index")
    assert said <= data.stat().st_size + index.stat().st_size <= said + 40_000


def test_tuned_on_from_that_folder_the_optimizer_is_restored(
    session: spotfw.Session, whole: TunedModel, tiny_task: Any, tmp_path: Path
) -> None:
    """Multi-task ModelTuning: a mixture first, then each target from there."""
    with opened_again(whole.model) as opened:
        target = opened.tune_model(tiny_task, steps=1, out=tmp_path / "target", **SETTINGS)
    record = json.loads(Path(target.folder, "run.json").read_text())
    assert record["initializer"] == "model, optimizer restored"
    before, after = Checkpoint(whole.model), Checkpoint(target.model)
    assert (before.updates, after.updates) == (whole.best.step, whole.best.step + 1)
    assert all((before.read(n) != after.read(n)).any() for n in before.variables)


def test_the_opened_model_stays_as_it_is(
    session: spotfw.Session, whole: TunedModel, tiny_model: Path
) -> None:
    model: Any = session.model
    stored = Checkpoint(str(tiny_model))
    for name, value in model.read_variables().items():
        assert np.array_equal(value, stored.read(name)), name


def test_a_checkpoint_without_a_state_is_no_place_to_go_on_from(
    session: spotfw.Session, tiny_task: Any, tiny_model: Path
) -> None:
    request = WeightTuneRequest(
        task=tiny_task,
        settings=ModelTuningSettings(steps=3, **SETTINGS),
        step=2,
        checkpoint=str(tiny_model),
    )
    model: Any = session.model
    with pytest.raises(SpotError, match="has no state of its optimizer"):
        next(model.tune_weights(request))


def test_a_loss_that_is_no_number_ends_the_run(
    session: spotfw.Session, tiny_task: Any, tmp_path: Path
) -> None:
    with pytest.raises(SpotError, match="--learning-rate"):
        session.tune_model(tiny_task, steps=8, out=tmp_path / "run", learning_rate=1e30, **SETTINGS)


class Tpu:
    """A machine whose programs do several updates."""

    updates = 100


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        (LocalMachine(Layout.parse("cohort:2")), "splits a cohort of prompts"),
        (LocalMachine(Layout.parse("batch:3")), r"does not divide. Give a multiple of 3"),
        (Tpu(), "cannot be tuned on a TPU"),
    ],
    ids=["cohort", "batch", "tpu"],
)
def test_devices_that_cannot_do_it_are_refused(
    session: spotfw.Session, tiny_task: Any, machine: Any, message: str
) -> None:
    model: Any = session.model
    origin = attrs.evolve(model.origin(), machine=machine)
    settings = ModelTuningSettings(steps=3, **SETTINGS)
    with pytest.raises(WrongUse, match=message):
        next(tuned(origin, WeightTuneRequest(task=tiny_task, settings=settings)))
