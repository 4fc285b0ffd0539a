"""The k most similar prompts of different source tasks."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from spotfw.contracts import Candidate, StartFromPrompt
from spotfw.ranking import Ranking
from spotfw_strategies.top import usable


@attrs.frozen
class TaskDiverseTopK:
    """Down the ranking, each prompt whose source task was not chosen yet: up to k tunings.

    A library with several seeds of a task often ranks them next to each other; tuned from
    each, they tell little more than one of them. Prompts that do not say their task count as
    one task each.
    """

    name = "task_diverse_top_k"

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """The most similar prompt of each of k tasks, or of as many tasks as there are."""
        first: dict[tuple[str, str], str] = {}
        for item in usable(ranking, k):
            key = ("prompt", item.id) if item.task is None else ("task", item.task)
            first.setdefault(key, item.id)
        return [StartFromPrompt(id) for id in list(first.values())[:k]]
