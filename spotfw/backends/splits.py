"""What an engine trains and scores on: splits read once, and the batches of each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task, proportional_rates
from spotfw.tasks.batches import (
    Indices,
    bucket,
    example_indices,
    mixture_indices,
    pad_batch,
)
from spotfw.tasks.content import check_unchanged
from spotfw.tasks.draws import EVALUATION_SEED, Draw
from spotfw.tasks.examples import Examples, read_examples
from spotfw.tasks.tokens import Tokens

#: Labels are short: finer steps than for inputs.
TARGET_BUCKETS = (2, 4, 8, 16, 32, 64, 128, 256, 512)

#: Rows of a batch that a message names.
_SHOWN = 4


class Splits:
    """Splits tokenised by a model's vocabulary, each read once for its limits and kept.

    Two states of a task's data are two tasks here, once the recipe has pinned the task's content.

    Attributes:
      kept: what was read so far.
    """

    def __init__(self, vocabulary: Any) -> None:
        """Of the model with this vocabulary, a `spotfw.tasks.vocabulary.Vocabulary`."""
        self._vocabulary = vocabulary
        self.kept: dict[Any, Examples] = {}

    def examples(self, task: Task, split: str, settings: TuningSettings) -> Examples:
        """A split, cut to the settings' lengths and drawn within its limit; see `read_examples`.

        Examples to train on are drawn by the settings' seed. All others are the same for every
        seed, so that scores can be compared.
        """
        if split == "train":
            limit, seed = settings.max_train_examples, settings.seed
        else:
            limit, seed = settings.max_eval_examples, EVALUATION_SEED
        drawn = None if limit is None else Draw(task=task, split=split, limit=limit, seed=seed)
        lengths = (settings.max_input_length, settings.max_target_length)
        key = (task, split, *lengths, drawn)
        if key not in self.kept:
            read = read_examples(task, split, self._vocabulary, *lengths, drawn)
            check_unchanged(task)
            self.kept[key] = read
        return self.kept[key]

    def training(self, task: Task | Mixture, settings: TuningSettings) -> TrainingData:
        """What a tuning on a task or a mixture draws its batches from."""
        tasks = [task] if isinstance(task, Task) else list(task.tasks)
        members = [self.examples(t, "train", settings) for t in tasks]
        rates: Sequence[float] = [1.0]
        if not isinstance(task, Task):
            rates = task.rates or proportional_rates([len(m) for m in members])
        return TrainingData(names=[t.name for t in tasks], members=members, rates=rates)


@attrs.frozen(kw_only=True, eq=False)
class TrainingData:
    """A task's training split, or those of a mixture's members with their rates."""

    names: Sequence[str]
    members: Sequence[Examples]
    rates: Sequence[float]

    def rows(self, step: int, settings: TuningSettings) -> tuple[Indices, Indices]:
        """Batch `step`, from 0: of which member, and which of its rows, two int64 [batch]."""
        size, seed = settings.batch_size, settings.seed
        counts = [len(m) for m in self.members]
        if len(self.members) == 1:
            return np.zeros(size, np.int64), example_indices(counts[0], size, step, seed)
        return mixture_indices(counts, self.rates, size, step, seed)

    def batch(self, step: int, settings: TuningSettings) -> tuple[Tokens, Tokens]:
        """Inputs and targets of batch `step`, int32, each padded to a bucket."""
        member, index = self.rows(step, settings)
        pairs = list(zip(member.tolist(), index.tolist(), strict=True))
        inputs = [self.members[m].inputs[i] for m, i in pairs]
        targets = [self.members[m].targets[i] for m, i in pairs]
        return (
            pad_batch(inputs, bucket(max(map(len, inputs)))),
            pad_batch(targets, bucket(max(map(len, targets)), TARGET_BUCKETS)),
        )

    def where(self, step: int, settings: TuningSettings) -> str:
        """Names the first rows of batch `step`, for a message."""
        member, index = self.rows(step, settings)
        pairs = list(zip(member.tolist(), index.tolist(), strict=True))
        names = ", ".join(f"{self.names[m]} row {i}" for m, i in pairs[:_SHOWN])
        return f"{names}, ... ({len(pairs)} examples)" if len(pairs) > _SHOWN else names


def diverged(
    loss: float, task: Task | Mixture, step: int, data: TrainingData, settings: TuningSettings
) -> SpotError:
    """The error for a tuning whose loss or prompt has become NaN or infinite.

    Args:
      loss: of update `step`; if it is finite, it is the prompt that is not.
      task: tuned on.
      step: the update, from 1.
      data: which batches are drawn from.
      settings: of the tuning.
    """
    what = "The prompt holds values that are no numbers"
    if not np.isfinite(loss):
        what = f"The loss is {loss}"
    last = (step - 1) // settings.checkpoint_every * settings.checkpoint_every
    kept = f"The checkpoint at step {last} is kept" if last else "No checkpoint was due before"
    return SpotError(
        f"{what} at step {step} of {task.name}, on the batch of {data.where(step - 1, settings)}. "
        f"{kept}. Look at these rows, or tune with a lower --learning-rate than "
        f"{settings.learning_rate}."
    )
