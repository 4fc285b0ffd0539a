"""A tuning of all weights under way, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from spotfw.config import ModelTuningSettings, TuningSettings
from spotfw.contracts import Evaluation, FrozenModel, WeightProgress
from spotfw.errors import BrokenPart
from spotfw.plugins import Plugins
from spotfw.recipe.model_run_folder import ModelRunFolder, best_of
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.side_by_side import Stopwatch
from spotfw.recipe.tensorboard import Events
from spotfw.recipe.tuned import Observer, Report
from spotfw.tasks import Mixture, Task
from spotfw.tasks.scoring.purpose import scoring_a_checkpoint


@attrs.frozen(kw_only=True)
class TunedModel:
    """A model whose weights were tuned.

    Attributes:
      task: on which.
      model: folder of the best checkpoint's weights, which opens like any other model.
      history: every checkpoint's scores, in order.
      folder: where the run lies.
      parameters: weights that belong to the task alone: all of them; None where unknown.
      before: how the model scored before the first step, None where that was not asked.
    """

    task: str
    model: str
    history: tuple[Scored, ...]
    folder: str
    parameters: int | None = None
    before: Evaluation | None = None

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


class ModelRun:
    """A run under way: it takes the engine's reports.

    Args:
      record: what trackers hear of the run.
      about: what its model says of its tuning, beside the scores.
    """

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
        about: Mapping[str, Any],
    ) -> None:
        self.record = {**record, "folder": folder.path}
        self.events: Events | None = None
        self.before: Evaluation | None = None
        self._folder, self._task, self._settings = folder, task, settings
        self._history, self._observer, self._plugins = history, observer, plugins
        self._about = {key: value for key, value in about.items() if key != "task_content"}
        self._evaluate = score
        self._stopwatch = Stopwatch()
        self._losses, self._examples = 0.0, 0

    def score_before(self, model: FrozenModel) -> Evaluation:
        """How the model scores before the first step: as was noted, or scored and noted now."""
        self.before = self._folder.before()
        if self.before is None:
            with scoring_a_checkpoint():
                self.before = self._evaluate(model, self._task, self._settings.of_data())
            self._folder.keep_before(self.before)
            self._stopwatch.lap()
        return self.before

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
        labels = list(self._task.labels) if isinstance(self._task, Task) else []
        scores = {"step": best.step, "score": best.score, "metrics": best.metrics}
        about = {**self._about, "labels": labels, **scores}
        return TunedModel(
            task=self._task.name,
            model=self._folder.finish(best, about),
            history=tuple(self._history),
            folder=self._folder.path,
            parameters=model.parameters,
            before=self.before,
        )

    def _score(self, progress: WeightProgress) -> float:
        assert progress.checkpoint is not None
        data = self._settings.of_data()
        with scoring_a_checkpoint():
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
