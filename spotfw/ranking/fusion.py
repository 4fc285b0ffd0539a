"""Several rankings of the same sources made into one, with no weight to fit."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from spotfw.errors import WrongUse
from spotfw.ranking.order import Ranked, Ranking, in_order

#: Cormack et al. found results alike over a wide range around this.
CONSTANT = 60


def fuse(rankings: Sequence[Ranking], constant: float = CONSTANT) -> Ranking:
    """Reciprocal rank fusion: sources by sum over rankings of 1 / (constant + rank).

    Source: Cormack et al. 2009, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods". Only places count, so that signals of any unit go together. A source that
    one of the rankings does not have gains nothing there.

    Args:
      rankings: one or more, each whole.
      constant: how little the first places stand out; 0 or more.

    Returns:
      a ranking whose similarities are the sums, and whose `signals` are the rankings given.

    Raises:
      WrongUse: there are no rankings, or the constant is below 0.
    """
    if not rankings or not constant >= 0:
        raise WrongUse(
            f"Rankings are fused, one or more, with a constant of 0 or more; given were "
            f"{len(rankings)} and {constant!r:.40}."
        )
    sums: dict[str, float] = {}
    known: dict[str, Ranked] = {}
    for ranking in rankings:
        for item in ranking:
            known.setdefault(item.id, item)
            sums[item.id] = sums.get(item.id, 0.0) + 1.0 / (constant + item.rank)
    first = rankings[0]
    return Ranking(
        items=in_order(attrs.evolve(item, similarity=sums[id]) for id, item in known.items()),
        metric="+".join(ranking.metric for ranking in rankings),
        measure="fused",
        query=first.query,
        left_out=first.left_out,
        signals=tuple(rankings),
        passes=sum(ranking.passes for ranking in rankings),
        tuning_passes=first.tuning_passes,
        notes=tuple(dict.fromkeys(note for ranking in rankings for note in ranking.notes)),
    )
