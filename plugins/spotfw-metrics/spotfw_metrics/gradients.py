"""Which way the target's examples pull a source prompt."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from spotfw.contracts import Array, TargetContext
from spotfw.errors import SpotError
from spotfw_metrics.targets import BoundSignal
from spotfw_metrics.tokens import Floats, unit


@attrs.define(eq=False)
class GradientAlignment(BoundSignal):
    """The cosine of the loss gradients at the source prompt over two halves of the examples.

    Where halves pull the same way, a step that helps those seen helps those not seen. Source:
    Fort et al. 2019, "Stiffness: A New Perspective on Generalization in Neural Networks", which
    compares the gradients of single examples by their cosine. Costs three forward passes an
    example. In [-1, 1]; 0 where there is no gradient.
    """

    name = "gradient_alignment"
    measure = "cosine"
    range = (-1.0, 1.0)

    def signals(self, prompts: Sequence[Array]) -> Floats:
        """Of each prompt [L, E], [N].

        Raises:
          SpotError: the target has one example, which has no halves.
        """
        given = self.target
        if len(given.examples) < 2:
            raise SpotError(f"The metric {self.name!r} needs 2 examples of {given.task.name}.")
        # Every other one, as the examples are drawn at random.
        halves = [
            np.asarray(given.model.loss_gradients(prompts, given.examples[n::2], given.settings))
            for n in (0, 1)
        ]
        signals = [
            np.sum(unit(a.astype(np.float64)) * unit(b.astype(np.float64)))
            for a, b in zip(*halves, strict=True)
        ]
        return np.clip(signals, -1.0, 1.0)

    def passes(self, context: TargetContext) -> float:
        """Three for each example: forward, and twice that back."""
        return 3.0 * len(context.examples)
