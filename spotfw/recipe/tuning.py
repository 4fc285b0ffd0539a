"""Learns a soft prompt: tune, score each checkpoint, keep the best (paper 2.1.4, 3.1.3)."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, FrozenModel, TuneProgress, TuneRequest, TuningState
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.recipe.run_folder import RunFolder, Scored
from spotfw.recipe.starts import initial_prompt
from spotfw.recipe.tensorboard import Events
from spotfw.tasks import Mixture, Task, check_data, check_split_names

#: Split that checkpoints are scored on (paper 2.1.2: the test sets are not public).
VALIDATION = "validation"
TRAIN = "train"


@attrs.frozen(kw_only=True, eq=False, repr=False)
class TunedPrompt:
    """A learned prompt.

    Attributes:
      best: the checkpoint with the highest validation score.
      embedding: the early checkpoint that stands for the task (paper 3.1.3).
      final: the prompt after the last step.
      history: every checkpoint's scores, in order.
      folder: where the run lies.
    """

    best: SoftPrompt
    embedding: SoftPrompt
    final: SoftPrompt
    history: tuple[Scored, ...]
    folder: str

    @property
    def score(self) -> float:
        """The best checkpoint's validation score."""
        return max(entry.score for entry in self.history)

    def __repr__(self) -> str:
        return f"TunedPrompt(score={self.score:g}, folder={self.folder!r})"


@attrs.frozen(kw_only=True)
class Report:
    """What an observer hears of a tuning.

    Attributes:
      task: its name.
      step, steps: updates done, and in all.
      loss: mean since the last report.
      score, best: of the checkpoint just scored (None otherwise) and the best so far.
    """

    task: str
    step: int
    steps: int
    loss: float
    score: float | None
    best: float | None


Observer = Callable[[Report], None]


def tune(
    model: FrozenModel,
    task: Task | Mixture,
    settings: TuningSettings,
    *,
    plugins: Plugins,
    out: str,
    initializer: str = "sampled_vocab",
    start: SoftPrompt | None = None,
    asked: str | None = None,
    resume: bool = False,
    observer: Observer | None = None,
) -> TunedPrompt:
    """Learns a prompt for a task and keeps everything in a run folder.

    Args:
      model: the frozen model.
      task: what to learn; a mixture is scored by its members' mean.
      settings: the recipe.
      plugins: where initializers come from, and who hears of the run.
      out: the run's folder.
      initializer: ``NAME[:ARGUMENT]``; ``prompt:FILE`` starts from a prompt.
      start: a prompt to start from, in place of the initializer.
      asked: what the model was asked for by, where that is not a folder.
      resume: go on with the run in `out`, if there is one.
      observer: told of progress.

    Raises:
      SpotError: the task, model, folder or settings cannot be used, or the loss is no
        number; what was saved stays.
    """
    check_splits(task)
    run = {
        "task": task.name,
        "model": asked or model.name,
        "fingerprint": model.fingerprint,
        "precision": model.precision,
        "initializer": _origin(start) if start is not None else initializer,
        "settings": settings.to_dict(),
        "versions": versions(),
    }
    with RunFolder(out) as folder:
        saved = folder.load()
        history: list[Scored] = []
        if saved is None:
            prompt = initial_prompt(
                model,
                task,
                plugins,
                length=settings.prompt_length,
                seed=settings.seed,
                initializer=initializer,
                start=start,
            )
            state = TuningState(step=0, prompt=prompt)
        else:
            state, history = saved
        # Only now: what cannot start leaves no run in the folder.
        folder.begin(run, resume=resume)
        if state.step > settings.steps:
            raise WrongUse(
                f"The run in {out} has done {state.step} steps already, but only "
                f"{settings.steps} are asked for. Ask for {state.step} or more, or choose "
                "another folder with --out."
            )
        if state.step == settings.steps:
            # Finished before: nothing is tuned, and nobody is told of a run.
            return _result(folder, settings, history)
        # Not in the record itself: the folder may be moved.
        run = {**run, "folder": folder.path}
        plugins.call("spotfw_run_started", run=run)
        try:
            _continue(model, task, settings, plugins, folder, run, state, history, observer)
            result = _result(folder, settings, history)
        except BaseException as error:
            plugins.call("spotfw_run_failed", run=run, error=error)
            raise
        plugins.call("spotfw_run_finished", run=run, scores={"score": result.score})
        return result


def check_splits(task: Task | Mixture, splits: Sequence[str] = (TRAIN, VALIDATION)) -> None:
    """Refuses (`UnknownName`), before a model is opened, a task that says it lacks a split."""
    check_split_names(task, splits)
    check_data(task, splits)


def _continue(
    model: FrozenModel,
    task: Task | Mixture,
    settings: TuningSettings,
    plugins: Plugins,
    folder: RunFolder,
    run: dict[str, Any],
    state: TuningState,
    history: list[Scored],
    observer: Observer | None,
) -> None:
    """Tunes from `state` to the end, saving and scoring each checkpoint into `history`."""
    request = TuneRequest(task=task, settings=settings, start=state)
    losses = _Mean()
    began, cpu = time.monotonic(), time.process_time()
    with Events(folder.path, state.step) as events:
        for progress in model.tune([request]):
            events.progress(progress, settings.learning_rate)
            losses.add(progress.loss, progress.examples)
            score = None
            if progress.state is not None:
                evaluation = evaluate(model, progress.state.prompt, task, VALIDATION, settings)
                score = evaluation.score
                history.append(
                    Scored(
                        step=progress.step,
                        loss=losses.take(),
                        score=score,
                        metrics=dict(evaluation.metrics),
                        seconds=round(time.monotonic() - began, 3),
                        cpu_seconds=round(time.process_time() - cpu, 3),
                    )
                )
                began, cpu = time.monotonic(), time.process_time()
                folder.save(progress.state, _prompt(progress, task, run, history[-1]), history)
                events.scores(progress.step, evaluation.metrics, score, progress.state.prompt)
                plugins.call(
                    "spotfw_checkpoint_saved",
                    run=run,
                    step=progress.step,
                    scores=dict(evaluation.metrics),
                )
            if observer is not None:
                best = max((h.score for h in history), default=None)
                observer(
                    Report(
                        task=task.name,
                        step=progress.step,
                        steps=settings.steps,
                        loss=progress.loss,
                        score=score,
                        best=best,
                    )
                )


def evaluate(
    model: FrozenModel,
    prompt: Array | None,
    task: Task | Mixture,
    split: str,
    settings: TuningSettings,
) -> Evaluation:
    """Scores a prompt; a mixture's score is the mean of its members' scores."""
    if isinstance(task, Task):
        return model.evaluate([prompt], task, split, settings)[0]
    parts = {t.name: model.evaluate([prompt], t, split, settings)[0] for t in task.tasks}
    return Evaluation(
        metrics={f"{n}/{m}": v for n, part in parts.items() for m, v in part.metrics.items()},
        score=float(np.mean([part.score for part in parts.values()])),
        examples=sum(part.examples for part in parts.values()),
    )


def _prompt(
    progress: TuneProgress, task: Task | Mixture, run: Mapping[str, Any], scored: Scored
) -> SoftPrompt:
    assert progress.state is not None
    return SoftPrompt(
        array=progress.state.prompt,
        provenance=Provenance(
            task=task.name,
            family=task.family,
            model=run["model"],
            fingerprint=run["fingerprint"],
            seed=run["settings"]["seed"],
            step=progress.step,
            score=scored.score,
            metrics=dict(scored.metrics),
            labels=tuple(task.labels) if isinstance(task, Task) else (),
            settings=dict(run["settings"]),
            started_from=run["initializer"],
            versions=dict(run["versions"]),
        ),
    )


def _result(folder: RunFolder, settings: TuningSettings, history: list[Scored]) -> TunedPrompt:
    best = max(history, key=lambda h: (h.score, -h.step))
    early = [h.step for h in history if h.step >= settings.embedding_step]
    best_prompt, embedding = folder.finish(best.step, early[0] if early else history[-1].step)
    return TunedPrompt(
        best=best_prompt,
        embedding=embedding,
        final=folder.checkpoint(history[-1].step),
        history=tuple(history),
        folder=folder.path,
    )


def _origin(start: SoftPrompt) -> str:
    """A stable name for a prompt given as an array."""
    return "prompt#" + hashlib.sha256(start.array.tobytes()).hexdigest()[:16]


def versions() -> dict[str, str]:
    """Versions that a result may depend on."""
    told = {"python": platform.python_version()}
    for name in ("spotfw", "tensorflow", "mesh-tensorflow", "t5", "numpy"):
        try:
            told[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return told


class _Mean:
    """Mean loss since the last checkpoint, weighted by examples."""

    def __init__(self) -> None:
        self._sum, self._weight = 0.0, 0.0

    def add(self, value: float, weight: float) -> None:
        self._sum += value * weight
        self._weight += weight

    def take(self) -> float:
        mean = self._sum / max(self._weight, 1.0)
        self._sum, self._weight = 0.0, 0.0
        return mean
