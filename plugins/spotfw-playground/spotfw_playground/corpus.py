"""The unlabelled text of the world: what the bundled model is pre-trained on.

Every document is a few plain sentences. Signals that the tasks ask for are in it as they
are in real text: a review is followed by what the reviewer did, a claim by what others
made of it. No document has a task's layout, and none shares its content with a
validation or test example.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from random import Random

from spotfw_playground import daily_life
from spotfw_playground.families import MODULES, SPECS
from spotfw_playground.seeds import stream
from spotfw_playground.specs import Story, rows

#: Share of documents that tell of daily life and belong to no family.
_DAILY_SHARE = 0.12


def documents(seed: int | str = 0) -> Iterator[str]:
    """Documents without end, the same for the same seed."""
    rng = stream("playground", "corpus", seed)
    reserved = _reserved()
    while True:
        story = _tell(rng)
        if story.core not in reserved:
            yield story.text


def _tell(rng: Random) -> Story:
    if rng.random() < _DAILY_SHARE:
        return daily_life.story(rng)
    return rng.choice(rng.choice(MODULES).STORIES)(rng)


@functools.lru_cache(maxsize=1)
def _reserved() -> frozenset[tuple[str, ...]]:
    return frozenset(
        row.fields for spec in SPECS for split in ("validation", "test") for row in rows(spec, split)
    )
