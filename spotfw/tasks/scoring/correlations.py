"""Metrics of numbers: correlations over all examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def pearson_corrcoef(targets: Sequence[float], predictions: Sequence[float]) -> Mapping[str, Any]:
    """Pearson's correlation, -100 to 100; not a number where either side is constant."""
    from scipy.stats import pearsonr

    return {"pearson_corrcoef": 100 * pearsonr(targets, predictions)[0]}


def spearman_corrcoef(targets: Sequence[float], predictions: Sequence[float]) -> Mapping[str, Any]:
    """Spearman's correlation of ranks, -100 to 100; not a number where a side is constant."""
    from scipy.stats import spearmanr

    return {"spearman_corrcoef": 100 * spearmanr(targets, predictions)[0]}
