"""Best of the top k at a fraction of its cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from spotfw.config import checked
from spotfw.contracts import Candidate, Race, StartFromPrompt
from spotfw.ranking import Ranking
from spotfw_strategies.top import usable


def _above_1(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    checked(field.name, value, (float,), "above 1 and finite", lambda number: number > 1)


def _positive(_: Any, field: attrs.Attribute[Any], value: int | None) -> None:
    checked(field.name, value, (int, type(None)), "of 1 or more", lambda count: count >= 1)


@attrs.frozen
class RacingTopK:
    """The k most similar prompts race: all are tuned a little, the better half goes on.

    Successive halving (Jamieson and Talwalkar 2016) on the validation score, until one is
    left, which is tuned to the end: of 4 prompts, all run the first quarter of the steps, two
    the second, one the rest.

    Attributes:
      growth: how many times the steps grow from one halving to the next.
      budget: steps that all tunings may take together; as many of the k run as it pays for, the
        most similar first. None: all k run.
    """

    name = "racing_top_k"
    growth: float = attrs.field(default=2.0, validator=_above_1)
    budget: int | None = attrs.field(default=None, validator=_positive)

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """One race of k prompts, or of as many as there are."""
        top = usable(ranking, k)[:k]
        halvings = (len(top) - 1).bit_length()
        rungs = tuple(self.growth**-left for left in range(halvings, 0, -1))
        return [Race(tuple(StartFromPrompt(item.id) for item in top), rungs, self.budget)]
