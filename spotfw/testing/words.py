"""A vocabulary of words, and texts that the model in NumPy can answer."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

#: Labels of well-known tasks, answers of the tiny tasks, numbers of one digit.
ANSWERS = (
    *("positive", "negative", "neutral", "good", "bad", "yes", "no", "true", "false"),
    *("entailment", "contradiction", "not_entailment", "equivalent", "not_equivalent"),
    *("duplicate", "not_duplicate", "acceptable", "unacceptable", "True", "False"),
    *("film", "book", "meal", "song", "room", "play", "house", "story"),
    *map(str, range(10)),
)

#: Number of ids.
ROWS = 512

PAD, EOS, UNKNOWN, FIRST = 0, 1, 2, 3


class KnownWords:
    """A vocabulary: known words have ids of their own, others share the rest.

    Args:
      known: words that can be decoded.
    """

    pad_id, eos_id, unk_id, extra_ids, vocab_size = PAD, EOS, UNKNOWN, 0, ROWS

    def __init__(self, known: Iterable[str]) -> None:
        self._words = list(dict.fromkeys(known))
        self._ids = {word: FIRST + place for place, word in enumerate(self._words)}

    def encode(self, text: str, /) -> list[int]:
        """The ids of the words of a text, split at spaces, without the end."""
        first = FIRST + len(self._words)
        return [
            self._ids.get(word, first + zlib.crc32(word.encode()) % (ROWS - first))
            for word in text.split()
        ]

    def decode(self, ids: Iterable[int], /) -> str:
        """The words of ids up to the first end; an unknown word is written as ``word17``."""
        words = []
        for i in map(int, ids):
            if i == EOS:
                break
            place = i - FIRST
            words.append(self._words[place] if 0 <= place < len(self._words) else f"word{i}")
        return " ".join(words)
