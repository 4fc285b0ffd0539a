"""Question answering: one word of the passage answers the question."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "QA"


def _things(rng: Random) -> tuple[str, str, str]:
    """Who has what; asked for the thing or its colour."""
    names = _names(rng)
    things = rng.sample(lexicon.OBJECTS, 2)
    colours = rng.sample(lexicon.COLOURS, 2)
    asked = rng.randrange(2)
    passage = ". ".join(
        f"{name} has a {colour} {thing}"
        for name, colour, thing in zip(names, colours, things, strict=True)
    )
    if rng.random() < 0.5:
        return passage, f"what does {names[asked]} have", things[asked]
    return passage, f"what colour is the {things[asked]}", colours[asked]


def _travels(rng: Random) -> tuple[str, str, str]:
    """Who went where and how."""
    names = _names(rng)
    places = rng.sample(lexicon.PLACES, 2)
    vehicles = rng.sample(lexicon.VEHICLES, 2)
    asked = rng.randrange(2)
    passage = ". ".join(
        f"{name} went to the {place} by {vehicle}"
        for name, place, vehicle in zip(names, places, vehicles, strict=True)
    )
    if rng.random() < 0.5:
        return passage, f"where did {names[asked]} go", places[asked]
    return passage, f"how did {names[asked]} travel", vehicles[asked]


def _market(rng: Random) -> tuple[str, str, str]:
    """Who bought what from whom."""
    names = _names(rng)
    things = rng.sample(lexicon.OBJECTS, 2)
    sellers = rng.sample(lexicon.JOBS, 2)
    asked = rng.randrange(2)
    passage = ". ".join(
        f"{name} bought a {thing} from the {seller}"
        for name, thing, seller in zip(names, things, sellers, strict=True)
    )
    if rng.random() < 0.5:
        return passage, f"what did {names[asked]} buy", things[asked]
    return passage, f"who sold the {things[asked]}", sellers[asked]


def _names(rng: Random) -> tuple[str, str]:
    first = grammar.somebody(rng)
    return first, grammar.somebody(rng, first)


_Ask = Callable[[Random], tuple[str, str, str]]


def _draw(ask: _Ask, rng: Random, label: str) -> Drawn:
    passage, question, answer = ask(rng)
    return Drawn((passage, question), answer)


def _story(ask: _Ask, rng: Random) -> Story:
    passage, question, answer = ask(rng)
    name = grammar.somebody(rng)
    asks = rng.choice(("{name} asks {question}", "{name} wants to know {question}"))
    replies = rng.choice(("the answer is {answer}", "{answer}, they say", "it is the {answer}"))
    return Story(
        grammar.text(
            passage, asks.format(name=name, question=question), replies.format(answer=answer)
        ),
        (passage, question),
    )


def _task(name: str, ask: _Ask, train: int, template: str, description: str) -> TaskSpec:
    return TaskSpec(
        name=name,
        family=FAMILY,
        type="qa",
        description=description,
        template=template,
        draw=partial(_draw, ask),
        train=train,
    )


TASKS = (
    _task("qa_things", _things, 20_000, "context: {}. question: {}?", "What is whose?"),
    _task("qa_travels", _travels, 500, "story: {}. tell me: {}?", "Who went where?"),
    _task("qa_market", _market, 400, "record: {}. query: {}?", "Who bought what?"),
)
STORIES = tuple(partial(_story, ask) for ask in (_things, _travels, _market))
