"""One way to compare embeddings: what a metric gives is checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spotfw.contracts import SimilarityMetric
from spotfw.errors import BrokenPart
from spotfw.library.comparing import compare
from spotfw.study.work.comparison import compare_all


class Mean(SimilarityMetric):
    """A dot product of means; `give` spoils it."""

    name = "mean"

    def __init__(self, give: Any = None, symmetric: bool = False) -> None:
        self.give = give
        self.symmetric = symmetric

    def features(self, prompt: Any) -> Any:
        return prompt.mean(axis=0)

    def compare(self, query: Any, stack: Any) -> Any:
        return super().compare(query, stack) if self.give is None else self.give


def test_similarities_of_each() -> None:
    stack = np.array([[1.0, 0.0], [0.0, 2.0]])
    np.testing.assert_array_equal(compare(Mean(), np.array([3.0, 4.0]), stack), [3, 8])
    assert compare(Mean("nothing asked"), np.ones(2), np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize(
    "give", [[1.0], [[1.0, 2.0]], [1.0, np.nan], [1.0, np.inf], 1.0, [1, 1j], ["1", "2"]]
)
def test_something_else_than_numbers(give: Any) -> None:
    with pytest.raises(BrokenPart, match=r"'mean' gave .* for 2 prompts where one finite number"):
        compare(Mean(give), np.ones(2), np.ones((2, 2)))


def test_all_pairs_each_once_where_the_metric_is_symmetric() -> None:
    arrays = [np.full((2, 1), value, np.float32) for value in (1, 2, 3)]
    assert compare_all(Mean(symmetric=True), arrays) == [(0, 1, 2.0), (0, 2, 3.0), (1, 2, 6.0)]
    assert len(compare_all(Mean(), arrays)) == 6
    assert compare_all(Mean(), arrays[:1]) == []
