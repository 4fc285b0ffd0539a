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
_DAILY_SHARE = 0.1
#: Families that occur more often than the rest: they take more reading to understand.
_WEIGHTS = {
    "sentiment": 2,
    "NLI": 4,
    "paraphrase": 4,
    "commonsense": 3,
    "QA": 3,
    "similarity": 2,
}


def documents(seed: int | str = 0) -> Iterator[str]:
    """Documents without end, the same for the same seed."""
    rng = stream("playground", "corpus", seed)
    while True:
        story = _tell(rng)
        if not _tells_held_out(story):
            yield story.text


def _tell(rng: Random) -> Story:
    if rng.random() < _DAILY_SHARE:
        return daily_life.story(rng)
    (family,) = rng.choices(MODULES, [_WEIGHTS.get(module.FAMILY, 1) for module in MODULES])
    story: Story = rng.choice(family.STORIES)(rng)
    return story


def _tells_held_out(story: Story) -> bool:
    """Whether all texts of a validation or test example stand in a story, in their order."""
    held_out = _held_out()
    words = " ".join(story.core).split()
    for first in range(len(words)):
        for end in range(first + 1, len(words) + 1):
            for fields in held_out.get(" ".join(words[first:end]), ()):
                if _in_order(fields, story.text):
                    return True
    return False


def _in_order(fields: tuple[str, ...], text: str) -> bool:
    at = 0
    for field in fields:
        at = text.find(field, at)
        if at < 0:
            return False
        at += len(field)
    return True


@functools.lru_cache(maxsize=1)
def _held_out() -> dict[str, tuple[tuple[str, ...], ...]]:
    """The texts of all validation and test examples by their first one."""
    by_first: dict[str, list[tuple[str, ...]]] = {}
    for spec in SPECS:
        for split in ("validation", "test"):
            for row in rows(spec, split):
                by_first.setdefault(row.fields[0], []).append(row.fields)
    return {first: tuple(fields) for first, fields in by_first.items()}
