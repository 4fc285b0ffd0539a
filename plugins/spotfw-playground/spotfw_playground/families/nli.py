"""Natural language inference: does the second sentence follow from the first?"""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "NLI"
LABELS = ("yes", "no", "maybe")

_VERDICTS = {
    "yes": ("{they} is right", "yes, that is true", "so much is certain", "yes, of course"),
    "no": ("{they} is mistaken", "no, that is false", "that cannot be", "no, not at all"),
    "maybe": (
        "nobody knows",
        "maybe, who can tell",
        "perhaps, perhaps not",
        "maybe, but maybe not",
    ),
}


def _subjects(kind: str) -> tuple[str, ...]:
    if kind == "animals":
        return tuple(f"the {animal}" for animal in lexicon.ANIMALS)
    if kind == "people":
        return lexicon.WOMEN + lexicon.MEN + tuple(f"the {job}" for job in lexicon.JOBS)
    return tuple(f"the {thing}" for thing in lexicon.OBJECTS)


def _pair(kind: str, rng: Random, label: str) -> tuple[str, str]:
    allowed = lexicon.THING_STATES if kind == "things" else range(len(lexicon.STATES))
    first, second = rng.sample(list(allowed), 2)
    pole = rng.randrange(2)
    subject = rng.choice(_subjects(kind))
    known = rng.choice(lexicon.STATES[first][pole])
    place = rng.choice(("", f" at the {rng.choice(lexicon.PLACES)}"))
    time = rng.choice(("", f" this {rng.choice(lexicon.TIMES)}"))
    if label == "yes":
        asked = rng.choice(lexicon.STATES[first][pole])
    elif label == "no":
        asked = rng.choice(lexicon.STATES[first][1 - pole])
    else:
        asked = rng.choice(lexicon.STATES[second][rng.randrange(2)])
    return f"{subject}{place} is {known}{time}", f"{subject} is {asked}"


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn(_pair(kind, rng, label), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    known, said = _pair(kind, rng, label)
    name = grammar.somebody(rng)
    verdicts = rng.sample(_VERDICTS[label], 2)[: rng.choice((1, 2))]
    claim = rng.choice(("{name} says that {said}", "{name} thinks {said}", "{said}, says {name}"))
    return Story(
        grammar.text(
            known,
            claim.format(name=name, said=said),
            *(verdict.format(they=grammar.they(name)) for verdict in verdicts),
        ),
        (known, said),
    )


TASKS = (
    TaskSpec(
        name="nli_animals",
        family=FAMILY,
        labels=LABELS,
        description="Does a statement about an animal follow from another?",
        template="premise: {} hypothesis: {}",
        draw=partial(_draw, "animals"),
        train=20_000,
    ),
    TaskSpec(
        name="nli_people",
        family=FAMILY,
        labels=LABELS,
        description="Does a statement about a person follow from another?",
        template="note: {} claim: {}",
        draw=partial(_draw, "people"),
        train=300,
    ),
    TaskSpec(
        name="nli_things",
        family=FAMILY,
        labels=LABELS,
        description="Does a statement about a thing follow from another?",
        template="fact: {} guess: {}",
        draw=partial(_draw, "things"),
        train=250,
    ),
)
STORIES = tuple(partial(_story, kind) for kind in ("animals", "people", "things"))
