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


def _likely(_: Any, field: attrs.Attribute[Any], value: float) -> None:
    checked(field.name, value, (float,), "from 0.5 to below 1", lambda share: 0.5 <= share < 1)


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
        rungs = _rungs(self.growth, halvings)
        return [Race(tuple(StartFromPrompt(item.id) for item in top), rungs, self.budget)]


@attrs.frozen
class NoiseRacingTopK:
    """The k most similar prompts race: one ends as soon as it is surely behind the leader.

    At each of some looks those end whose gap to the leader is larger than the noise of the
    validation scores (Maron and Moore 1994, "Hoeffding Races", here by standard errors; Mnih et
    al. 2008 stop by an empirical bound in the same way), and nobody else. Who is left alone is
    tuned to the end. Where nothing is sure, all k are tuned to the end, unless a budget ends them.

    Attributes:
      confidence: that all who are ended for their gap are rightly ended, over all looks.
      looks: how often the runs are compared before the end.
      growth: how many times the steps grow from one look to the next.
      budget: steps that all tunings may take together; where it does not pay for all that are
        left, those with the lowest scores end. None: no end but by the gap.
    """

    name = "noise_racing_top_k"
    confidence: float = attrs.field(default=0.95, validator=_likely)
    looks: int = attrs.field(default=4, validator=_positive)
    growth: float = attrs.field(default=2.0, validator=_above_1)
    budget: int | None = attrs.field(default=None, validator=_positive)

    def __call__(self, ranking: Ranking, k: int) -> Sequence[Candidate]:
        """One race of k prompts, or of as many as there are."""
        field = tuple(StartFromPrompt(item.id) for item in usable(ranking, k)[:k])
        rungs = _rungs(self.growth, self.looks)
        return [Race(field, rungs, self.budget, self.confidence)]


def _rungs(growth: float, count: int) -> tuple[float, ...]:
    """Shares of the steps, each so many times the last, up to one before the end."""
    return tuple(growth**-left for left in range(count, 0, -1))
