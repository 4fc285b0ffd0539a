"""How much a tuning costs, and what fits into the time."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from benchmarks.english.declaration import PROMPT_LENGTH
from benchmarks.english.grouped_order import WINDOW, grouped_order

#: The engine pads inputs to multiples of this.
_MULTIPLE = 16


@dataclasses.dataclass
class Clock:
    """The time there is, and the engine's measured rates.

    Attributes:
      end: of `time.monotonic`, when everything must be written.
      training, scoring: encoder positions a second.
    """

    end: float
    training: float = 1.0
    scoring: float = 1.0

    def left(self) -> float:
        """Seconds."""
        return self.end - time.monotonic()


def positions_a_step(lengths: Sequence[Sequence[int]], members: int, batch: int) -> float:
    """Encoder positions of a step of a cohort, the mean over a window of the grouped order.

    Args:
      lengths: of the inputs of each data set the cohort is tuned on.
      members: of the cohort.
      batch: rows of each member.
    """
    orders = [grouped_order(inputs, batch, seed=0) for inputs in lengths]
    longest = [
        max(
            int(np.asarray(inputs)[order(step)].max())
            for inputs, order in zip(lengths, orders, strict=True)
        )
        for step in range(WINDOW)
    ]
    return members * batch * float(np.mean([_padded(length) + PROMPT_LENGTH for length in longest]))


def positions_to_score(lengths: Sequence[int], prompts: int) -> float:
    """Encoder positions of scoring prompts on a part."""
    return prompts * float(np.sum([_padded(length) + PROMPT_LENGTH for length in lengths]))


def whole_windows(steps: float) -> int:
    """Steps rounded down to whole windows, one at least."""
    return max(int(steps) // WINDOW, 1) * WINDOW


def groups_by_length(lengths: dict[str, float], limits: Sequence[float]) -> list[list[str]]:
    """Names by their usual length, so that those tuned together waste little padding."""
    groups: list[list[str]] = [[] for _ in range(len(limits) + 1)]
    for name, length in lengths.items():
        groups[int(np.searchsorted(limits, length))].append(name)
    return [group for group in groups if group]


def _padded(length: int) -> int:
    return -(-length // _MULTIPLE) * _MULTIPLE
