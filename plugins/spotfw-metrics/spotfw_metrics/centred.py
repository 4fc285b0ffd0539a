"""Cosine after taking off what all prompts of a library share."""

from __future__ import annotations

import numpy as np

from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens, unit, unit_rows


class LibraryCentredCosine(SimilarityMetric):
    """cos(q - m, s_n - m) of the directions of average tokens, m their mean over the library.

    Prompts of one frozen model share a common part, whatever their task; without it the
    cosine spreads over all of [-1, 1]. Source: Mu and Viswanath 2018, "All-but-the-Top",
    section 2, step 1 (there for word vectors). The mean is over the directions, so that a
    prompt tuned for longer, whose values are larger, weighs no more than another.

    A similarity depends on what it is compared beside. A library of one has nothing to centre
    on: there it is the plain cosine of average tokens.
    """

    name = "library_centred_cosine"
    symmetric = True
    range = (-1.0, 1.0)
    pointwise = False

    def features(self, prompt: Array) -> Floats:
        """The direction of the mean token, float64 [E]."""
        array = tokens(prompt)
        mean: Floats = (array / (np.abs(array).max() or 1.0)).mean(axis=0)
        return unit(mean)

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] in [-1, 1] of a direction [E] with each of [N, E]."""
        centre = stack.mean(axis=0) if len(stack) > 1 else np.zeros_like(query)
        similarities: Floats = unit_rows(stack - centre) @ unit(query - centre)
        return similarities
