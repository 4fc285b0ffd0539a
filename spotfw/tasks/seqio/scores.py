"""Scores of decoded texts by a task's own postprocessing and metrics."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spotfw.errors import SpotError
from spotfw.tasks.seqio.examples import Examples, as_text

_log = logging.getLogger(__name__)


def score(examples: Examples, texts: Sequence[str]) -> dict[str, float]:
    """Scores decoded texts by the task's own postprocessing and metrics.

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
    task = examples.seqio_task
    if not task.predict_metric_fns:
        also = " (its metrics need likelihoods of labels)" if task.metric_fns else ""
        raise SpotError(
            f"The task {task.name!r} has no metric that scores decoded text{also}, so its "
            f"split {examples.split!r} cannot be evaluated. Choose a task with metrics."
        )
    raw = examples.raw()
    targets = [
        task.postprocess_fn(_target_text(task, example), example=example, is_target=True)
        for example in raw
    ]
    predictions = [
        _finite(task.postprocess_fn(text, example=example, is_target=False))
        for text, example in zip(texts, raw, strict=True)
    ]
    values: dict[str, float] = {}
    for metric in task.predict_metric_fns:
        values.update(_apply(metric, targets, predictions, examples))
    return values


def _target_text(task: Any, example: Mapping[str, Any]) -> str:
    """The target before tokenisation; decoded where a preprocessor made it of tokens."""
    if "targets_pretokenized" in example:
        return as_text(example["targets_pretokenized"])
    decoded = task.output_features["targets"].vocabulary.decode(example["targets"].tolist())
    return str(decoded)


def _finite(prediction: Any) -> Any:
    """A number as it is, but for "nan" and "inf", which t5 reads as floats, -1 as for no number."""
    bad = isinstance(prediction, float) and not math.isfinite(prediction)
    return -1.0 if bad else prediction


def _apply(
    metric: Any, targets: list[Any], predictions: list[Any], examples: Examples
) -> dict[str, float]:
    """One metric function's scalars, undefined ones as 0."""
    name = getattr(metric, "__name__", str(metric))
    try:
        # Constant or wrong predictions make scikit-learn and scipy warn; early on that is
        # how things are, and what is undefined is told below.
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            values = metric(targets=list(targets), predictions=list(predictions))
    except Exception as error:
        raise SpotError(
            f"The metric {name} cannot score {len(examples)} examples of the split "
            f"{examples.split!r} of task {examples.seqio_task.name!r}: {type(error).__name__}: "
            f"{' '.join(str(error).split())[:300]}. Check that it fits the task's answers."
        ) from error
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
                examples.seqio_task.name,
                examples.split,
            )
            value = 0.0
        scalars[str(key)] = float(value)
    return scalars
