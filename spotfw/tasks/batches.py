"""Which examples make up batch `step`, and how they are padded.

The order of the data is a pure function of (seed, step): a tuning that was killed and
resumed at any step sees the very batches it would have seen. Only raw bits of NumPy's
Philox generator are used, whose stream NumPy guarantees across versions, which it does not
for ``permutation`` or ``choice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.tasks.tokens import Tokens

Indices = npt.NDArray[np.int64]

#: Lengths that batches are padded to: few, so that few programs are compiled.
BUCKETS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512)

_EPOCH, _MIXTURE = 1, 2


def example_indices(count: int, batch_size: int, step: int, seed: int) -> Indices:
    """The examples of one batch, int64 [batch_size].

    Epoch e visits every example once, in an order drawn from (seed, e); batches run
    across the border of two epochs, so every batch is full, also when it is larger than
    the data.

    Args:
      count: examples there are, at least 1.
      batch_size: examples in a batch, at least 1.
      step: number of the batch, from 0.
      seed: of the order, 0 or more.
    """
    _require(count=count, batch_size=batch_size)
    places = np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)
    epochs, within = np.divmod(places, count)
    chosen = np.empty(batch_size, np.int64)
    for epoch in range(int(epochs[0]), int(epochs[-1]) + 1):
        here = epochs == epoch
        chosen[here] = _epoch_order(count, seed, epoch)[within[here]]
    return chosen


def mixture_indices(
    counts: Sequence[int], rates: Sequence[float], batch_size: int, step: int, seed: int
) -> tuple[Indices, Indices]:
    """The members and examples of one batch of a mixture, two int64 [batch_size].

    Each slot draws its member by the rates and one of the member's examples evenly, with
    replacement: what a slot holds depends on (seed, step, slot) alone, which no scheme
    that counts earlier draws of a member can give without replaying them.

    Args:
      counts: examples of each member; at least 1 where its rate is above 0.
      rates: sampling rate of each member, not negative; they are scaled to sum to 1.
      batch_size, step, seed: as for `example_indices`.
    """
    _require(batch_size=batch_size)
    shares = np.asarray(rates, np.float64)
    if shares.shape != (len(counts),) or not len(counts):
        raise ValueError(f"{len(counts)} members need as many rates, got {len(shares)}")
    if not np.isfinite(shares).all() or (shares < 0).any() or shares.sum() <= 0:
        raise ValueError(f"rates must be finite, not negative and not all 0, got {list(rates)}")
    sizes = np.asarray(counts, np.int64)
    if (sizes[shares > 0] < 1).any():
        raise ValueError(f"a member with a rate above 0 has no examples: {list(counts)}")
    uniform = _uniform(2 * batch_size, _MIXTURE, seed, step)
    borders = np.cumsum(shares / shares.sum())
    last = int(np.flatnonzero(shares)[-1])  # rounding may leave the last border below 1
    member = np.minimum(np.searchsorted(borders, uniform[:batch_size], side="right"), last)
    index = (uniform[batch_size:] * sizes[member]).astype(np.int64)
    return member.astype(np.int64), index


def bucket(length: int, buckets: Sequence[int] = BUCKETS) -> int:
    """The smallest bucket that holds `length` tokens; beyond the last, its multiples."""
    for size in buckets:
        if length <= size:
            return size
    last = buckets[-1]
    return -(-length // last) * last


def pad_batch(sequences: Sequence[npt.NDArray[Any]], length: int) -> Tokens:
    """Stacks token sequences, int32 [B, length], with zeros behind each.

    Raises:
      ValueError: a sequence is longer than `length`.
    """
    batch = np.zeros((len(sequences), length), np.int32)
    for row, sequence in zip(batch, sequences, strict=True):
        if len(sequence) > length:
            raise ValueError(f"a sequence of {len(sequence)} tokens does not fit in {length}")
        row[: len(sequence)] = sequence
    return batch


@lru_cache(maxsize=32)
def _epoch_order(count: int, seed: int, epoch: int) -> Indices:
    order = np.argsort(_raw(count, _EPOCH, seed, epoch), kind="stable")
    order.setflags(write=False)
    return order


def _raw(count: int, purpose: int, seed: int, number: int) -> npt.NDArray[np.uint64]:
    bits = np.random.Philox(np.random.SeedSequence([purpose, seed, number]))
    return bits.random_raw(count)


def _uniform(count: int, purpose: int, seed: int, number: int) -> npt.NDArray[np.float64]:
    """Even draws from [0, 1), the upper 53 of 64 random bits."""
    upper = _raw(count, purpose, seed, number) >> np.uint64(11)
    return upper.astype(np.float64) * 2.0**-53


def _require(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}")
