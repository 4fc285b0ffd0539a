"""Each token against its best match in the other prompt."""

from __future__ import annotations

import numpy as np

from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens, unit_rows


class BestMatchTokenCosine(SimilarityMetric):
    """(mean_i max_j cos(a_i, b_j) + mean_j max_i cos(a_i, b_j)) / 2.

    Source: Zhang et al. 2020, "BERTScore", section 3: recall and precision by greedy
    matching, here their arithmetic mean, since their harmonic one has no meaning below 0.
    Blind to the tokens' order; prompts may differ in length. In [-1, 1].
    """

    name = "best_match_token_cosine"
    symmetric = True
    range = (-1.0, 1.0)

    def features(self, prompt: Array) -> Floats:
        """The unit tokens, float64 [L, E]."""
        return unit_rows(tokens(prompt))

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] of unit tokens [L, E] with each of [N, L, E]."""
        similarities = []
        for other in stack:
            cosines = other @ query.T
            similarities.append((cosines.max(axis=0).mean() + cosines.max(axis=1).mean()) / 2)
        return np.array(similarities)
