"""Plain stories of the world's people, which belong to no task."""

from __future__ import annotations

from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Story


def story(rng: Random) -> Story:
    """A person, a job, a place, a few things that happen, in a coherent text."""
    name = grammar.somebody(rng)
    friend = grammar.somebody(rng, name)
    they, their = grammar.they(name), grammar.their(name)
    thing = f"{rng.choice(lexicon.COLOURS)} {rng.choice(lexicon.OBJECTS)}"
    place = rng.choice(lexicon.PLACES)
    job = rng.choice(lexicon.JOBS)
    animal = rng.choice(lexicon.ANIMALS)
    time = rng.choice(lexicon.TIMES)
    happenings = [
        f"{they} went to the {place} by {rng.choice(lexicon.VEHICLES)}",
        f"{they} has {grammar.a(thing)}",
        f"{their} {animal} is {rng.choice(lexicon.DOINGS)} at the {place}",
        f"{friend} gave {name} the {rng.choice(lexicon.OBJECTS)}",
        f"this {time} {they} met {friend} at the {place}",
        f"{they} bought {grammar.a(thing)} for {friend}",
        f"{they} and {friend} talked about {rng.choice(tuple(lexicon.TOPICS))}",
    ]
    events = rng.sample(happenings, 3)
    return Story(grammar.text(f"{name} is {grammar.a(job)}", *events))
