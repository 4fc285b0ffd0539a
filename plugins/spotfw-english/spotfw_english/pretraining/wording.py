"""Sentences and words of English lines, and the dresses that data sets put text into."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_SENTENCE_END = re.compile(r'(?<=[a-z0-9)\]%][.!?])["\')]?\s+(?=["\'(]?[A-Z])')
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_TOKEN = re.compile(r"n't\b|'(?:s|re|ve|ll|d|m)\b|\w+(?:[-.,]\w+)*|[^\w\s]")
_CONTRACTION = re.compile(r"(\w)(n't)\b")
_SPEAKER = re.compile(r" ?\b[AB]: ")
#: Of a word, what stands around it.
MARKS = ".,!?;:\"'()"

Style = Callable[[str], str]


def word_list(text: str) -> list[str]:
    """Words that stand in a text with blanks between, as lists of words are written here."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """`word_list` as a set."""
    return frozenset(text.split())


def sentences(line: str) -> list[str]:
    """A line's sentences of more than 12 characters."""
    return [s.strip() for s in _SENTENCE_END.split(line) if s and len(s) > 12]


def utterances(dialogue: str) -> list[str]:
    """What is said in a line ``A: ... B: ...``."""
    return [said.strip() for said in _SPEAKER.split(dialogue) if said.strip()]


def spaced(text: str) -> str:
    """With spaces around punctuation and before contractions, as Penn Treebank has it."""
    return " ".join(_TOKEN.findall(_CONTRACTION.sub(r"\1 \2", text)))


def unspaced(text: str) -> str:
    """A text of Wikipedia's edit history with its punctuation closed up."""
    text = re.sub(r" ([.,;:!?)])", r"\1", text).replace(" 's", "'s").replace(" n't", "n't")
    return text.replace("( ", "(").replace("'' ", '"').replace(" ''", '"')


def dressed(line: str, rng: random.Random) -> str:
    """The line as many data sets would have it: one in six lower-cased, spaced or both."""
    chance = rng.random()
    if chance < 0.09:
        return spaced(line).lower()
    if chance < 0.12:
        return line.lower()
    if chance < 0.16:
        return spaced(line)
    return line


def style_of(rng: random.Random) -> Style:
    """A dress for all texts of one example, as they are in half of the cases."""
    chance = rng.random()
    if chance < 0.30:
        return lambda text: spaced(text).lower()
    if chance < 0.38:
        return str.lower
    if chance < 0.48:
        return spaced
    return as_it_is


def as_it_is(text: str) -> str:
    """The text."""
    return text


def lower_first(text: str) -> str:
    """With a small first letter, unless the first word is a name or *I*."""
    word = text.split(" ", 1)[0]
    if word in ("I", "I'm", "I've", "I'll") or (len(word) > 1 and word[1:] != word[1:].lower()):
        return text
    return text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def words_of(text: str) -> set[str]:
    """Its words, in lower case."""
    return {word.lower() for word in WORD.findall(text)}
