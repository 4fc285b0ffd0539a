"""What a strategy would choose from made-up similarities: what a plan can know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from spotfw.contracts import Candidate, Race, SelectionStrategy, Start, StartFromPrompt
from spotfw.ranking import Ranked, Ranking
from spotfw.study.grid.cell import Prompt


def likely_starts(strategy: SelectionStrategy, pool: Sequence[Prompt], k: int) -> Iterator[Start]:
    """The starts that a strategy chooses when the prompts are ranked in some order.

    Different tasks rank first, so that a mixture is as large as it can be. Ids are places in
    that order, as texts.

    Args:
      strategy: what chooses.
      pool: the source prompts.
      k: how many it may use.
    """
    apart = sorted(pool, key=lambda prompt: prompt[1])
    ranking = Ranking(
        items=tuple(
            Ranked(rank=n, id=str(n), task=task, seed=seed, similarity=1 - n / (2 * len(pool)))
            for n, (task, seed) in enumerate(apart)
        )
    )
    try:
        candidates: Sequence[Candidate] = list(strategy(ranking, k))
    except Exception:
        # What it chooses depends on more than can be made up; it runs one tuning or more.
        candidates = [StartFromPrompt(str(n)) for n in range(min(k, len(ranking)))]
    for candidate in candidates:
        yield from candidate.candidates if isinstance(candidate, Race) else (candidate,)
