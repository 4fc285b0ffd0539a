"""A mixture as seqio has them, for training loops that are seqio's and not spotfw's."""

from __future__ import annotations

import functools
from typing import Any

from spotfw.tasks import EXAMPLES_LIMIT, Mixture, Task
from spotfw.tasks.examples import read_all
from spotfw.tasks.seqio.compat import seqio

__all__ = ["as_seqio"]


def as_seqio(mixture: Mixture, vocabulary: Any, limit: int = EXAMPLES_LIMIT) -> Any:
    """A `seqio.Mixture` of the same tasks and rates; it is in no registry.

    Without rates of its own a task's rate is its number of training examples, at most
    `limit`, counted when the rate is first asked for, by reading the data once: as
    ``seqio.mixing_rate_num_examples(maximum=limit)`` with a cached task's counts.

    Args:
      mixture: of `spotfw.plugins.Plugins.task`.
      vocabulary: of the features ``inputs`` and ``targets``.
      limit: the artificial size limit K (paper 2.1.3).

    Raises:
      SpotError: a member's data is absent.
    """
    rates = mixture.rates or [None] * len(mixture.tasks)
    members = [
        (task.build(vocabulary), _counting(task, vocabulary, limit) if rate is None else rate)
        for task, rate in zip(mixture.tasks, rates, strict=True)
    ]
    return seqio.Mixture(mixture.name, members)


def _counting(task: Task, vocabulary: Any, limit: int) -> Any:
    @functools.cache
    def count() -> float:
        _, examples = read_all(task, "train", vocabulary)
        return float(min(sum(1 for _ in examples), limit))

    return lambda _: count()
