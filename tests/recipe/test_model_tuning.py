"""All weights tuned, over a model in plain NumPy: checkpoints, the best, resuming, the disk."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import ModelTuningSettings, TuningSettings
from spotfw.contracts import (
    Evaluation,
    FrozenModel,
    WeightProgress,
    WeightTuneRequest,
)
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.recipe.begun import read_record
from spotfw.recipe.comparing import read_runs
from spotfw.recipe.model_run import TunedModel
from spotfw.recipe.model_tuning import chosen_settings, tune_model
from spotfw.tasks import Task
from spotfw.tasks.file_columns import Columns
from spotfw.testing import NumpyModel
from spotfw.testing.tiny_tasks import write_tiny_tasks

SETTINGS = ModelTuningSettings(
    steps=6, batch_size=4, checkpoint_every=2, max_input_length=16, max_target_length=4, seed=3
)


OPTIONS = ("resume", "observer", "announce", "purpose", "score_before")


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it and tidy up."""


class Weights(NumpyModel):
    """A model with one number for its weights, which each update takes to another.

    Args:
      scores: validation score by step.
      bytes_each: what it says a checkpoint takes.
    """

    has_optimizer_state = False

    def __init__(self, scores: Mapping[int, float] | None = None, bytes_each: int = 10) -> None:
        super().__init__("weights")
        self.scores = scores or {}
        self.bytes_each = bytes_each
        self.value, self.step = 1.0, 0
        self.begun: list[int] = []
        self.killed_at = -1

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        return self.bytes_each

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        self.begun.append(request.step)
        if request.checkpoint is not None:
            self.value = float(Path(request.checkpoint, "weights").read_text())
        settings = request.settings
        for step in range(request.step, settings.steps):
            if step == self.killed_at:
                raise Killed
            self.value = self.value * 1.1 + settings.seed + step
            self.step = step + 1
            due = self.step % settings.checkpoint_every == 0 or self.step == settings.steps
            yield WeightProgress(
                step=self.step,
                loss=float(self.step),
                examples=4,
                tokens=8,
                checkpoint=_Kept(self) if due else None,
            )

    def evaluate(
        self, prompts: Any, task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        assert prompts == [None] and split == "validation"
        score = self.scores.get(self.step, 0.0)
        return [Evaluation(metrics={"accuracy": score}, score=score, examples=1)]


@attrs.frozen
class _Kept:
    model: Weights

    def save(self, folder: str) -> None:
        Path(folder, "weights").write_text(repr(self.model.value))


@pytest.fixture
def task(tmp_path: Path) -> Task:
    return write_tiny_tasks(tmp_path / "tasks")[0]


@pytest.fixture
def tune(task: Task, tmp_path: Path) -> Callable[..., TunedModel]:
    def run(model: FrozenModel, out: str = "run", **changes: Any) -> TunedModel:
        options = {k: changes.pop(k) for k in OPTIONS if k in changes}
        settings = attrs.evolve(SETTINGS, **changes)
        out = str(tmp_path / out)
        return tune_model(model, task, settings, plugins=Plugins(), out=out, **options)

    return run


def test_the_best_checkpoint_becomes_the_model(tune: Callable[..., TunedModel]) -> None:
    tuned = tune(Weights({2: 50.0, 4: 75.0, 6: 60.0}))
    assert (tuned.score, tuned.best.step, len(tuned.history)) == (75.0, 4, 3)
    assert tuned.parameters == Weights().parameters
    best = Path(tuned.folder, "checkpoints", "step-000004", "weights").read_text()
    assert Path(tuned.model, "weights").read_text() == best
    # The best and the last are kept, no others.
    assert sorted(os.listdir(Path(tuned.folder, "checkpoints"))) == ["step-000004", "step-000006"]
    about = json.loads(Path(tuned.model, "model_tuning.json").read_text())
    assert (about["method"], about["step"], about["score"]) == ("model", 4, 75.0)
    assert about["settings"]["learning_rate"] == 0.001
    assert [entry.loss for entry in tuned.history] == [1.5, 3.5, 5.5]


def test_of_equal_checkpoints_the_first_is_best(tune: Callable[..., TunedModel]) -> None:
    assert tune(Weights({2: 50.0, 4: 50.0, 6: 50.0})).best.step == 2


@pytest.mark.parametrize("killed_at", [1, 2, 3, 5])
def test_a_killed_run_ends_as_if_it_had_not_been(
    tune: Callable[..., TunedModel], killed_at: int
) -> None:
    whole = tune(Weights({2: 50.0, 4: 75.0, 6: 80.0}))
    model = Weights({2: 50.0, 4: 75.0, 6: 80.0})
    model.killed_at = killed_at
    with pytest.raises(Killed):
        tune(model, "again")
    after = Weights({2: 50.0, 4: 75.0, 6: 80.0})
    again = tune(after, "again", resume=True)
    assert after.begun == [killed_at // 2 * 2]
    assert Path(again.model, "weights").read_text() == Path(whole.model, "weights").read_text()
    assert [h.score for h in again.history] == [h.score for h in whole.history]


def test_a_run_that_is_done_gives_its_result_and_goes_on_for_more_steps(
    tune: Callable[..., TunedModel],
) -> None:
    scores = {2: 50.0, 4: 75.0, 6: 60.0, 8: 90.0}
    tune(Weights(scores))
    with pytest.raises(WrongUse, match="holds a run already"):
        tune(Weights(scores))
    done = Weights(scores)
    assert tune(done, resume=True).score == 75.0
    assert done.begun == []
    longer = tune(Weights(scores), resume=True, steps=8)
    assert (longer.score, longer.best.step) == (90.0, 8)
    best = Path(longer.folder, "checkpoints", "step-000008", "weights").read_text()
    assert Path(longer.model, "weights").read_text() == best
    with pytest.raises(WrongUse, match="has done 8 steps already"):
        tune(Weights(scores), resume=True, steps=6)


def test_the_score_before_the_first_step_is_noted_once(tune: Callable[..., TunedModel]) -> None:
    assert tune(Weights(), "without").before is None
    lines: list[str] = []
    killed = Weights({0: 20.0, 2: 50.0})
    killed.killed_at = 3
    with pytest.raises(Killed):
        tune(killed, score_before=True, announce=lines.append)
    assert "Before the first step the model scores 20." in lines
    # What was noted counts: this one would score otherwise.
    for model in (Weights({0: 30.0, 4: 75.0}), Weights({0: 40.0})):
        tuned = tune(model, score_before=True, resume=True)
        assert tuned.before is not None
        assert (tuned.before.score, dict(tuned.before.metrics)) == (20.0, {"accuracy": 20.0})
        # It is no checkpoint: there is none of it to become the model.
        assert [entry.step for entry in tuned.history] == [2, 4, 6]


def test_a_run_that_begins_anew_in_the_folder_is_scored_anew(
    tune: Callable[..., TunedModel],
) -> None:
    killed = Weights({0: 20.0})
    killed.killed_at = 1
    with pytest.raises(Killed):
        tune(killed, score_before=True)
    tuned = tune(Weights({0: 30.0}), score_before=True, seed=4)
    assert tuned.before is not None and tuned.before.score == 30.0


def test_a_damaged_score_before_the_first_step_is_refused(
    tune: Callable[..., TunedModel], tmp_path: Path
) -> None:
    tune(Weights(), score_before=True)
    (tmp_path / "run" / "before.json").write_text('{"score": "high"}')
    with pytest.raises(SpotError, match=r"before\.json is damaged"):
        tune(Weights(), score_before=True, resume=True, steps=8)


def test_another_run_in_the_folder_is_refused(tune: Callable[..., TunedModel]) -> None:
    tune(Weights())
    with pytest.raises(WrongUse, match=r"learning_rate 0\.001, now 0\.01"):
        tune(Weights(), resume=True, learning_rate=0.01)


def test_runs_scored_in_other_ways_are_two_runs(tune: Callable[..., TunedModel]) -> None:
    tune(Weights())
    with pytest.raises(WrongUse, match="initializer 'model', now 'lm_adaptation'"):
        tune(Weights(), resume=True, purpose="lm_adaptation")


@pytest.mark.parametrize("killed", [True, False])
def test_another_engine_does_not_go_on_with_a_run(
    tune: Callable[..., TunedModel], killed: bool
) -> None:
    mesh, torch = Weights(), Weights()
    mesh.identity, torch.identity = {"configuration": "mesh:1"}, {"configuration": "torch:2"}
    torch.killed_at = 3 if killed else -1
    with pytest.raises(Killed) if killed else contextlib.nullcontext():
        tune(torch)
    with pytest.raises(WrongUse, match=r"begun with the engine torch, .* Leave --backend out"):
        tune(mesh, resume=True)
    assert mesh.begun == []


def test_a_folder_of_other_things_is_no_run(
    tune: Callable[..., TunedModel], tmp_path: Path
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(WrongUse, match="not empty"):
        tune(Weights())


@pytest.mark.parametrize("resume", [False, True])
def test_a_prompt_run_is_no_model_run(
    tune: Callable[..., TunedModel], tmp_path: Path, resume: bool
) -> None:
    record = tmp_path / "run" / "run.json"
    record.parent.mkdir()
    record.write_text(json.dumps({"task": "t", "settings": TuningSettings().to_dict()}))
    before = record.read_bytes()
    with pytest.raises(WrongUse, match="tunes a prompt"):
        tune(Weights(), resume=resume)
    assert record.read_bytes() == before


def test_settings_of_weights_are_recorded_as_they_are(tune: Callable[..., TunedModel]) -> None:
    record = read_record(str(Path(tune(Weights()).folder, "run.json")))
    assert record["settings"] == SETTINGS.to_dict()


def test_the_columns_of_a_users_file_are_recorded(
    tune: Callable[..., TunedModel], task: Task, tmp_path: Path
) -> None:
    of_file = attrs.evolve(task, file_columns=Columns(("review",), "stars"))
    out = str(tmp_path / "of a file")
    tuned = tune_model(Weights(), of_file, SETTINGS, plugins=Plugins(), out=out)
    for path in (Path(out, "run.json"), Path(tuned.model, "model_tuning.json")):
        columns = {"texts": ["review"], "label": "stars"}
        assert json.loads(path.read_text())["file_columns"] == columns


def test_a_damaged_history_is_refused(tune: Callable[..., TunedModel], tmp_path: Path) -> None:
    tune(Weights())
    path = tmp_path / "run" / "checkpoints" / "step-000006" / "history.json"
    history = json.loads(path.read_text())
    history[0]["score"] = "high"
    path.write_text(json.dumps(history))
    with pytest.raises(SpotError, match="'high' for a number at step 2"):
        tune(Weights(), resume=True)


def test_a_best_checkpoint_that_was_removed_is_missed(
    tune: Callable[..., TunedModel], tmp_path: Path
) -> None:
    tune(Weights({2: 50.0}))
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step-000002")
    with pytest.raises(SpotError, match="no longer there"):
        tune(Weights({2: 50.0}), resume=True, steps=8)


def test_a_score_that_is_no_number_is_never_best(tune: Callable[..., TunedModel]) -> None:
    assert tune(Weights({2: math.nan, 4: 1.0, 6: math.nan})).best.step == 4


def test_a_checkpoint_does_not_say_what_the_model_before_said(
    tune: Callable[..., TunedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    save = _Kept.save

    def with_others(kept: _Kept, folder: str) -> None:
        save(kept, folder)
        Path(folder, "model_tuning.json").write_text("of another tuning")

    monkeypatch.setattr(_Kept, "save", with_others)
    tuned = tune(Weights())
    assert json.loads(Path(tuned.model, "model_tuning.json").read_text())["step"] == 2
    assert not list(Path(tuned.folder, "checkpoints").glob("*/model_tuning.json"))


def test_a_full_disk_is_told_before_anything_is_tuned(
    tune: Callable[..., TunedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage("/")._replace(free=2_999)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: free)
    model = Weights(bytes_each=1_000)
    with pytest.raises(SpotError, match=r"2,999 bytes free, but the run needs 3,000: 3 check"):
        tune(model)
    assert model.begun == []
    # Two checkpoints are written in all: there is room for these.
    lines: list[str] = []
    assert tune(model, steps=4, announce=lines.append).history[-1].step == 4
    assert "1,000 bytes; up to 2" in lines[0]
    assert "Adafactor starts afresh" in lines[1]
    # The best and the last lie there; to go on, a third is written beside them.
    again = Weights(bytes_each=3_000)
    with pytest.raises(SpotError, match=r"needs 3,000: 1 checkpoint of all weights"):
        tune(again, resume=True, steps=6)
    assert again.begun == []
    assert tune(model, resume=True, steps=6, announce=lines.append).history[-1].step == 6
    assert "1,000 bytes; up to 3" in lines[2]


def test_an_engine_without_it_says_so(tune: Callable[..., TunedModel]) -> None:
    with pytest.raises(WrongUse, match=r"--backend (mesh|torch)|pip install spotfw-torch"):
        tune(NumpyModel())


def test_trackers_and_observers_hear_of_it(task: Task, tmp_path: Path) -> None:
    heard: list[tuple[str, Any]] = []

    plugins = Plugins()
    call = plugins.call

    def listening(name: str, **values: Any) -> Any:
        heard.append((name, values["run"]["method"]))
        return call(name, **values)

    plugins.call = listening  # type: ignore[method-assign,assignment]
    reports: list[Any] = []
    tune_model(
        Weights({2: 1.0}),
        task,
        attrs.evolve(SETTINGS, steps=2),
        plugins=plugins,
        out=str(tmp_path / "run"),
        observer=reports.append,
    )
    names = [name.removeprefix("spotfw_") for name, _ in heard]
    assert names == ["run_started", "checkpoint_saved", "run_finished"]
    assert {method for _, method in heard} == {"model"}
    assert [(r.step, r.score, r.best) for r in reports] == [(1, None, None), (2, 1.0, 1.0)]


def test_what_ended_a_run_is_written_down(tune: Callable[..., TunedModel], tmp_path: Path) -> None:
    class Breaks(Weights):
        def evaluate(self, *_: Any) -> list[Evaluation]:
            raise SpotError("No.")

    with pytest.raises(SpotError, match="No"):
        tune(Breaks())
    assert json.loads((tmp_path / "run" / "failed.json").read_text())["error"] == "No."
    tune(Weights(), resume=True)
    assert not (tmp_path / "run" / "failed.json").exists()


def test_settings_are_the_papers_with_the_models_over_them() -> None:
    paper = chosen_settings({})
    assert (paper.steps, paper.learning_rate, paper.dropout) == (262_144, 0.001, 0.1)
    assert (paper.checkpoint_every, paper.batch_size) == (5_000, 128)  # 2^16 over 512
    own = {"steps": 400, "batch_size": 16, "prompt_length": 16, "max_input_length": 48}
    chosen = chosen_settings(own, seed=5)
    assert (chosen.steps, chosen.batch_size, chosen.max_input_length) == (400, 16, 48)
    assert (chosen.checkpoint_every, chosen.learning_rate) == (5_000, 0.001)
    assert chosen_settings(own, batch_tokens=480).batch_size == 10
    with pytest.raises(WrongUse, match=r"batch_tokens 47 does not hold an input, .* 48 tokens"):
        chosen_settings(own, batch_tokens=47)
    assert chosen_settings(own, batch_tokens=47, batch_size=2).batch_size == 2
    with pytest.raises(UnknownName, match="prompt_length"):
        chosen_settings({}, prompt_length=100)


def test_what_data_and_scoring_read_of_the_settings() -> None:
    data = attrs.evolve(SETTINGS, batch_size=None, batch_tokens=64, max_eval_examples=9).of_data()
    assert (data.batch_size, data.max_eval_examples, data.seed) == (4, 9, 3)
    assert np.isclose(data.learning_rate, 0.001)


def test_it_stands_beside_other_runs(tune: Callable[..., TunedModel]) -> None:
    tuned = tune(Weights({2: 50.0, 4: 75.0, 6: 60.0}))
    (facts,) = read_runs([tuned.folder])
    assert (facts.init, facts.step, facts.best_step, facts.score) == ("model", 6, 4, 75.0)
