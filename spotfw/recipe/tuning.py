"""Learns soft prompts: tune, score each checkpoint, keep the best (paper 2.1.4, 3.1.3)."""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.config import TuningSettings
from spotfw.contracts import FrozenModel
from spotfw.plugins import Plugins
from spotfw.prompts import SoftPrompt
from spotfw.recipe.evaluation import TRAIN, VALIDATION, check_splits, evaluate
from spotfw.recipe.record import versions
from spotfw.recipe.run import Run
from spotfw.recipe.side_by_side import SideBySide
from spotfw.recipe.tuned import Observer, Report, TunedPrompt, Tuning
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import pinned

__all__ = [
    "TRAIN",
    "VALIDATION",
    "Observer",
    "Report",
    "TunedPrompt",
    "Tuning",
    "check_splits",
    "evaluate",
    "tune",
    "tune_all",
    "versions",
]


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
      observer: hears of progress.

    Raises:
      SpotError: the task, model, folder or settings cannot be used, or the loss is no
        number; what was saved stays.
    """
    check_splits(task)
    tuning = Tuning(
        task=pinned(task),
        settings=settings,
        out=out,
        initializer=initializer,
        start=start,
        resume=resume,
        observer=observer,
    )
    return only(tune_all(model, [tuning], plugins=plugins, asked=asked))


def tune_all(
    model: FrozenModel,
    tunings: Sequence[Tuning],
    *,
    plugins: Plugins,
    asked: str | None = None,
) -> list[TunedPrompt | Exception]:
    """Tunes side by side, by one call of the engine, which may run them together.

    Each run has a folder, a history, events and an observer of its own, begins where its folder
    stands, and gives what it gives alone. One that fails does not take the others with it.

    Args:
      model: the frozen model.
      tunings: what is asked, each with another folder. Their tasks' splits are not looked at
        here: see `check_splits`.
      plugins: where initializers come from, and who hears of the runs.
      asked: what the model was asked for by, where that is not a folder.

    Returns:
      for each tuning its result, or the error that ended it.
    """
    runs = [Run(model, tuning, plugins, asked=asked) for tuning in tunings]
    try:
        begun = [(run, request) for run in runs if (request := run.begin()) is not None]
        if begun:
            beside = SideBySide(model, [run for run, _ in begun])
            beside.follow(model.tune(beside.requests([request for _, request in begun])))
        for run in runs:
            run.complete()
    except BaseException as error:
        for run in runs:
            run.fail(error)
        if not isinstance(error, Exception):
            raise
    return [_outcome(run) for run in runs]


def only(outcomes: Sequence[TunedPrompt | Exception]) -> TunedPrompt:
    """The result of a single tuning.

    Raises:
      Exception: the error that ended it.
    """
    (outcome,) = outcomes
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _outcome(run: Run) -> TunedPrompt | Exception:
    assert isinstance(run.outcome, (TunedPrompt, Exception))
    return run.outcome
