"""The paper's similarity metrics as parts: one vector a prompt, a library is one matrix."""

from __future__ import annotations

from collections.abc import Iterable

from spotfw import metrics
from spotfw.contracts import Array, SimilarityMetric
from spotfw.hookspecs import hookimpl


class AverageTokenCosine(SimilarityMetric):
    """Cosine similarity of average tokens (paper 3.1.2)."""

    name = "average_token_cosine"
    symmetric = True
    range = (-1.0, 1.0)
    kept_as = "average_token_cosine/1"

    def features(self, prompt: Array) -> metrics.Vector:
        """The direction of the mean token, float64 [E]."""
        return metrics.mean_token_direction(prompt)


class PerTokenCosine(SimilarityMetric):
    """Per-token average cosine similarity (paper 3.1.2)."""

    name = "per_token_cosine"
    symmetric = True
    range = (-1.0, 1.0)
    kept_as = "per_token_cosine/1"

    def features(self, prompt: Array) -> metrics.Vector:
        """The mean unit token, float64 [E]."""
        return metrics.mean_unit_token(prompt)


@hookimpl
def spotfw_similarity_metrics() -> Iterable[SimilarityMetric]:
    return [AverageTokenCosine(), PerTokenCosine()]
