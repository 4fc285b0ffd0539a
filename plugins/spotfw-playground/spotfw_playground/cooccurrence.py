"""First embeddings from which words stand near which: positive PMI, reduced by SVD."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def embeddings_from_text(
    texts: Sequence[Sequence[int]], rows: int, width: int, window: int = 4
) -> npt.NDArray[np.float32]:
    """Embeddings [rows, width] with a root mean square of 1, as T5's own start has.

    Args:
      texts: token ids.
      rows: of the table.
      width: of an embedding; columns the SVD does not fill stay random.
      window: tokens to each side that count as near.
    """
    counts = np.zeros((rows, rows))
    for ids in texts:
        row = np.asarray(ids)
        for distance in range(1, window + 1):
            np.add.at(counts, (row[:-distance], row[distance:]), 1.0 / distance)
    counts += counts.T
    total = counts.sum()
    seen = counts.sum(1)
    expected = np.outer(seen, seen) / max(total, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.where(counts > 0, np.log(counts / expected), 0.0)
    left, singular, _ = np.linalg.svd(np.maximum(pmi, 0.0))
    values = left[:, :width] * np.sqrt(singular[:width])
    values /= np.maximum(np.sqrt((values**2).mean()), 1e-6)
    # A little noise keeps words of equal company apart; never-seen rows get only noise.
    noise = np.random.default_rng(0).normal(size=values.shape)
    scale = np.where(seen > 0, 0.3, 1.0)[:, None]
    mixed = values + scale * noise
    sized: npt.NDArray[np.float32] = mixed / np.sqrt((mixed**2).mean(1, keepdims=True))
    return sized.astype(np.float32)
