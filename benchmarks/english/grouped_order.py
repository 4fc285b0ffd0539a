"""An order of the data in which the rows of a batch are of like length.

A cohort's step costs as much as its longest row times its rows. Here an epoch is drawn anew
for each seed; its rows are cut into windows of eight batches, each window is sorted by length,
and all members take the batch of the same rank of their windows at the same step. Every window
sees all lengths, and which rows meet is chance but for their length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

#: Batches of a window, and the ranks in the order they are taken.
WINDOW = 8
_RANKS = (3, 6, 1, 4, 7, 0, 5, 2)


def grouped_order(
    lengths: Sequence[int] | Indices, batch: int, seed: int
) -> Callable[[int], Indices]:
    """step -> the rows of that step's batch, a function of (seed, step) alone.

    Args:
      lengths: of each row's input.
      batch: rows of a batch.
      seed: of the order.
    """
    sizes = np.asarray(lengths)
    kept: dict[int, Indices] = {}

    def places(first: int, count: int) -> Indices:
        """Rows first .. first + count - 1 of the endless sequence of epochs."""
        at = np.arange(first, first + count)
        epochs, within = np.divmod(at, len(sizes))
        rows = np.empty(count, np.int64)
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
            here = epochs == epoch
            drawn = np.random.default_rng([seed, 0x0DE2, epoch]).permutation(len(sizes))
            rows[here] = drawn[within[here]]
        return rows

    def window(number: int) -> Indices:
        if number not in kept:
            kept.clear()
            rows = places(number * WINDOW * batch, WINDOW * batch)
            kept[number] = rows[np.argsort(sizes[rows], kind="stable")].reshape(WINDOW, batch)
        return kept[number]

    return lambda step: window(step // WINDOW)[_RANKS[step % WINDOW]]
