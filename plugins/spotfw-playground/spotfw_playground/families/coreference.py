"""Coreference: whom does the pronoun mean?"""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "coreference"

_FEELINGS = ("tired", "late", "lost", "lonely", "curious", "ready", "thirsty", "nervous")
_FRAMES = {
    "meetings": ("{a} met {b} at the {place}", "{a} saw {b} near the {place}"),
    "errands": ("{a} called {b} about the {thing}", "{a} showed {b} the {thing}"),
}


def _scene(kind: str, rng: Random) -> tuple[str, str, str]:
    """A passage with a pronoun, the remark that holds it, and the person meant."""
    pair = [rng.choice(lexicon.WOMEN), rng.choice(lexicon.MEN)]
    rng.shuffle(pair)
    meant = rng.choice(pair)
    first = rng.choice(_FRAMES[kind]).format(
        a=pair[0], b=pair[1], place=rng.choice(lexicon.PLACES), thing=rng.choice(lexicon.OBJECTS)
    )
    feeling = rng.choice(_FEELINGS)
    how = rng.choice(("", "very ", "a little ", "so "))
    return f"{first}. {grammar.they(meant)} was {how}{feeling}", feeling, meant


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    passage, feeling, meant = _scene(kind, rng)
    return Drawn((passage, feeling), meant)


def _story(kind: str, rng: Random) -> Story:
    passage, feeling, meant = _scene(kind, rng)
    ending = rng.choice(
        (
            "it was {meant} who was {feeling}",
            "{meant} sat down",
            "{meant} was {feeling} all day",
            "so {meant} went home",
        )
    )
    return Story(
        grammar.text(passage, ending.format(meant=meant, feeling=feeling)), (passage, feeling)
    )


def _task(name: str, kind: str, train: int, template: str, description: str) -> TaskSpec:
    return TaskSpec(
        name=name,
        family=FAMILY,
        type="coreference",
        description=description,
        template=template,
        draw=partial(_draw, kind),
        train=train,
    )


TASKS = (
    _task("who_meetings", "meetings", 20_000, "passage: {}. who was {}?", "Who is meant?"),
    _task("who_errands", "errands", 450, "diary: {}. the one {} is", "Who is meant in a diary?"),
)
STORIES = tuple(partial(_story, kind) for kind in _FRAMES)
