"""Tuning of all weights, whatever engine does the updates: order, reports, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from spotfw.backends.splits import TrainingData, diverged
from spotfw.config import ModelTuningSettings
from spotfw.contracts import WeightProgress, WeightTuneRequest
from spotfw.tasks.tokens import Tokens

#: Input positions of one pass: a batch with more is passed in parts, whose gradients add up.
POSITIONS_AT_ONCE = 2**13
#: Seconds between reports.
_REPORT_SECONDS = 1.0


class MovingWeights(Protocol):
    """Weights of an engine, under way."""

    def step(
        self, inputs: Tokens, targets: Tokens, settings: ModelTuningSettings, step: int
    ) -> float:
        """An update by a batch; its mean loss before it. A loss that is no number ends it there.

        Args:
          inputs, targets: int32 [B, T] and [B, S], padded behind with 0.
          settings: of the tuning.
          step: of which dropout is a function.
        """
        ...

    def finite(self) -> bool:
        """Whether all weights are numbers."""
        ...


def tune_weights(
    weights: MovingWeights, data: TrainingData, request: WeightTuneRequest
) -> Iterator[tuple[WeightProgress, bool]]:
    """Updates the weights as a request asks; each report with whether a checkpoint is due.

    Raises:
      SpotError: the loss was no number.
    """
    settings, tuning = request.settings, request.settings.of_data()
    losses: list[float] = []
    tokens, reported = 0, time.monotonic()
    for step in range(request.step, settings.steps):
        inputs, targets = data.batch(step, tuning)
        loss = weights.step(inputs, targets, settings, step)
        if not math.isfinite(loss):
            raise diverged(loss, request.task, step + 1, data, tuning)
        losses.append(loss)
        tokens += int(np.count_nonzero(inputs) + np.count_nonzero(targets))
        done = step + 1
        due = done % settings.checkpoint_every == 0 or done == settings.steps
        if due and not weights.finite():
            raise diverged(math.nan, request.task, done, data, tuning)
        if due or time.monotonic() - reported >= _REPORT_SECONDS:
            examples = len(losses) * settings.rows
            mean = float(np.mean(losses))
            yield WeightProgress(step=done, loss=mean, examples=examples, tokens=tokens), due
            losses, tokens, reported = [], 0, time.monotonic()
