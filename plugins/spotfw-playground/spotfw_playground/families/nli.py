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
    subject = rng.choice(_subjects(kind))
    state = rng.choice(
        [word for i in _allowed(kind) for pole in lexicon.STATES[i] for word in pole]
    )
    place = rng.choice(("", f" at the {rng.choice(lexicon.PLACES)}"))
    time = rng.choice(("", f" this {rng.choice(lexicon.TIMES)}"))
    known = f"{subject}{place} is {state}{time}"
    return known, _said(kind, rng, subject, state, label)


def _allowed(kind: str) -> tuple[int, ...]:
    return lexicon.THING_STATES if kind == "things" else tuple(range(len(lexicon.STATES)))


def _said(kind: str, rng: Random, subject: str, state: str, label: str) -> str:
    """A statement on the subject that follows (yes), is ruled out (no), or neither."""
    first, pole = next(
        (i, pole)
        for i, poles in enumerate(lexicon.STATES)
        for pole in (0, 1)
        if state in poles[pole]
    )
    if label == "yes":
        asked = rng.choice(lexicon.STATES[first][pole])
    elif label == "no":
        asked = rng.choice(lexicon.STATES[first][1 - pole])
    else:
        second = rng.choice([i for i in _allowed(kind) if i != first])
        asked = rng.choice(lexicon.STATES[second][rng.randrange(2)])
    return f"{subject} is {asked}"


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn(_pair(kind, rng, label), label)


def _story(kind: str, rng: Random) -> Story:
    """A fact, what one or two people say of it, and what comes of that."""
    label = rng.choice(LABELS)
    known, said = _pair(kind, rng, label)
    sentences = [known, *_claim(rng, said, label)]
    if rng.random() < 0.5:
        subject, _, _ = said.rpartition(" is ")
        state = known.partition(" is ")[2].split()[0]
        other = rng.choice([x for x in LABELS if x != label])
        sentences += _claim(rng, _said(kind, rng, subject, state, other), other)
    return Story(grammar.text(*sentences), (known, said))


def _claim(rng: Random, said: str, label: str) -> list[str]:
    name = grammar.somebody(rng)
    claim = rng.choice(("{name} says that {said}", "{name} thinks {said}", "{said}, says {name}"))
    verdict = rng.choice(_VERDICTS[label]).format(they=grammar.they(name))
    return [claim.format(name=name, said=said), verdict]


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
