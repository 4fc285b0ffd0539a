"""All task embeddings of a study compared with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spotfw.contracts import Array, SimilarityMetric
from spotfw.library.comparing import compare


def compare_all(metric: SimilarityMetric, arrays: Sequence[Array]) -> list[tuple[int, int, float]]:
    """Similarities of all pairs (a, b); of a symmetric metric only those with a < b.

    Args:
      metric: what compares.
      arrays: embeddings [L, E].

    Raises:
      BrokenPart: the metric gives something else than finite numbers.
    """
    features = np.stack([metric.features(array) for array in arrays])
    pairs = []
    for a in range(len(arrays)):
        others = [b for b in range(len(arrays)) if (b > a if metric.symmetric else b != a)]
        similarities = compare(metric, features[a], features[others])
        pairs += [(a, b, float(s)) for b, s in zip(others, similarities, strict=True)]
    return pairs
