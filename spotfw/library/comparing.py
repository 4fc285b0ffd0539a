"""A prompt's features compared with those of others by a metric, and the answer checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.contracts import SimilarityMetric
from spotfw.errors import BrokenPart

Floating = npt.NDArray[np.floating[Any]]


def compare(metric: SimilarityMetric, query: Floating, stack: Floating) -> Floating:
    """Similarities [N] of a query with N other prompts.

    Args:
      metric: what compares.
      query: the query's features, as ``metric.features`` gave them.
      stack: the others' features, [N, ...]; N may be 0.

    Raises:
      BrokenPart: the metric does not give one finite number for each.
    """
    if not len(stack):
        return np.zeros(0)
    with np.errstate(all="ignore"):  # what is not finite is refused
        similarities = np.asarray(metric.compare(query, stack))
    real = similarities.dtype.kind in "fiu"
    if similarities.shape != (len(stack),) or not real or not np.isfinite(similarities).all():
        raise BrokenPart(
            f"The metric {metric.name!r} gave {similarities!r:.100} for {len(stack)} prompts "
            "where one finite number each was expected. Correct its compare or features."
        )
    return similarities
