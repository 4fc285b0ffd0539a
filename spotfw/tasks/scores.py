"""Scores of decoded texts by a task's own metrics."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spotfw.errors import SpotError
from spotfw.tasks.examples import Examples
from spotfw.tasks.scoring.scorer import MetricFault, NotScored
from spotfw.tasks.spelling import as_written

_log = logging.getLogger(__name__)


def score(examples: Examples, texts: Sequence[str]) -> dict[str, float]:
    """Scores decoded texts by the task's own postprocessing and metrics.

    A label that the vocabulary writes in another way than the task counts as the task's.

    Args:
      examples: what was asked.
      texts: what the model wrote for each example, in order.

    Returns:
      each metric's value; one that is undefined (a correlation with a constant) is 0.

    Raises:
      SpotError: the task has no metric that scores texts, or one of them cannot.
    """
    if len(texts) != len(examples):
        raise ValueError(f"{len(texts)} texts for {len(examples)} examples")
    texts = answers_as_written(examples, texts)
    try:
        # Constant or wrong predictions make scikit-learn and scipy warn; early on that is
        # how things are, and what is undefined is reported below.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = examples.source.score(examples.raw(), texts)
    except NotScored as error:
        raise SpotError(
            f"The task {examples.task.name!r} has no metric that scores decoded text{error.also}, "
            f"so its split {examples.split!r} cannot be evaluated. Choose a task with metrics."
        ) from None
    except MetricFault as fault:
        raise SpotError(
            f"The metric {fault.metric} cannot score {len(examples)} examples of the split "
            f"{examples.split!r} of task {examples.task.name!r}: {fault.reason}. Check that it "
            "fits the task's answers."
        ) from fault.__cause__
    return _numbers(values, examples)


def right(examples: Examples, texts: Sequence[str], score: float) -> list[bool] | None:
    """Whether each text is the example's target, where the score is the mean of just that.

    Args:
      examples: what was asked.
      texts: what the model wrote for each.
      score: what `score` made of them, 0-100.

    Returns:
      None where the score says something else: another metric, or the mean of several.
    """
    written = answers_as_written(examples, texts)
    same = [text == e.targets for text, e in zip(written, examples.raw(), strict=True)]
    mean = 100 * float(np.mean(same)) if same else math.nan
    return same if math.isclose(mean, score, abs_tol=1e-6) else None


def answers_as_written(examples: Examples, texts: Sequence[str]) -> Sequence[str]:
    """Decoded texts, labels among them in the task's own spelling."""
    if not examples.written:
        return texts
    return [as_written(text, examples.written) for text in texts]


def _numbers(values: Mapping[str, Any], examples: Examples) -> dict[str, float]:
    """The values that are numbers, undefined ones as 0."""
    scalars = {}
    for key, value in values.items():
        value = getattr(value, "value", value)  # seqio's Scalar
        if not isinstance(value, (int, float, np.number)):
            continue
        if not math.isfinite(value):
            _log.warning(
                "The metric %s of task %r, split %r, is undefined for these predictions; it "
                "counts as 0.",
                key,
                examples.task.name,
                examples.split,
            )
            value = 0.0
        scalars[str(key)] = float(value)
    return scalars
