"""Metrics over groups of examples: all answers to a question, all copies of a row.

Here a target is a mapping with its ``group`` and its ``value``, a prediction one with its
``value``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import attrs
import numpy as np

from spotfw.tasks.scoring.scorer import MetricFn

Valued = Mapping[str, Any]


@attrs.frozen
class OverValues:
    """A metric over the values of all examples, whatever their groups."""

    metric: MetricFn

    @property
    def __name__(self) -> str:
        return _name(self.metric)

    def __call__(self, targets: Sequence[Valued], predictions: Sequence[Valued]) -> Valued:
        return self.metric([t["value"] for t in targets], [p["value"] for p in predictions])


@attrs.frozen
class OncePerGroup:
    """A metric over the first example of each group (ReCoRD, an example an answer)."""

    metric: MetricFn
    over_groups: ClassVar[bool] = True

    @property
    def __name__(self) -> str:
        return _name(self.metric)

    def __call__(self, targets: Sequence[Valued], predictions: Sequence[Valued]) -> Valued:
        first: dict[Any, tuple[Any, Any]] = {}
        for target, prediction in zip(targets, predictions, strict=False):
            first.setdefault(target["group"], (target["value"], prediction["value"]))
        return self.metric([t for t, _ in first.values()], [p for _, p in first.values()])


@attrs.frozen
class MeanOverGroups:
    """The mean over groups of a metric within each (MultiRC's exact match of a question)."""

    metric: MetricFn
    over_groups: ClassVar[bool] = True

    @property
    def __name__(self) -> str:
        return _name(self.metric)

    def __call__(self, targets: Sequence[Valued], predictions: Sequence[Valued]) -> Valued:
        groups: dict[Any, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
        for target, prediction in zip(targets, predictions, strict=False):
            right, given = groups[target["group"]]
            right.append(target["value"])
            given.append(prediction["value"])
        values: dict[str, list[Any]] = defaultdict(list)
        for right, given in groups.values():
            for name, value in self.metric(right, given).items():
                values[name].append(value)
        return {name: np.mean(scores) for name, scores in values.items()}


def _name(metric: MetricFn) -> str:
    return str(getattr(metric, "__name__", metric))
