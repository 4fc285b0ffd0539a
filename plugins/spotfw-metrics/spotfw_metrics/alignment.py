"""Linear centred kernel alignment."""

from __future__ import annotations

import numpy as np

from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens, unit


class LinearCKA(SimilarityMetric):
    """|A B^T|_F^2 / (|A A^T|_F |B B^T|_F), A and B with each token's mean taken off.

    Source: Kornblith et al. 2019, "Similarity of Neural Network Representations Revisited",
    section 3. CKA compares what two sets of neurons say about the same examples. Two prompts
    of one model share its width, not the places of their tokens, so the dimensions are the
    examples and the tokens the neurons: it is blind to the tokens' order and to any rotation
    among them, and prompts may differ in length. In [0, 1]; 0 with zeros.
    """

    name = "linear_cka"
    symmetric = True
    range = (0.0, 1.0)

    def features(self, prompt: Array) -> Floats:
        """Centred tokens, scaled so that the Gram matrix has norm 1: float64 [L, E]."""
        array = unit(tokens(prompt))
        centred = array - array.mean(axis=1, keepdims=True)
        if np.abs(centred).max() < 1e-12:  # what rounding leaves of constant tokens
            return np.zeros_like(array)
        scaled: Floats = centred / np.sqrt(np.linalg.norm(centred @ centred.T))
        return scaled

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] of features [L, E] with each of [N, L, E]."""
        return np.array([np.sum((other @ query.T) ** 2) for other in stack])
