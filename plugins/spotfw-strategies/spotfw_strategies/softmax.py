"""One average of the top k, weighted by a softmax of their similarities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.config import checked
from spotfw.contracts import Candidate, StartFromAverage
from spotfw.ranking import Ranking
from spotfw_strategies.top import usable


def _positive(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    checked(field.name, value, (float,), "above 0 and finite", lambda number: number > 0)


@attrs.frozen
class SoftmaxWeightedAverage:
    """One tuning from sum_r w_r prompt_r over the top k, w = softmax(similarity / temperature).

    Where the paper's average (3.2) divides by the sum of similarities, which has a meaning
    for positive ones only, these weights are positive for any, and how much the more alike
    ones count is a setting. Adding a constant to all similarities changes nothing.

    Attributes:
      temperature: towards 0 the first prompt alone, towards infinity the plain mean.
    """

    name = "softmax_weighted_average"
    temperature: float = attrs.field(default=0.1, validator=_positive)

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """One average of k prompts, or of as many as there are."""
        top = usable(ranking, k)[:k]
        values = np.array([item.similarity for item in top])
        # Before dividing: the smallest temperature must not overflow.
        with np.errstate(over="ignore"):
            shares = np.exp((values - values.max()) / self.temperature)
        weights = shares / shares.sum()
        return [
            StartFromAverage(ids=tuple(item.id for item in top), weights=tuple(map(float, weights)))
        ]
