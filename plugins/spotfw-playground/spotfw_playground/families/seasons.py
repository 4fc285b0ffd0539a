"""Seasons: which one does a diary tell of? A target with no source of its family."""

from __future__ import annotations

from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "season"
LABELS = tuple(lexicon.SEASONS)


def _entry(rng: Random, label: str) -> str:
    first = rng.choice(lexicon.SEASONS[label])
    name = grammar.somebody(rng)
    place = rng.choice(lexicon.PLACES)
    return rng.choice(
        (
            f"i met {name} at the {place}. {first}",
            f"{first} and {name} was at the {place}",
            f"{first} near the {place}, and {name} sang",
        )
    )


def _draw(rng: Random, label: str) -> Drawn:
    return Drawn((_entry(rng, label),), label)


def _story(rng: Random) -> Story:
    label = rng.choice(LABELS)
    entry = _entry(rng, label)
    ending = rng.choice(("it was {}", "that was in {}", "how i like {}", "the {} was long"))
    return Story(grammar.text(entry, ending.format(label)), (entry,))


TASKS = (
    TaskSpec(
        name="season_diary",
        family=FAMILY,
        labels=LABELS,
        description="Which season does a diary tell of?",
        template="diary entry: {}",
        draw=_draw,
        train=300,
    ),
)
STORIES = (_story,)
