"""One tuning of a cohort: what it starts from, where it is, what came of it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.backends.cohorts import MemberReport, MemberState
from spotfw_torch.examples import Examples, Order, shuffled

__all__ = ["Array", "Member", "MemberReport", "MemberState", "Tuned"]

Array = npt.NDArray[np.float32]


@attrs.frozen(kw_only=True, eq=False)
class Member:
    """A prompt to tune. Defaults are the paper's (2.1.4), but for dropout.

    Attributes:
      name: unlike any other member's.
      prompt: float32 [L, E], where it starts.
      examples: what it is tuned on.
      seed: of the order of the data and of dropout.
      batch_size: examples an update.
      rate: Adafactor's constant rate.
      weight_decay: decoupled: the share of its value that each update takes off.
      scale_weight_decay: take off the rate times that share instead.
      decay_rate: exponent c of the second moment's decay 1 - t^-c.
      dropout: probability, inside the frozen model.
      z_loss: T5's penalty on the log normaliser, minimised but not reported.
      step: updates done before.
      moment: float32 [L, E], Adafactor's slot after those; None for zeros.
      order: the examples of each step's batch; by default `examples.shuffled`.
    """

    name: str
    prompt: Array
    examples: Examples
    seed: int = 0
    batch_size: int = 32
    rate: float = 0.3
    weight_decay: float = 1e-5
    scale_weight_decay: bool = False
    decay_rate: float = 0.8
    dropout: float = 0.0
    z_loss: float = 1e-4
    step: int = 0
    moment: Array | None = None
    order: Order | None = None

    def __attrs_post_init__(self) -> None:
        if self.prompt.ndim != 2 or not len(self.prompt):
            raise ValueError(f"{self.name}: a prompt is [L, E], not {list(self.prompt.shape)}")
        if self.moment is not None and self.moment.shape != self.prompt.shape:
            raise ValueError(f"{self.name}: the moment is {list(self.moment.shape)}")
        if self.batch_size < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"{self.name}: batch {self.batch_size}, dropout {self.dropout}")

    @property
    def decay(self) -> float:
        """The share of its value that each update takes off."""
        return self.rate * self.weight_decay if self.scale_weight_decay else self.weight_decay

    def batches(self) -> Order:
        """The order it sees its examples in."""
        return self.order or shuffled(len(self.examples), self.batch_size, self.seed)


@attrs.frozen(kw_only=True, eq=False)
class Tuned:
    """What came of a member.

    Attributes:
      name: of the member.
      prompt, moment: float32 [L, E], after the last update that was a number.
      step: updates done.
      losses: float32 [updates done here], nats per real target token.
      checkpoints: prompts by step.
      diverged_at: the step (from 1) that gave no number, or None.
    """

    name: str
    prompt: Array
    moment: Array
    step: int
    losses: Array
    checkpoints: Mapping[int, Array]
    diverged_at: int | None = None
