"""A metric beside a model and a target, for its conformance suite."""

from __future__ import annotations

import itertools
from typing import Any

from spotfw.config import TuningSettings
from spotfw.contracts import FrozenModel, TargetContext, TargetSignal
from spotfw.tasks import Task

#: Examples that a signal is tried on, and the settings of its target.
_EXAMPLES = 6
_SETTINGS = TuningSettings(
    steps=2, batch_size=4, checkpoint_every=1, max_input_length=16, max_target_length=4
)


def bound(metric: Any, model: FrozenModel, task: Task | None) -> Any:
    """The metric, looking at the model and, where it asks a target, at a few of its examples."""
    if not isinstance(metric, TargetSignal):
        return metric.with_model(model)
    if task is None:
        raise TypeError("a TargetSignal is tried on a task's examples: give task=")
    if task.examples is None:
        raise TypeError(f"the task {task.name} gives no examples as text: give another as task=")
    examples = itertools.islice(task.examples("train"), min(metric.examples, _EXAMPLES))
    return metric.with_target(
        TargetContext(model=model, task=task, examples=tuple(examples), settings=_SETTINGS)
    )
