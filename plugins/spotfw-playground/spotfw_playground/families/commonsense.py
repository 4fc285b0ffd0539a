"""Commonsense: could it be so? Tools that serve, homes that fit, effects that follow."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, specs_alike

FAMILY = "commonsense"
LABELS = ("sensible", "silly")

_REACTIONS = {
    "sensible": (
        "everybody believed it",
        "nobody was surprised",
        "that is sensible",
        "a sensible story",
    ),
    "silly": (
        "nobody believed it",
        "everybody laughed",
        "that is silly",
        "a silly story",
    ),
}


def _tools(rng: Random, label: str) -> str:
    deed = rng.choice(tuple(lexicon.TOOLS))
    tool = rng.choice(_fit(rng, lexicon.TOOLS, deed, label))
    who = rng.choice((grammar.somebody(rng), f"the {rng.choice(lexicon.JOBS)}"))
    when = rng.choice(("", f" this {rng.choice(lexicon.TIMES)}"))
    where = rng.choice(("", f" near the {rng.choice(lexicon.PLACES)}"))
    return f"{who} {deed} with a {tool}{where}{when}"


def _homes(rng: Random, label: str) -> str:
    who = rng.choice(tuple(lexicon.HOMES))
    home = rng.choice(_fit(rng, lexicon.HOMES, who, label))
    look = rng.choice(lexicon.LOOKS)
    verb = rng.choice(("was", "spent the {}", "stayed all {}")).format(rng.choice(lexicon.TIMES))
    return f"the {look} {who} {verb} in the {home}"


def _effects(rng: Random, label: str) -> str:
    cause = rng.choice(tuple(lexicon.EFFECTS))
    effect = rng.choice(_fit(rng, lexicon.EFFECTS, cause, label))
    when = rng.choice(("", "in the morning ", "in the evening ", "last week ", "in the afternoon "))
    where = rng.choice(("", f"near the {rng.choice(lexicon.PLACES)} "))
    return f"{when}{where}{cause}, so {effect}"


def _fit(
    rng: Random, facts: Mapping[str, tuple[str, ...]], key: str, label: str
) -> tuple[str, ...]:
    if label == "silly":
        key = grammar.other(rng, tuple(facts), key)
    return facts[key]


_KINDS = {"tools": _tools, "homes": _homes, "effects": _effects}


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn((_KINDS[kind](rng, label),), label)


def _story(kind: str, rng: Random) -> Story:
    if rng.random() < 0.2:
        facts = (_KINDS[kind](rng, "sensible"), _KINDS[kind](rng, "sensible"))
        return Story(grammar.text(*facts), facts)
    label = rng.choice(LABELS)
    claim = _KINDS[kind](rng, label)
    name = grammar.somebody(rng)
    opening = rng.choice(("{name} told that {claim}", "{claim}", "{claim}, said {name}"))
    endings = rng.sample(_REACTIONS[label], 2)[: rng.choice((1, 2))]
    return Story(grammar.text(opening.format(name=name, claim=claim), *endings), (claim,))


TASKS = specs_alike(
    FAMILY,
    LABELS,
    _draw,
    ("sense_of_tools", "tools", 20_000, "claim: {}", "Does the tool serve?"),
    ("sense_of_homes", "homes", 350, "rumour: {}", "Does the place fit?"),
    ("sense_of_effects", "effects", 350, "event: {}", "Does it follow?"),
)
STORIES = tuple(partial(_story, kind) for kind in _KINDS)
