"""ModelTuning: all weights of a model tuned on a task, the paper's baseline (2.1.1).

Every `checkpoint_every` steps all weights are kept and scored on validation, without a prompt; the
best become a model's folder. Tuned first on a mixture and then, from that folder, on each target,
it is the paper's multi-task ModelTuning.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from spotfw.config import LENGTHS, ModelTuningSettings, TuningSettings
from spotfw.contracts import (
    Evaluation,
    FrozenModel,
    WeightProgress,
    WeightTuneRequest,
    WeightTuning,
)
from spotfw.errors import BrokenPart, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.models import weight_engines
from spotfw.recipe.evaluation import VALIDATION, evaluate
from spotfw.recipe.fitting import check_before_tuning
from spotfw.recipe.model_run_folder import METHOD, ModelRunFolder, best_of
from spotfw.recipe.record import run_record
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.side_by_side import Stopwatch
from spotfw.recipe.tensorboard import Events
from spotfw.recipe.tuned import Observer, Report
from spotfw.tasks import Mixture, Task

#: Of a model's own settings of prompts, those that serve here too.
OF_MODEL = (
    *("batch_size", "eval_batch_size", "max_train_examples", "max_eval_examples"),
    *LENGTHS,
)


@attrs.frozen(kw_only=True)
class TunedModel:
    """A model whose weights were tuned.

    Attributes:
      task: on which.
      model: folder of the best checkpoint's weights, which opens like any other model.
      history: every checkpoint's scores, in order.
      folder: where the run lies.
      parameters: weights that belong to the task alone: all of them; None where unknown.
    """

    task: str
    model: str
    history: tuple[Scored, ...]
    folder: str
    parameters: int | None = None

    @property
    def best(self) -> Scored:
        """The checkpoint with the highest validation score."""
        return best_of(self.history)

    @property
    def score(self) -> float:
        """The best checkpoint's validation score."""
        return self.best.score


#: Scores a model on a task's validation split.
Score = Callable[[FrozenModel, Task | Mixture, TuningSettings], Evaluation]


def scored_by_answers(
    model: FrozenModel, task: Task | Mixture, settings: TuningSettings
) -> Evaluation:
    """The task's metrics of what the model writes without a prompt."""
    return evaluate(model, None, task, VALIDATION, settings)


def chosen_settings(own: Mapping[str, Any], **changes: Any) -> ModelTuningSettings:
    """The paper's settings, with a model's own lengths and batch over them, then `changes`.

    Raises:
      UnknownName: there is no such setting.
      WrongUse: a value makes no sense.
    """
    given = {name: value for name, value in changes.items() if value is not None}
    of_model = {name: own[name] for name in OF_MODEL if name in own}
    if "batch_tokens" in given:
        of_model.pop("batch_size", None)
    settings = ModelTuningSettings.from_dict({**of_model, **given})
    # Written out, so that a run says how many examples an update had.
    return attrs.evolve(settings, batch_size=settings.rows)


def tune_model(
    model: FrozenModel,
    task: Task | Mixture,
    settings: ModelTuningSettings,
    *,
    plugins: Plugins,
    out: str,
    asked: str | None = None,
    resume: bool = False,
    observer: Observer | None = None,
    announce: Callable[[str], None] = lambda line: None,
    score: Score = scored_by_answers,
    purpose: str = METHOD,
) -> TunedModel:
    """Tunes all weights on a task or mixture and keeps everything in a run folder.

    Args:
      model: whose weights are the start; it stays as it is.
      task: what to learn; a mixture is scored by its members' mean. Its splits are looked at by
        the caller.
      settings: the recipe, with its `batch_size`.
      plugins: who hears of the run.
      out: the run's folder, local.
      asked: what the model was asked for by, where that is not a folder.
      resume: go on with the run in `out`, if there is one.
      observer: hears of progress.
      announce: called with a line on the disk that is needed and on the optimizer's state.
      score: how good a checkpoint is on validation.
      purpose: of the tuning, in the record's place of an initializer: runs of two purposes, which
        are scored in other ways, are two runs.

    Raises:
      WrongUse: the engine tunes no weights, or the folder holds another run.
      SpotError: the task, settings or disk cannot be used, or the loss is no number; what was
        saved stays.
    """
    if not isinstance(model, WeightTuning):
        able = [f"--backend {name}" for name in weight_engines(plugins)]
        raise WrongUse(
            "The engine that opened this model tunes prompts in front of it, and no weights. Take "
            "one that does"
            + (
                f": {' or '.join(able)}."
                if able
                else ", such as torch: `pip install spotfw-torch`."
            )
        )
    data = settings.of_data()
    record = {
        **run_record(model, task, settings, initializer=purpose, start=None, asked=asked),
        "method": METHOD,
    }
    with ModelRunFolder(out) as folder, contextlib.ExitStack() as curves:
        history = folder.load()
        step = history[-1].step if history else 0
        if step > settings.steps:
            raise WrongUse(
                f"The run in {out} has done {step} steps already, but only {settings.steps} are "
                f"asked for. Ask for {step} or more, or choose another folder with --out."
            )
        if step < settings.steps:
            check_before_tuning(model, task, data, asked)
        folder.begin(record, resume=resume)
        run = _ModelRun(folder, task, settings, history, observer, plugins, record, score)
        if step == settings.steps:
            return run.result(model)
        _look_at_disk(model, folder, settings, step, announce)
        request = WeightTuneRequest(
            task=task,
            settings=settings,
            step=step,
            checkpoint=folder.checkpoint(step) if step else None,
        )
        plugins.call("spotfw_run_started", run=run.record)
        run.events = curves.enter_context(Events(folder.path, step))
        try:
            for progress in model.tune_weights(request):
                run.take(progress)
            result = run.result(model)
        except Exception as error:
            with contextlib.suppress(Exception):  # the error may be a full disk's
                folder.keep_failure(error)
            plugins.call("spotfw_run_failed", run=run.record, error=error)
            raise
        plugins.call("spotfw_run_finished", run=run.record, scores={"score": result.score})
        return result


def _look_at_disk(
    model: WeightTuning,
    folder: ModelRunFolder,
    settings: ModelTuningSettings,
    step: int,
    announce: Callable[[str], None],
) -> None:
    size = model.checkpoint_bytes(settings)
    checkpoints = (
        -(-settings.steps // settings.checkpoint_every) - step // settings.checkpoint_every
    )
    at_once = folder.check_space(size, checkpoints=checkpoints)
    announce(
        f"A checkpoint of all weights takes {size:,} bytes; up to {at_once} lie in {folder.path}."
    )
    if not step and not model.has_optimizer_state:
        announce("The model's folder has no state of its optimizer: Adafactor starts afresh.")


class _ModelRun:
    """A run under way: it takes the engine's reports."""

    def __init__(
        self,
        folder: ModelRunFolder,
        task: Task | Mixture,
        settings: ModelTuningSettings,
        history: list[Scored],
        observer: Observer | None,
        plugins: Plugins,
        record: Mapping[str, Any],
        score: Score,
    ) -> None:
        self.record = {**record, "folder": folder.path}
        self.events: Events | None = None
        self._folder, self._task, self._settings = folder, task, settings
        self._history, self._observer, self._plugins = history, observer, plugins
        self._about = {key: value for key, value in record.items() if key != "task_content"}
        self._evaluate = score
        self._stopwatch = Stopwatch()
        self._losses, self._examples = 0.0, 0

    def take(self, progress: WeightProgress) -> None:
        """Scores and keeps a checkpoint, and says how far the run is."""
        settings = self._settings
        self._losses += progress.loss * progress.examples
        self._examples += progress.examples
        if self.events is not None:
            self.events.progress(progress, settings.learning_rate)
        score = None
        if progress.checkpoint is not None:
            score = self._score(progress)
        if self._observer is not None:
            self._observer(
                Report(
                    task=self._task.name,
                    source="all weights",
                    step=progress.step,
                    steps=settings.steps,
                    loss=progress.loss,
                    score=score,
                    best=best_of(self._history).score if self._history else None,
                    run=self._folder.path,
                )
            )

    def result(self, model: FrozenModel) -> TunedModel:
        """Ends the run with its best checkpoint."""
        if not self._history or self._history[-1].step < self._settings.steps:
            raise BrokenPart(
                f"The engine ended the tuning of {self._task.name} without a checkpoint after the "
                "last step. Use another backend."
            )
        best = best_of(self._history)
        about = {**self._about, "step": best.step, "score": best.score, "metrics": best.metrics}
        return TunedModel(
            task=self._task.name,
            model=self._folder.finish(best, about),
            history=tuple(self._history),
            folder=self._folder.path,
            parameters=model.parameters,
        )

    def _score(self, progress: WeightProgress) -> float:
        assert progress.checkpoint is not None
        data = self._settings.of_data()
        evaluation = self._evaluate(progress.checkpoint.model, self._task, data)
        wall, cpu = self._stopwatch.lap()
        self._history.append(
            Scored(
                step=progress.step,
                loss=self._losses / max(self._examples, 1),
                score=evaluation.score,
                metrics=dict(evaluation.metrics),
                seconds=round(wall, 3),
                cpu_seconds=round(cpu, 3),
            )
        )
        self._losses, self._examples = 0.0, 0
        self._folder.save(progress.checkpoint, self._history)
        if self.events is not None:
            self.events.scores(progress.step, evaluation.metrics, evaluation.score)
        self._plugins.call(
            "spotfw_checkpoint_saved",
            run=self.record,
            step=progress.step,
            scores=dict(evaluation.metrics),
        )
        return evaluation.score
