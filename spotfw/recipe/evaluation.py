"""Which splits the recipe reads, and a prompt's score on one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, FrozenModel
from spotfw.tasks import Mixture, Task, check_data, check_split_names

#: Split that checkpoints are scored on (paper 2.1.2: the test sets are not public).
VALIDATION = "validation"
TRAIN = "train"


def check_splits(task: Task | Mixture, splits: Sequence[str] = (TRAIN, VALIDATION)) -> None:
    """Refuses, before a model is opened, a task whose data cannot be used.

    Raises:
      UnknownName: the task says that it lacks a split.
      SpotError: its data is absent, or is another task's.
    """
    check_split_names(task, splits)
    check_data(task, splits)


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
    if isinstance(task, Task):
        return model.evaluate([prompt], task, split, settings)[0]
    parts = {t.name: model.evaluate([prompt], t, split, settings)[0] for t in task.tasks}
    return Evaluation(
        metrics={f"{n}/{m}": v for n, part in parts.items() for m, v in part.metrics.items()},
        score=float(np.mean([part.score for part in parts.values()])),
        examples=sum(part.examples for part in parts.values()),
    )
