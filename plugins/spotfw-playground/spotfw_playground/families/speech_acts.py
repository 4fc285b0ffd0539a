"""Speech acts: a question, an order or a promise? A source with no target of its family."""

from __future__ import annotations

from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "speech act"
LABELS = ("question", "order", "promise")

_DEEDS = (
    "bring the {}",
    "clean the {}",
    "sell the {}",
    "hide the {}",
    "find the {}",
    "mend the {}",
)
_FORMS = {
    "question": ("did you {}", "can you {}", "why do you {}"),
    "order": ("please {}", "you must {}", "go and {}"),
    "promise": ("i will {}", "i swear to {}", "we shall {}"),
}


def _line(rng: Random, label: str) -> str:
    deed = rng.choice(_DEEDS).format(f"{rng.choice(lexicon.COLOURS)} {rng.choice(lexicon.OBJECTS)}")
    said = rng.choice(_FORMS[label]).format(deed)
    where = rng.choice(("", f" at the {rng.choice(lexicon.PLACES)}"))
    return f"{said}{where}, said {grammar.somebody(rng)}"


def _draw(rng: Random, label: str) -> Drawn:
    return Drawn((_line(rng, label),), label)


def _story(rng: Random) -> Story:
    label = rng.choice(LABELS)
    line = _line(rng, label)
    name = grammar.somebody(rng)
    ending = rng.choice(
        ("that was {what}", "{name} heard the {label}", "it sounded like {what}")
    ).format(what=grammar.a(label), label=label, name=name)
    return Story(grammar.text(line, ending), (line,))


TASKS = (
    TaskSpec(
        name="speech_acts",
        family=FAMILY,
        labels=LABELS,
        description="A question, an order or a promise?",
        template="utterance: {}",
        draw=_draw,
        train=20_000,
    ),
)
STORIES = (_story,)
