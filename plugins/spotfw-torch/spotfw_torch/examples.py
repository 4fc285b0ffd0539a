"""Tokenised examples, and in which order a tuning sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Indices = npt.NDArray[np.int64]
#: step -> the examples of that step's batch, int [batch_size].
Order = Callable[[int], npt.NDArray[Any]]

#: Lengths are padded to multiples of this, so that few shapes occur; the second where each may be
#: another, since nothing is compiled or captured for it.
MULTIPLE, FREE_MULTIPLE = 16, 4
TARGET_MULTIPLE = 2


def padded_length(length: int, multiple: int) -> int:
    """The length that a longest sequence of `length` tokens is padded to."""
    return max(-(-length // multiple), 1) * multiple


def pad(sequences: Sequence[npt.ArrayLike]) -> tuple[Ids, Indices]:
    """Stacks token sequences, int32 [N, longest] with zeros behind, and their lengths.

    Raises:
      ValueError: a sequence is empty or is no row of ids.
    """
    rows = [np.asarray(sequence) for sequence in sequences]
    for number, row in enumerate(rows):
        if row.ndim != 1 or not row.size or row.dtype.kind not in "iu":
            raise ValueError(f"sequence {number} is no row of token ids: {row!r:.80}")
    lengths = np.array([len(row) for row in rows], np.int64)
    padded = np.zeros((len(rows), int(lengths.max(initial=0))), np.int32)
    padded[np.arange(padded.shape[1]) < lengths[:, None]] = np.concatenate([*rows, []])
    return padded, lengths


@attrs.frozen(kw_only=True, eq=False)
class Examples:
    """Inputs and targets. Members that tune on the same data should share one object.

    Attributes:
      inputs, targets: int32 [N, longest], padded behind with 0.
      input_lengths, target_lengths: int64 [N].
    """

    inputs: Ids
    targets: Ids
    input_lengths: Indices
    target_lengths: Indices

    @classmethod
    def of(cls, inputs: Sequence[npt.ArrayLike], targets: Sequence[npt.ArrayLike]) -> Examples:
        """From as many inputs as targets, each a row of token ids with its end id.

        Raises:
          ValueError: there are none, not as many, or one is no row of ids.
        """
        if not len(inputs) or len(inputs) != len(targets):
            raise ValueError(f"{len(inputs)} inputs for {len(targets)} targets")
        padded_inputs, input_lengths = pad(inputs)
        padded_targets, target_lengths = pad(targets)
        return cls(
            inputs=padded_inputs,
            targets=padded_targets,
            input_lengths=input_lengths,
            target_lengths=target_lengths,
        )

    def __len__(self) -> int:
        return len(self.inputs)


def shuffled(count: int, batch_size: int, seed: int) -> Order:
    """The order that visits every example once an epoch, drawn from (seed, epoch).

    Batches run across the border of two epochs, so every batch is full, also when it is
    larger than the data. Only raw bits of NumPy's Philox are used, whose stream is the same
    in all its versions.

    Args:
      count: examples there are, at least 1.
      batch_size: examples in a batch, at least 1.
      seed: 0 or more.
    """
    kept: dict[int, Indices] = {}

    def epoch_order(epoch: int) -> Indices:
        if epoch not in kept:
            kept.clear()
            bits = np.random.Philox(np.random.SeedSequence([1, seed, epoch])).random_raw(count)
            kept[epoch] = np.argsort(bits, kind="stable")
        return kept[epoch]

    def order(step: int) -> Indices:
        places = np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)
        epochs, within = np.divmod(places, count)
        chosen = np.empty(batch_size, np.int64)
        for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
            here = epochs == epoch
            chosen[here] = epoch_order(epoch)[within[here]]
        return chosen

    return order
