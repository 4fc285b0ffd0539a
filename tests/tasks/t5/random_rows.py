"""Rows of a t5 task's schema, made up so that texts hold all that its preprocessors look for."""

from __future__ import annotations

import random

#: Words, white space of every kind, and what some preprocessor or regular expression acts on.
PIECES = (
    *("the", "a", "An", "Bob", "Bob's", "it", "he", "X", "2.5", "é", "日本", "😀", "ﬁ", "e\u0301"),
    *(" ", " ", "  ", "\n", "\t", "\r\n", "\x0b", "\x0c", "\x85", "\u00a0", "\u2003"),
    *(".", "?", "!", '"', "'", ",", "-", "_", "`", "$", "%", "^", "*", "(", ")", "[", "]", "{0}"),
    *("<br>", "<b>", "</b>", "</br>", "<B>", "\n@highlight\n", ".\n@highlight\n", "@placeholder"),
    *("\\", "\\1", "\\0", "[[:punct:]]", " X ", " X X ", "…", "\u2018", "\u2019", "\u00b4"),
)


def text(rng, longest=14):
    """A text that is not blank."""
    while True:
        made = "".join(rng.choice(PIECES) for _ in range(rng.randint(1, longest)))
        if made.strip():
            return made


def rows_of(entry, count, seed=0):
    """`count` rows with all columns of an entry, index and places too."""
    rng = random.Random(f"{entry.name} {seed}")
    mend = _MENDERS.get(entry.also[0], lambda row, _: row)
    return [mend(_row(entry, rng), rng) for _ in range(count)]


def _row(entry, rng):
    row = {}
    for column, kind in entry.columns.items():
        *path, last = column.split(".")
        place = row
        for part in path:
            place = place.setdefault(part, {})
        place[last] = _cell(kind.rstrip("?"), entry, rng)
    return row


def _cell(kind, entry, rng):
    if kind == "label":
        return rng.randrange(len(entry.labels))
    if kind.startswith("int32"):
        return rng.randrange(5)
    if kind == "float":
        return rng.choice([rng.uniform(0, 5), rng.randrange(51) / 10, rng.randrange(101) / 20])
    if kind.startswith("list[int"):
        return [rng.randrange(9) for _ in range(rng.randint(0, 3))]
    if kind.startswith("list"):
        return [text(rng, 5) for _ in range(rng.randint(1, 4))]
    return text(rng)


def _wsc(row, rng):
    """Puts the pronoun inside the text, where the row says that it is."""
    words = [*row["text"].split(" "), "end"]
    pronoun = rng.choice(["he", "it", "They", "her.", "X", "é"])
    place = rng.randint(1, len(words))
    words.insert(place, pronoun)
    label = rng.randrange(2)
    return {
        **row,
        **{"text": " ".join(words), "span2_text": pronoun, "span2_index": place, "label": label},
    }


_MENDERS = {"super_glue_wsc": _wsc}
