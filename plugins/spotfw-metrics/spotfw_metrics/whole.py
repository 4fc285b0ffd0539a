"""Cosine of whole prompts."""

from __future__ import annotations

from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens, unit


class PromptCosine(SimilarityMetric):
    """<a, b> / (|a| |b|) of prompts as vectors [L * E]: token i meets token i only.

    Source: Su et al. 2022, "On Transferability of Prompt Tuning for Natural Language
    Processing", section 5.1 (cosine of concatenated tokens). In [-1, 1]; 0 with zeros.
    """

    name = "prompt_cosine"
    symmetric = True
    range = (-1.0, 1.0)

    def features(self, prompt: Array) -> Floats:
        """The prompt as one vector of length 1, float64 [L * E]."""
        return unit(tokens(prompt)).ravel()
