"""How far two validation scores may lie apart by the choice of the examples alone.

A score is the mean over n validation examples, and another draw of examples would give another. A
race that ends a run for less than that ends it by chance (Maron and Moore 1994, "Hoeffding Races";
Mnih et al. 2008, "Empirical Bernstein Stopping"; here with standard errors in the place of bounds,
which at a few hundred examples would end nobody).

* Where it is known which examples each run got right, both on the same ones, the difference is that
  of matched proportions, with half an example added to each cell (Agresti and Min 2005).
* Else each score's variance is taken as the largest that a mean of values in 0-100 can have, that
  of right and wrong, with an example right and one wrong added (Agresti and Caffo 2000), and the
  runs as independent. Runs that are scored on the same examples are mostly right on the same ones,
  so that this says too much rather than too little.

What the seed of a tuning does to its score is not in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from spotfw.contracts import Evaluation
from spotfw.recipe.run_folder import Scored

#: Examples of a split of which runs note which were right. Of more, scores are sure to a point.
MOST_NOTED = 2048


def noted(evaluation: Evaluation) -> str:
    """Which examples were right, as a run notes it: hexadecimal digits, empty where unknown."""
    right = evaluation.right
    if right is None or not 0 < len(right) <= MOST_NOTED:
        return ""
    return np.packbits(np.asarray(right, bool)).tobytes().hex()


def quantile(confidence: float, comparisons: int) -> float:
    """How many standard errors a gap must exceed, if so many comparisons are to hold together.

    One-sided, and divided among the comparisons (Bonferroni).
    """
    return NormalDist().inv_cdf(1 - (1 - confidence) / max(comparisons, 1))


def standard_error(leader: Scored, other: Scored) -> float:
    """Of the difference of two scores, in points; infinite where nothing is known of either."""
    first, second = _right(leader), _right(other)
    if first is not None and second is not None and len(first) == len(second):
        return _matched(first, second)
    return math.sqrt(_variance(leader) + _variance(other))


def _matched(first: Sequence[bool], second: Sequence[bool]) -> float:
    ours, theirs = np.asarray(first), np.asarray(second)
    count = len(ours) + 2
    only_ours = float((ours & ~theirs).sum()) + 0.5
    only_theirs = float((theirs & ~ours).sum()) + 0.5
    both = only_ours + only_theirs - (only_ours - only_theirs) ** 2 / count
    return 100.0 * math.sqrt(both) / count


def _variance(scored: Scored) -> float:
    if scored.examples < 1:
        return math.inf
    share = min(max(scored.score / 100.0, 0.0), 1.0)
    smoothed = (share * scored.examples + 1) / (scored.examples + 2)
    return 100.0**2 * smoothed * (1 - smoothed) / (scored.examples + 2)


def _right(scored: Scored) -> Sequence[bool] | None:
    try:
        bits = np.frombuffer(bytes.fromhex(scored.right), np.uint8)
    except ValueError:
        return None
    if not scored.examples or len(bits) != -(-scored.examples // 8):
        return None
    answers: Sequence[bool] = np.unpackbits(bits)[: scored.examples].astype(bool)  # type: ignore[assignment]
    return answers
