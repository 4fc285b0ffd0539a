"""Euclidean distances, turned into similarities in (0, 1]: 1 / (1 + distance).

Source: Su et al. 2022, "On Transferability of Prompt Tuning for Natural Language
Processing", section 5.1, which takes 1 / (1 + distance) as the similarity, of prompts whose
tokens are put one after the other among others. Unlike a cosine these see how large a
prompt's values are, so that how long a prompt was tuned counts too.
"""

from __future__ import annotations

import numpy as np

from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens


class MeanTokenEuclidean(SimilarityMetric):
    """1 / (1 + |mean_i a_i - mean_j b_j|): how far apart the mean tokens lie."""

    name = "mean_token_euclidean"
    symmetric = True
    range = (0.0, 1.0)

    def features(self, prompt: Array) -> Floats:
        """The mean token, float64 [E]."""
        mean: Floats = tokens(prompt).mean(axis=0)
        return mean

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] in (0, 1], 1 for equal features."""
        return _similarity(query, stack)


class PromptEuclidean(SimilarityMetric):
    """1 / (1 + |a - b|) of whole prompts: the order of the tokens counts."""

    name = "prompt_euclidean"
    symmetric = True
    range = (0.0, 1.0)

    def features(self, prompt: Array) -> Floats:
        """The prompt's tokens one after the other, float64 [L * E]."""
        return tokens(prompt).ravel()

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] in (0, 1], 1 for equal features."""
        return _similarity(query, stack)


def _similarity(query: Floats, stack: Floats) -> Floats:
    # Row by row: the differences to a large library would fill the memory at once.
    return np.array([1.0 / (1.0 + np.linalg.norm(row - query)) for row in stack])
