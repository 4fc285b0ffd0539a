"""Span corruption of windows of fixed length, as T5 has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw_english.pretraining.sizes import EOS

Ids = npt.NDArray[np.int64]


def corrupt(tokens: Ids, noise: int, spans: int, vocabulary: int, rng: np.random.Generator) -> Any:
    """Replaces spans of each row by sentinels.

    Args:
      tokens: [R, L].
      noise: tokens that are replaced in a row, in all.
      spans: how many spans they make.
      vocabulary: rows of the table; sentinels are the highest ids.
      rng: where spans lie.

    Returns:
      Inputs [R, L - noise + spans + 1] and targets [R, noise + spans + 1], closed by EOS.
    """
    rows, length = tokens.shape
    # Kept and corrupted stretches in turn, the first one kept.
    lengths = np.empty((rows, 2 * spans), np.int64)
    lengths[:, 0::2] = _cut(length - noise, spans, rows, rng)
    lengths[:, 1::2] = _cut(noise, spans, rows, rng)
    begins = np.zeros((rows, length), np.int64)
    begins[np.arange(rows)[:, None], np.cumsum(lengths, axis=1)[:, :-1]] = 1
    stretch = np.cumsum(begins, axis=1)
    noisy = stretch % 2 == 1
    first = noisy & (begins == 1)
    sentinel = vocabulary - 1 - stretch // 2
    inputs = np.where(first, sentinel, tokens)[~noisy | first].reshape(rows, -1)
    pairs = np.stack([sentinel, tokens], axis=-1)
    targets = pairs[np.stack([first, noisy], axis=-1)].reshape(rows, -1)
    end = np.full((rows, 1), EOS, np.int64)
    return np.concatenate([inputs, end], axis=1), np.concatenate([targets, end], axis=1)


def _cut(total: int, parts: int, rows: int, rng: np.random.Generator) -> Ids:
    """Positive numbers [rows, parts] that add up to `total`, all ways alike."""
    order = np.argsort(rng.random((rows, total - 1)), axis=1)
    cuts = np.sort(order[:, : parts - 1], axis=1) + 1
    ends = (np.zeros((rows, 1), np.int64), cuts, np.full((rows, 1), total))
    return np.diff(np.concatenate(ends, axis=1), axis=1)
