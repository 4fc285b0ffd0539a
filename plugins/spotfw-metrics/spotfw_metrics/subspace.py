"""How much two prompts' main directions span the same subspace."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from spotfw.config import checked
from spotfw.contracts import Array, SimilarityMetric
from spotfw_metrics.tokens import Floats, tokens, unit


def _positive(_: Any, field: attrs.Attribute[Any], value: int) -> None:
    checked(field.name, value, (int,), "of 1 or more", lambda count: count >= 1)


@attrs.frozen
class SubspaceOverlap(SimilarityMetric):
    """|U V^T|_F^2 / min(r_a, r_b), the mean squared cosine of the principal angles.

    U and V hold the leading `rank` right singular vectors of the two prompts as rows; r_a and
    r_b are their numbers, fewer where a prompt has a lower rank. Source: Hu et al. 2021,
    "LoRA", section 7.2, equation 4 (there for adaptation matrices). In [0, 1]: 1 where one
    subspace holds the other, about rank / E for random ones; 0 with zeros.

    Attributes:
      rank: leading directions kept of a prompt.
    """

    name = "subspace_overlap"
    symmetric = True
    range = (0.0, 1.0)
    rank: int = attrs.field(default=10, validator=_positive)

    def features(self, prompt: Array) -> Floats:
        """Orthonormal rows, float64 [rank, E]; rows beyond the prompt's rank are zeros."""
        array = unit(tokens(prompt))
        _, values, rows = np.linalg.svd(array, full_matrices=False)
        # As `numpy.linalg.matrix_rank` tells a zero singular value from rounding.
        floor = values[0] * max(array.shape) * np.finfo(np.float64).eps
        kept = min(int(np.sum(values > floor)), self.rank)
        basis = np.zeros((self.rank, array.shape[1]))
        basis[:kept] = rows[:kept]
        return basis

    def compare(self, query: Floats, stack: Floats) -> Floats:  # type: ignore[override]
        """Similarities [N] of a basis [rank, E] with each of [N, rank, E]."""
        own = np.any(query, axis=1).sum()
        similarities = []
        for other in stack:
            least = min(own, np.any(other, axis=1).sum())
            similarities.append(np.sum((other @ query.T) ** 2) / least if least else 0.0)
        return np.array(similarities)
