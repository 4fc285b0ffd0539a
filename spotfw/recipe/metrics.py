"""Metrics as they are asked for: by name, several joined by a plus sign, bound to a target."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from spotfw.config import TuningSettings
from spotfw.contracts import (
    FrozenModel,
    SimilarityMetric,
    SourceTasks,
    TargetContext,
    TargetSignal,
)
from spotfw.errors import SpotError
from spotfw.ranking import Ranking
from spotfw.ranking.fusion import fuse
from spotfw.tasks import Task
from spotfw.tasks.draws import Draw
from spotfw.tasks.examples import read_examples

if TYPE_CHECKING:
    from spotfw.plugins import Plugins

#: Forward passes of one example that a step of tuning takes for each example of its batch.
PASSES_OF_A_STEP = 3
#: A plus before a name; one in a number is not followed by a letter.
_JOINED = re.compile(r"\+(?=[A-Za-z_])")


def metric_names(metric: str) -> list[str]:
    """The metrics in ``NAME[:key=value,...]+NAME...``, whose rankings are fused."""
    return _JOINED.split(metric)


def metrics_named(plugins: Plugins, metric: str) -> list[SimilarityMetric]:
    """The metrics of `metric_names`, as their plugins give them.

    Raises:
      UnknownName: there is no such metric.
    """
    return [plugins.metric(name) for name in metric_names(metric)]


def fused(metric: str, rank: Callable[[str], Ranking]) -> Ranking:
    """The ranking by one metric, or by several with their rankings fused; `rank` gives each."""
    rankings = [rank(name) for name in metric_names(metric)]
    return rankings[0] if len(rankings) == 1 else fuse(rankings)


def needs_embedding(plugins: Plugins, metric: str) -> bool:
    """Whether one of the metrics compares with the target's task embedding."""
    return not all(isinstance(m, TargetSignal) for m in metrics_named(plugins, metric))


def is_of_target(plugins: Plugins, metric: str) -> bool:
    """Whether a metric ranks sources for a target only, and compares no two embeddings.

    So do those that look at its examples or at which tasks the sources are of, and several whose
    rankings are fused.

    Raises:
      UnknownName: there is no such metric.
    """
    parts = metrics_named(plugins, metric)
    return len(parts) > 1 or isinstance(parts[0], (TargetSignal, SourceTasks))


def at_target(
    signal: TargetSignal, model: FrozenModel, task: Task | None, settings: TuningSettings
) -> tuple[TargetSignal, float]:
    """A signal that looks at a target, and its passes for each source.

    Args:
      signal: as its plugin gives it.
      model: frozen.
      task: the target.
      settings: of its tunings; the examples are drawn by their seed.

    Raises:
      SpotError: there is no task, or its training split cannot be read.
    """
    if task is None:
        raise SpotError(
            f"The metric {signal.name!r} looks at the target's examples, but a prompt was given "
            "to compare with. Name the target's task."
        )
    # No more than a tuning would see.
    limit = min(signal.examples, settings.max_train_examples or signal.examples)
    drawn = Draw(task=task, split="train", limit=limit, seed=settings.seed)
    examples = read_examples(
        task,
        "train",
        model.init_context(1).vocabulary,
        settings.max_input_length,
        settings.max_target_length,
        drawn,
        for_scoring=True,
    ).raw()
    context = TargetContext(model=model, task=task, examples=examples, settings=settings)
    return signal.with_target(context), signal.passes(context)
