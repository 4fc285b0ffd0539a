"""How much of some texts a vocabulary knows: unknown words, and words spelled out by letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import numpy as np

from spotfw.tasks.spelling import unknown_id
from spotfw.tasks.vocabulary import encode_all

#: A vocabulary of so few ids is one of letters or bytes, and spells every word.
ALPHABET = 400

#: Shorter words are not counted as spelled out: "an" and "I" may well be pieces of one letter.
_SPELLED_LETTERS = 3


@attrs.frozen(kw_only=True)
class Knowledge:
    """Shares, 0 to 1, of texts without the words that stand in every one of them.

    What all texts have in common, such as a template's words, tells none from another.

    Attributes:
      unknown: of the characters, those that no piece stands for.
      spelled: of the words of three letters or more, those that are one piece a letter.
      mostly_unknown: of the texts, those that are unknown by more than half.
      nothing_known: of the texts, those without a known letter or digit, but an unknown one.
    """

    unknown: float
    spelled: float
    mostly_unknown: float
    nothing_known: float


@attrs.frozen
class _Word:
    """A word to a vocabulary: its characters, how many no piece stands for, and more."""

    characters: int
    unknown: int
    says_something: bool
    counted: bool
    spelled: bool


def knowledge(texts: Sequence[str], vocabulary: Any) -> Knowledge:
    """What a vocabulary knows of texts; nothing is missing of no text.

    Args:
      texts: uncut; of many, a sample is enough.
      vocabulary: the frozen model's. One without an unknown id knows everything.
    """
    distinct = [text.split() for text in dict.fromkeys(texts)]
    often = Counter(word for words in distinct for word in set(words))
    common = {word for word, n in often.items() if n == len(distinct)} if distinct[1:] else set()
    facts = _facts([word for word in often if word not in common], vocabulary)
    rows = [[facts[word] for word in text.split() if word not in common] for text in texts]
    sums = [
        (
            sum(word.characters for word in row),
            sum(word.unknown for word in row),
            any(word.says_something for word in row),
            sum(word.counted for word in row),
            sum(word.spelled for word in row),
        )
        for row in rows
        if row
    ]
    table = np.array(sums, np.int64).reshape(len(sums), 5)
    characters, unknown, says, counted, spelled = table.T
    return Knowledge(
        unknown=_share(unknown, characters),
        spelled=_share(spelled, counted),
        mostly_unknown=float((2 * unknown > characters).sum() / max(1, len(texts))),
        nothing_known=float(((unknown > 0) & (says == 0)).sum() / max(1, len(texts))),
    )


def _facts(words: Sequence[str], vocabulary: Any) -> dict[str, _Word]:
    unknown = unknown_id(vocabulary)
    spells = getattr(vocabulary, "vocab_size", ALPHABET + 1) <= ALPHABET
    facts = {}
    for word, ids in zip(words, encode_all(vocabulary, words), strict=True):
        missing, says = 0, True
        if unknown is not None and unknown in ids:
            known = vocabulary.decode([i for i in ids if i != unknown])
            missing = max(1, len(word) - len("".join(known.split())))
            says = any(character.isalnum() for character in known)
        counted = sum(character.isalpha() for character in word) >= _SPELLED_LETTERS
        facts[word] = _Word(
            characters=len(word),
            unknown=min(missing, len(word)),
            says_something=says,
            counted=counted,
            spelled=counted and not spells and not missing and len(ids) >= len(word),
        )
    return facts


def _share(part: Any, whole: Any) -> float:
    return float(part.sum() / max(1, whole.sum()))
