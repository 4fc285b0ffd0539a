"""Winograd schemas: what does the marked pronoun stand for? (Raffel et al. 2020, 2.4)

As `t5.data.preprocessors.wsc_simple` and `t5.data.postprocessors.wsc_simple`: the pronoun is
set between asterisks, the target is the referent's text, and a prediction is scored by whether
it names the referent of its row, be that the right one or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spotfw.tasks.example import Example

#: Two texts of SuperGLUE whose pronoun is not where the row says: its words, and the end of
#: the text with the pronoun blanked out.
_MISPLACED: Mapping[str, tuple[str, str]] = {
    "The boy continued to whip the pony , and eventually the pony threw him over. John laughed "
    'out quite loud. "Good for him," he said. ': ('him," he said. ', 'X ," he said.'),
    "When they had eventually calmed down a bit , and had gotten home, Mr. Farley put the magic "
    "pebble in an iron safe . Some day they might want to use it , but really for now, what more "
    "could they wish for?": (
        "it , but really for now, what more could they wish for?",
        "X , but really for now, what more could they wish for?",
    ),
}

#: Words that make no difference to which referent is named.
_DETERMINERS = frozenset(
    {
        *("a", "an", "few", "her", "his", "each", "every", "many", "much", "my", "our", "some"),
        *("that", "the", "their", "these", "this", "those", "which", "whose", "your"),
    }
)


def wsc(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """``wsc: ... *it* ...``, and the row's referent as the target, right or not.

    Raises:
      ValueError: the pronoun is not where the row says.
    """
    pronoun = row["span2_text"]
    inputs = f"wsc: {_blanked(row)}".replace(" X ", f" *{pronoun}* ")
    return (Example(inputs=inputs, targets=row["span1_text"], extra={"label": int(row["label"])}),)


def pronoun_fault(row: Mapping[str, Any]) -> str | None:
    """Why the pronoun of a row cannot be marked; None where it can.

    It is looked for at its place among the words parted by single spaces.
    """
    words, place = row["text"].split(" "), row["span2_index"]
    if not 0 < place < len(words):
        return f"'span2_index' {place} is not inside the text's {len(words)} words"
    if "\\" in row["span2_text"]:
        return "'span2_text' holds a backslash"
    if words[place] != row["span2_text"] and row["text"] not in _MISPLACED:
        return f"word {place} of 'text' is not the pronoun of 'span2_text'"
    return None


def names_referent(text: str, example: Example, is_target: bool = False) -> int:
    """A target's label; of a prediction 1 where it names the row's referent, 0 where not.

    An empty prediction is -1, so that it is never right.
    """
    if is_target:
        return int(example.extra["label"])
    said, referent = _plain(text), _plain(example.targets)
    if not said:
        return -1
    if ("'" in said) != ("'" in referent):  # "Bob" is not "Bob's hat"
        return 0
    words, of_referent = set(said.split(" ")), set(referent.split(" "))
    return int(words <= of_referent or of_referent <= words)


def _blanked(row: Mapping[str, Any]) -> str:
    """The text with X in the place of the pronoun."""
    fault = pronoun_fault(row)
    if fault is not None:
        raise ValueError(fault)
    text: str = row["text"]
    if text in _MISPLACED:
        end, blanked = _MISPLACED[text]
        return text.removesuffix(end) + blanked
    words, place = text.split(" "), row["span2_index"]
    return " ".join((" ".join(words[:place]), "X", " ".join(words[place + 1 :])))


def _plain(text: str) -> str:
    words = text.strip().lower().split(" ")
    return " ".join(word for word in words if word not in _DETERMINERS)
