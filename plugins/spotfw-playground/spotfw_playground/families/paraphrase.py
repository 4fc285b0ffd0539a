"""Paraphrase: do two sentences tell the same?"""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "paraphrase"
LABELS = ("same", "different")

_GIFTS = (
    "{a} gave {b} the {c}",
    "{b} got the {c} from {a}",
    "the {c} went from {a} to {b}",
    "the {c} was given to {b} by {a}",
)
_TRIPS = (
    "{a} went to the {b} by {c}",
    "a {c} took {a} to the {b}",
    "by {c} {a} got to the {b}",
    "{a} reached the {b} on a {c}",
)
_VERDICTS = {
    "same": (
        "they tell the same",
        "the two stories match",
        "it is the same story",
        "they agree",
    ),
    "different": (
        "they tell different things",
        "the two stories do not match",
        "it is a different story",
        "they do not agree",
    ),
}


def _event(kind: str, rng: Random) -> dict[str, str]:
    name = grammar.somebody(rng)
    if kind == "gifts":
        return {"a": name, "b": grammar.somebody(rng, name), "c": rng.choice(lexicon.OBJECTS)}
    return {"a": name, "b": rng.choice(lexicon.PLACES), "c": rng.choice(lexicon.VEHICLES)}


def _pair(kind: str, rng: Random, label: str) -> tuple[str, str]:
    forms = rng.sample(_GIFTS if kind == "gifts" else _TRIPS, 2)
    event = _event(kind, rng)
    retold = dict(event)
    if label == "different":
        while retold == event:
            fresh = _event(kind, rng)
            for role in rng.sample("abc", rng.choice((1, 1, 2))):
                if fresh[role] not in retold.values():
                    retold[role] = fresh[role]
    return forms[0].format(**event), forms[1].format(**retold)


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn(_pair(kind, rng, label), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    event, retold = _pair(kind, rng, label)
    first = grammar.somebody(rng)
    second = grammar.somebody(rng, first)
    frame = rng.choice(
        (
            ("{first} wrote that {event}", "{second} wrote that {retold}"),
            ("{event}", "or so: {retold}"),
        )
    )
    sentences = [
        part.format(first=first, second=second, event=event, retold=retold) for part in frame
    ]
    verdicts = rng.sample(_VERDICTS[label], 2)[: rng.choice((1, 2))]
    return Story(grammar.text(*sentences, *verdicts), (event, retold))


TASKS = (
    TaskSpec(
        name="paraphrase_gifts",
        family=FAMILY,
        labels=LABELS,
        description="Do two sentences tell of the same gift?",
        template="first: {} second: {}",
        draw=partial(_draw, "gifts"),
        train=20_000,
    ),
    TaskSpec(
        name="paraphrase_trips",
        family=FAMILY,
        labels=LABELS,
        description="Do two sentences tell of the same trip?",
        template="report: {} other report: {}",
        draw=partial(_draw, "trips"),
        train=400,
    ),
)
STORIES = tuple(partial(_story, kind) for kind in ("gifts", "trips"))
