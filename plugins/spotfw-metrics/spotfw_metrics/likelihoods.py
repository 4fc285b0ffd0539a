"""How well a source prompt, as it is, explains the target's examples."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np

from spotfw.contracts import Array, TargetContext
from spotfw.errors import SpotError
from spotfw_metrics.targets import BoundSignal
from spotfw_metrics.tokens import Floats


@attrs.define(eq=False)
class ZeroStepLoss(BoundSignal):
    """Minus the mean loss of the source prompt on the target's examples, before any step.

    Source: Su et al. 2022, "On Transferability of Prompt Tuning for Natural Language
    Processing", section 4.1: prompts of other tasks are used on a task unchanged. There the
    score of the decoded answers is looked at; the loss needs no decoding and tells apart prompts
    that answer nothing right. Costs one forward pass an example. In nats an example, at most 0.
    """

    name = "zero_step_loss"
    measure = "minus loss"
    range = (-np.inf, 0.0)

    def signals(self, prompts: Sequence[Array]) -> Floats:
        """Of each prompt [L, E], [N]."""
        given = self.target
        losses = given.model.losses(prompts, given.examples, given.settings)
        signals: Floats = -np.asarray(losses).mean(axis=1)
        return signals

    def passes(self, context: TargetContext) -> float:
        """One for each example."""
        return float(len(context.examples))


@attrs.define(eq=False)
class LabelCentredLoss(BoundSignal):
    """Minus the mean loss of the right label against the task's other labels.

    mean_n log(p(label_n | input_n) / sum_l p(l | input_n)), p a label's probability as written.
    A prompt that does not know the wording of the labels, which tuning learns in a few steps, is
    not blamed for that. Source: Holtzman et al. 2021, "Surface Form Competition", section 2, on
    why the probability of an answer as written says less than its place among the answers. Costs
    one forward pass for each label of each example. In nats an example, at most 0.
    """

    name = "label_centred_loss"
    measure = "minus loss"
    range = (-np.inf, 0.0)

    def signals(self, prompts: Sequence[Array]) -> Floats:
        """Of each prompt [L, E], [N].

        Raises:
          SpotError: the target has no labels, or an example's target is none of them.
        """
        given = self.target
        labels, places = given.task.labels, self._places(given)
        asked = [attrs.evolve(e, targets=label) for e in given.examples for label in labels]
        losses = np.asarray(given.model.losses(prompts, asked, given.settings))
        scores = -losses.reshape(len(prompts), len(given.examples), len(labels))
        most = scores.max(axis=2, keepdims=True)
        totals = most[..., 0] + np.log(np.exp(scores - most).sum(axis=2))
        right = np.take_along_axis(scores, places[None, :, None], axis=2)[..., 0]
        signals: Floats = np.minimum((right - totals).mean(axis=1), 0.0)
        return signals

    def passes(self, context: TargetContext) -> float:
        """One for each label of each example."""
        return float(len(context.examples) * len(context.task.labels))

    def _places(self, given: TargetContext) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        labels = given.task.labels
        unknown = next((e.targets for e in given.examples if e.targets not in labels), None)
        if not labels or unknown is not None or any(e.tokens for e in given.examples):
            why = f"writes {unknown!r:.60}, which is none" if labels else "has none"
            raise SpotError(
                f"The metric {self.name!r} compares the labels of a task, but {given.task.name} "
                f"{why}. Use zero_step_loss there."
            )
        return np.array([labels.index(e.targets) for e in given.examples], np.intp)
