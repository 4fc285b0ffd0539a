"""Similarity: how alike are two scenes, from 1 to 5? The number of details they share."""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "similarity"
LABELS = ("1", "2", "3", "4", "5")

_WHO = {"animals": lexicon.ANIMALS, "people": lexicon.JOBS}


def _details(kind: str) -> tuple[tuple[str, ...], ...]:
    return (lexicon.LOOKS, _WHO[kind], lexicon.DOINGS, lexicon.PLACES, lexicon.TIMES)


def _pair(kind: str, rng: Random, label: str) -> tuple[str, str]:
    choices = _details(kind)
    first = [rng.choice(words) for words in choices]
    shared = set(rng.sample(range(5), int(label)))
    second = [
        first[i] if i in shared else grammar.other(rng, words, first[i])
        for i, words in enumerate(choices)
    ]
    return _scene(first), _scene(second)


def _scene(details: list[str]) -> str:
    look, who, doing, place, time = details
    return f"{grammar.a(look)} {who} {doing} at the {place} in the {time}"


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn(_pair(kind, rng, label), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    picture, other = _pair(kind, rng, label)
    first = grammar.somebody(rng)
    second = grammar.somebody(rng, first)
    verdict = rng.choice(
        (
            "the pictures have {n} in common",
            "{n} of 5 details are alike",
            "one can count {n} things in both",
        )
    )
    return Story(
        grammar.text(
            f"{first} painted {picture}", f"{second} painted {other}", verdict.format(n=label)
        ),
        (picture, other),
    )


def _task(name: str, kind: str, train: int, template: str, description: str) -> TaskSpec:
    return TaskSpec(
        name=name,
        family=FAMILY,
        type="regression",
        labels=LABELS,
        metrics=("pearson_corrcoef", "spearman_corrcoef"),
        description=description,
        template=template,
        draw=partial(_draw, kind),
        train=train,
    )


TASKS = (
    _task("similar_animals", "animals", 20_000, "scene: {} scene: {}", "How alike are scenes?"),
    _task("similar_people", "people", 500, "one: {} two: {}", "How alike are people's scenes?"),
)
STORIES = tuple(partial(_story, kind) for kind in _WHO)
