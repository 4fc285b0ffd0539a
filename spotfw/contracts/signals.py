"""Metrics that ask the target itself: what each source prompt does on the target's examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.config import TuningSettings
from spotfw.contracts.engine import Array, FrozenModel
from spotfw.contracts.parts import SimilarityMetric
from spotfw.errors import SpotError
from spotfw.tasks import Example, Task

Floats = npt.NDArray[np.float64]


def _as_tuple(examples: Iterable[Example]) -> tuple[Example, ...]:
    return tuple(examples)


@attrs.frozen(kw_only=True, eq=False)
class TargetContext:
    """What a metric may look at beside prompts.

    Attributes:
      model: frozen.
      task: the target.
      examples: of its training split, drawn by the settings' seed: as many as the metric asks
        for, or all.
      settings: of the target's tunings.
    """

    model: FrozenModel
    task: Task
    examples: tuple[Example, ...] = attrs.field(converter=_as_tuple)
    settings: TuningSettings


class TargetSignal(SimilarityMetric):
    """How promising a source prompt is for a target, by the target's examples.

    Looks at the prompts that a target would start from, and at no task embedding: a query is
    not needed, and the target need not be tuned for one. What it gives is a similarity: higher is
    more promising, in a unit of its own.

    Attributes:
      examples: how many of the target's training examples it asks for, 1 or more.
    """

    measure = "signal"
    examples: int = 256

    @abstractmethod
    def signals(self, prompts: Sequence[Array]) -> Floats:
        """Of each prompt [L, E], all of one length: finite numbers [N].

        Called on what `with_target` gave, as few times as possible, so that an engine may run all
        prompts together.

        Raises:
          SpotError: the target has not what the signal needs, or the engine does not give it.
        """

    @abstractmethod
    def with_target(self, context: TargetContext) -> TargetSignal:
        """A copy that looks at this target; the metric itself stays as it is."""

    @abstractmethod
    def passes(self, context: TargetContext) -> float:
        """What `signals` costs of each prompt, in forward passes of one example.

        A backward pass counts as two.
        """

    def features(self, prompt: Array) -> Floats:
        """The signal of one prompt, [1]."""
        return np.asarray(self.signals([prompt]), np.float64)

    def compare(
        self, query: npt.NDArray[np.floating[Any]], stack: npt.NDArray[np.floating[Any]]
    ) -> npt.NDArray[np.floating[Any]]:
        """The signals [N] of [N, 1]; the query is not looked at."""
        return stack[:, 0]

    def context_of(self, context: TargetContext | None) -> TargetContext:
        """The target that this was bound to.

        Raises:
          SpotError: it was not.
        """
        if context is None:
            raise SpotError(
                f"The metric {self.name!r} looks at a target's examples, but no target is given "
                "here. Use it where there is a task and a model: Session.rank, Session.transfer, "
                "`spotfw transfer` or `spotfw library rank TASK --model M`."
            )
        return context
