"""What a study of many tunings is measured by."""

from __future__ import annotations

from spotfw.errors import WrongUse


def relative_error_reduction(baseline: float, score: float) -> float:
    """The share of the baseline's error that is gone, in percent (paper 3.2.1, table 5).

    100 * (score - baseline) / (100 - baseline); negative where the score is worse.

    Args:
      baseline, score: 0-100.

    Raises:
      WrongUse: a score lies outside 0-100, or the baseline has no error to reduce.
    """
    for value in (baseline, score):
        if not 0 <= value <= 100:
            raise WrongUse(f"Scores lie in 0-100, but {value!r} was given.")
    if baseline == 100:
        raise WrongUse("A baseline of 100 has no error left to reduce.")
    return 100 * (score - baseline) / (100 - baseline)
