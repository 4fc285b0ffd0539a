"""How fast the target is learned from a source prompt at first."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from spotfw.contracts import Array, TargetContext, TuneRequest, TuningState
from spotfw_metrics.targets import BoundSignal, positive
from spotfw_metrics.tokens import Floats


@attrs.define(eq=False)
class FirstStepsLossDrop(BoundSignal):
    """By how much a few steps of tuning lower the mean loss on the target's examples.

    Source: Ru et al. 2021, "Speedy Performance Estimation for Neural Architecture Search",
    section 3, which ranks by how training goes at first; there by the sum of the losses. In nats
    an example; below 0 where the steps do harm. Costs two forward passes an example, and three
    for each example of each step's batch. All sources are tuned together where the engine can.

    Attributes:
      steps: of tuning, with the target's own settings.
    """

    name = "first_steps_loss_drop"
    measure = "loss drop"
    steps: int = attrs.field(default=10, validator=positive)

    def signals(self, prompts: Sequence[Array]) -> Floats:
        """Of each prompt [L, E], [N]."""
        given = self.target
        settings = attrs.evolve(given.settings, steps=self.steps, checkpoint_every=self.steps)
        requests = [
            TuneRequest(
                task=given.task, settings=settings, start=TuningState(step=0, prompt=prompt)
            )
            for prompt in prompts
        ]
        tuned: dict[int, Array] = {}
        for progress in given.model.tune(requests):
            if progress.error is not None:
                raise progress.error
            if progress.state is not None:
                tuned[progress.request] = progress.state.prompt
        after = [tuned[n] for n in range(len(prompts))]
        losses = given.model.losses([*prompts, *after], given.examples, given.settings)
        before, later = np.asarray(losses).mean(axis=1).reshape(2, len(prompts))
        drop: Floats = before - later
        return drop

    def passes(self, context: TargetContext) -> float:
        """Two for each example, and three for each of a step's."""
        batches = self.steps * context.settings.batch_size
        return 2.0 * len(context.examples) + 3.0 * batches
