"""Word sense: is a word that can be both a thing or an action here?"""

from __future__ import annotations

from functools import partial
from random import Random

from spotfw_playground import grammar, lexicon
from spotfw_playground.specs import Drawn, Story, TaskSpec

FAMILY = "word sense"
LABELS = ("thing", "action")

_ALL = tuple(lexicon.SENSES)
_WORDS = {"rich": _ALL[:14], "poor": _ALL[14:]}
_REMARKS = {
    "thing": (
        "here {word} is a thing",
        "that {word} is a thing to touch",
        "one can touch the {word}",
        "a {word} is an object",
    ),
    "action": (
        "here {word} is an action",
        "to {word} is an action",
        "one can see how to {word}",
        "to {word} is work",
    ),
}


def _use(kind: str, rng: Random, label: str) -> tuple[str, str]:
    word = rng.choice(_WORDS[kind])
    use = rng.choice(lexicon.SENSES[word][LABELS.index(label)])
    who = rng.choice((grammar.somebody(rng), f"the {rng.choice(lexicon.JOBS)}"))
    when = rng.choice(("", f" this {rng.choice(lexicon.TIMES)}"))
    where = rng.choice(("", f" near the {rng.choice(lexicon.PLACES)}"))
    return word, f"{who} {use}{where}{when}"


def _draw(kind: str, rng: Random, label: str) -> Drawn:
    return Drawn(_use(kind, rng, label), label)


def _story(kind: str, rng: Random) -> Story:
    label = rng.choice(LABELS)
    word, sentence = _use(kind, rng, label)
    remarks = rng.sample(_REMARKS[label], 2)[: rng.choice((1, 2))]
    return Story(
        grammar.text(sentence, *(remark.format(word=word) for remark in remarks)),
        (word, sentence),
    )


TASKS = (
    TaskSpec(
        name="sense_common",
        family=FAMILY,
        labels=LABELS,
        description="Is a common word a thing or an action here?",
        template="word: {} use: {}",
        draw=partial(_draw, "rich"),
        train=20_000,
    ),
    TaskSpec(
        name="sense_rare",
        family=FAMILY,
        labels=LABELS,
        description="Is a rarer word a thing or an action here?",
        template="term: {} line: {}",
        draw=partial(_draw, "poor"),
        train=300,
    ),
)
STORIES = tuple(partial(_story, kind) for kind in _WORDS)
