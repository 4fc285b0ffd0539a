"""Topic: what is the text about?"""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, specs_alike

FAMILY = "topic"
LABELS = tuple(lexicon.TOPICS)


def _sentence(rng: Random, topic: str) -> str:
    who, did, what = lexicon.TOPICS[topic]
    return f"the {rng.choice(who)} {rng.choice(did)} {rng.choice(what)}"


def _news(rng: Random, label: str) -> str:
    place = rng.choice(lexicon.PLACES)
    return f"{_sentence(rng, label)} near the {place}. later {_sentence(rng, label)}"


def _letter(rng: Random, label: str) -> str:
    name = grammar.somebody(rng)
    return f"dear {name}, {_sentence(rng, label)} this {rng.choice(lexicon.TIMES)}"


_KINDS = {"news": _news, "letters": _letter}


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn((_KINDS[kind](rng, label),), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    text = _KINDS[kind](rng, label)
    name = grammar.somebody(rng)
    ending = rng.choice(
        (
            "then {name} talked about {topic}",
            "{name} likes to hear of {topic}",
            "so much about {topic}",
            "{name} knows all about {topic}",
        )
    )
    return Story(grammar.text(text, ending.format(name=name, topic=label)), (text,))


TASKS = specs_alike(
    FAMILY,
    LABELS,
    _draw,
    ("topic_news", "news", 20_000, "news: {}", "What is a piece of news about?"),
    ("topic_letters", "letters", 300, "letter: {}", "What is a letter about?"),
)
STORIES = tuple(partial(_story, kind) for kind in _KINDS)
