"""Tunes all weights of a T5 in a session: batches, in parts where they are large, and updates."""

from __future__ import annotations

import math

import numpy as np

from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.optimizer import second_moment_decay
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.weights.plans import GRADIENT, UPDATE
from spotfw.backends.mesh.weights.runtime import NO_BATCH, WeightRuntime
from spotfw.backends.weights import POSITIONS_AT_ONCE
from spotfw.config import ModelTuningSettings
from spotfw.tasks.tokens import Tokens

#: More steps than any tuning has; keeps the dropout of a batch's parts apart.
_MOST_STEPS = 2**31


class TunedWeights:
    """Weights under way.

    Args:
      runtime: that holds them.
      updates: that its second moments have seen.
    """

    def __init__(self, runtime: WeightRuntime, updates: int) -> None:
        self.runtime, self.updates = runtime, updates

    def step(
        self, inputs: Tokens, targets: Tokens, settings: ModelTuningSettings, step: int
    ) -> float:
        """See `spotfw.backends.weights.MovingWeights`."""
        shapes = shapes_of_part(self.runtime.machine.layout, inputs, targets, settings)
        tokens = np.array([np.count_nonzero(targets)], np.float32)
        program = self.runtime.program(GRADIENT, shapes)
        loss = 0.0
        for part, first in enumerate(range(0, len(inputs), shapes.batch)):
            rows = slice(first, first + shapes.batch)
            share, _ = self.runtime.run(
                program,
                ["loss", "update"],
                inputs=_filled(inputs[rows], shapes.batch, again=True),
                targets=_filled(targets[rows], shapes.batch, again=False),
                seed=[settings.seed],
                step=[step + part * _MOST_STEPS],
                tokens=tokens,
                keep=float(part > 0),
            )
            loss += float(share[0])
        if math.isfinite(loss):
            beta = second_moment_decay(self.updates, settings.decay_rate)
            update = self.runtime.program(UPDATE, NO_BATCH)
            self.runtime.run(update, ["update"], learning_rate=settings.learning_rate, beta=beta)
            self.updates += 1
        return loss

    def finite(self) -> bool:
        """Whether all weights are numbers."""
        return all(bool(np.isfinite(w).all()) for _, w in self.runtime.newest(slots=False))


def shapes_of_part(
    layout: Layout, inputs: Tokens, targets: Tokens, settings: ModelTuningSettings
) -> Shapes:
    """Of a part of a batch: as few parts as there may be, and those alike."""
    rows = max(1, POSITIONS_AT_ONCE // inputs.shape[1])
    parts = -(-len(inputs) // rows)
    return Shapes(
        batch=layout.even_batch(-(-len(inputs) // parts)),
        inputs=inputs.shape[1],
        targets=targets.shape[1],
        prompt_length=0,
        dropout=settings.dropout,
    )


def _filled(rows: Tokens, count: int, *, again: bool) -> Tokens:
    """Rows [1, count, length]: the last once more for those that miss, or padding alone."""
    missing = count - len(rows)
    padded = np.pad(rows, ((0, missing), (0, 0)), mode="edge" if again else "constant")
    return np.ascontiguousarray(padded[None], np.int32)
