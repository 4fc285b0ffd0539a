"""Examples and texts to values: postprocessing, then metrics."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.tasks.example import Example
from spotfw.tasks.scoring.postprocess import WRONG

#: (targets, predictions) after postprocessing -> values by name.
MetricFn = Callable[[Sequence[Any], Sequence[Any]], Mapping[str, Any]]


class MetricFault(SpotError):
    """A metric failed; its cause is what it raised.

    Attributes:
      metric: its name.
    """

    def __init__(self, metric: str, error: Exception) -> None:
        self.metric = metric
        what = " ".join(str(error).split())[:300]
        self.reason = f"{type(error).__name__}: {what}"
        super().__init__(f"The metric {metric} failed: {self.reason}.")

    def __reduce__(self) -> tuple[Any, ...]:
        return SpotError, (str(self),)


class NotScored(SpotError):
    """A task has no metric for texts.

    Attributes:
      also: why that is, in brackets, where there is more to say.
    """

    def __init__(self, also: str = "") -> None:
        self.also = also
        super().__init__(
            f"The task has no metric that scores decoded text{also}. Choose a task with metrics."
        )


def _functions(metrics: Iterable[MetricFn]) -> tuple[MetricFn, ...]:
    return tuple(metrics)


@attrs.frozen
class Scorer:
    """The `score` of a `Task`, made of metrics.

    Attributes:
      metrics: functions (targets, predictions) -> values by name, in the order of their values.
      postprocess: what the metrics take for a text, called as `spotfw.tasks.scoring.postprocess`
        says; None takes the text.
    """

    metrics: tuple[MetricFn, ...] = attrs.field(converter=_functions)
    postprocess: Callable[..., Any] | None = None

    def __call__(self, examples: Sequence[Example], texts: Sequence[str]) -> dict[str, Any]:
        """Each metric's values.

        Args:
          examples: what was asked.
          texts: what was written for each.

        Raises:
          MetricFault: a metric cannot score these.
        """
        targets = [self.answer(e.targets, e, is_target=True) for e in examples]
        predictions = [
            finite(self.answer(text, example, is_target=False))
            for text, example in zip(texts, examples, strict=True)
        ]
        return apply(self.metrics, targets, predictions)

    def group(self, example: Example) -> Hashable:
        """The group that an example is scored with, None where each is scored by itself."""
        if not any(getattr(metric, "over_groups", False) for metric in self.metrics):
            return None
        group: Hashable = self.answer(example.targets, example, is_target=True)["group"]
        return group

    def answer(self, text: str, example: Example, *, is_target: bool) -> Any:
        """What the metrics take for a text."""
        if self.postprocess is None:
            return text
        return self.postprocess(text, example=example, is_target=is_target)


def apply(
    metrics: Sequence[MetricFn], targets: Sequence[Any], predictions: Sequence[Any]
) -> dict[str, Any]:
    """The values of all metrics.

    Raises:
      MetricFault: a metric raised.
    """
    values: dict[str, Any] = {}
    for metric in metrics:
        try:
            values.update(metric(list(targets), list(predictions)))
        except Exception as error:
            raise MetricFault(getattr(metric, "__name__", str(metric)), error) from error
    return values


def finite(prediction: Any) -> Any:
    """A number as it is, but for "nan" and "inf", which t5 reads as floats, -1 as for no number."""
    bad = isinstance(prediction, float) and not math.isfinite(prediction)
    return float(WRONG) if bad else prediction
