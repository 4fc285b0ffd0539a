"""Acceptability: is a sentence well formed? Pupils' English, fine or broken."""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "acceptability"
LABELS = ("fine", "broken")

_REACTIONS = {
    "fine": (
        "the teacher nodded",
        "well said, said the teacher",
        "that is fine english",
        "the sentence was fine",
    ),
    "broken": (
        "the teacher shook the head",
        "try again, said the teacher",
        "that is broken english",
        "the sentence was broken",
    ),
}


def _sound(kind: str, rng: Random) -> list[str]:
    if kind == "animals":
        return (
            f"the {rng.choice(lexicon.LOOKS)} {rng.choice(lexicon.ANIMALS)} is "
            f"{rng.choice(lexicon.DOINGS)} at the {rng.choice(lexicon.PLACES)}"
        ).split()
    return (
        f"{grammar.somebody(rng)} has {grammar.a(rng.choice(lexicon.COLOURS))} "
        f"{rng.choice(lexicon.OBJECTS)} at the {rng.choice(lexicon.PLACES)}"
    ).split()


def _sentence(kind: str, rng: Random, label: str) -> str:
    words = _sound(kind, rng)
    if label == "broken":
        whole = list(words)
        while words == whole:
            words = list(whole)
            for _ in range(2):
                at = rng.randrange(len(words) - 1)
                words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn((_sentence(kind, rng, label),), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    said = _sentence(kind, rng, label)
    name = grammar.somebody(rng)
    opening = rng.choice(("a pupil said: {}", "{name} wrote: {}", "the new pupil wrote: {}"))
    endings = rng.sample(_REACTIONS[label], 2)[: rng.choice((1, 2))]
    return Story(grammar.text(opening.format(said, name=name), *endings), (said,))


TASKS = (
    TaskSpec(
        name="wording_animals",
        family=FAMILY,
        labels=LABELS,
        description="Is a sentence about animals well formed?",
        template="sentence: {}",
        draw=partial(_draw, "animals"),
        train=20_000,
    ),
    TaskSpec(
        name="wording_things",
        family=FAMILY,
        labels=LABELS,
        description="Is a sentence about things well formed?",
        template="essay: {}",
        draw=partial(_draw, "things"),
        train=350,
    ),
)
STORIES = tuple(partial(_story, kind) for kind in ("animals", "things"))
