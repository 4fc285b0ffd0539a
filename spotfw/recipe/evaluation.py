"""Which splits the recipe reads, and prompts' scores on one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, FrozenModel
from spotfw.tasks import Mixture, Task, check_data, check_split_names

#: Split that checkpoints are scored on (paper 2.1.2: the test sets are not public).
VALIDATION = "validation"
TRAIN = "train"

#: What scoring does not depend on, by names of settings; others keep prompts apart.
_OF_TUNING = frozenset(
    (
        *("steps", "batch_size", "prompt_length", "learning_rate", "weight_decay", "decay_rate"),
        "scale_weight_decay",
        *("dropout", "checkpoint_every", "embedding_step", "max_train_examples", "seed"),
    )
)


def check_splits(task: Task | Mixture, splits: Sequence[str] = (TRAIN, VALIDATION)) -> None:
    """Refuses, before a model is opened, a task whose data cannot be used.

    Raises:
      UnknownName: the task says that it lacks a split.
      SpotError: its data is absent, or is another task's.
    """
    check_split_names(task, splits)
    check_data(task, splits)


@attrs.frozen(eq=False)
class Scoring:
    """A prompt to be scored.

    Attributes:
      prompt: float32 [L, E], None for none.
      task: on what; a mixture's score is the mean of its members' scores.
      settings: lengths, limits and the batch size of scoring.
    """

    prompt: Array | None
    task: Task | Mixture
    settings: TuningSettings


def evaluate(
    model: FrozenModel,
    prompt: Array | None,
    task: Task | Mixture,
    split: str,
    settings: TuningSettings,
) -> Evaluation:
    """Scores a prompt; a mixture's score is the mean of its members' scores.

    Raises:
      SpotError: as `FrozenModel.evaluate`.
    """
    (evaluation,) = evaluate_all(model, [Scoring(prompt, task, settings)], split)
    if isinstance(evaluation, Exception):
        raise evaluation
    return evaluation


def evaluate_all(
    model: FrozenModel, scorings: Sequence[Scoring], split: str
) -> list[Evaluation | Exception]:
    """Scores prompts as `evaluate` does, those of one task by one call of the engine.

    Args:
      model: the frozen model.
      scorings: what is to be scored.
      split: of each task.

    Returns:
      for each its evaluation, or the error that it alone would have ended with.
    """
    groups: dict[Any, list[int]] = {}
    for place, scoring in enumerate(scorings):
        of_scoring = attrs.asdict(scoring.settings, filter=lambda f, _: f.name not in _OF_TUNING)
        for task in _members(scoring.task):
            groups.setdefault((task, tuple(of_scoring.items())), []).append(place)
    parts: list[dict[str, Evaluation]] = [{} for _ in scorings]
    errors: dict[int, Exception] = {}
    for (task, _), places in groups.items():
        # Where one member of a mixture cannot be scored, the others need not be.
        asked = {place: scorings[place] for place in places if place not in errors}
        for place, evaluation in _of_task(model, asked, task, split).items():
            if isinstance(evaluation, Exception):
                errors[place] = evaluation
            else:
                parts[place][task.name] = evaluation
    return [
        errors.get(place) or _joined(scoring.task, parts[place])
        for place, scoring in enumerate(scorings)
    ]


def _of_task(
    model: FrozenModel, asked: dict[int, Scoring], task: Task, split: str
) -> dict[int, Evaluation | Exception]:
    """Evaluations by the places of `asked`; an error of several is looked for one by one."""
    if not asked:
        return {}
    settings = next(iter(asked.values())).settings
    try:
        given = model.evaluate([s.prompt for s in asked.values()], task, split, settings)
        return dict(zip(asked, given, strict=True))
    except Exception as error:
        if len(asked) == 1:
            return dict.fromkeys(asked, error)
    evaluations: dict[int, Evaluation | Exception] = {}
    for place, scoring in asked.items():
        evaluations |= _of_task(model, {place: scoring}, task, split)
    return evaluations


def _joined(task: Task | Mixture, parts: dict[str, Evaluation]) -> Evaluation:
    if isinstance(task, Task):
        return parts[task.name]
    return Evaluation(
        metrics={f"{n}/{m}": v for n, part in parts.items() for m, v in part.metrics.items()},
        score=float(np.mean([part.score for part in parts.values()])),
        examples=sum(part.examples for part in parts.values()),
    )


def _members(task: Task | Mixture) -> Sequence[Task]:
    return (task,) if isinstance(task, Task) else task.tasks
