"""What columns alone do not tell: rows that t5's preprocessors stop at, or take for others.

Each function says what is wrong with a row whose columns are right, None where nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spotfw.tasks.rows.kinds import label_places

#: STS-B's scale.
_LOWEST, _HIGHEST = 0.0, 5.0


def stsb_fault(row: Mapping[str, Any]) -> str | None:
    """A score beside the scale, which t5 would write as it is."""
    score = row["label"]
    if _LOWEST <= score <= _HIGHEST:
        return None
    return f"the score {score} of 'label' is not between {_LOWEST:g} and {_HIGHEST:g}"


#: How the two texts begin whose pronoun t5 finds although its place is wrong.
_MENDED_BY_T5 = ("The boy continued to whip the pony ,", "When they had eventually calmed down")


def wsc_fault(row: Mapping[str, Any]) -> str | None:
    """t5 looks for the pronoun at its place among the words parted by single spaces.

    A label that is neither 0 nor 1 would be left out of training in silence.
    """
    if row["label"] not in (0, 1):
        return f"the label {row['label']} of 'label' is not {label_places(('False', 'True'))}"
    words, place = row["text"].split(" "), row["span2_index"]
    if not 0 < place < len(words):
        return f"'span2_index' {place} is not inside the text's {len(words)} words"
    if "\\" in row["span2_text"]:
        return "'span2_text' holds a backslash"
    if words[place] != row["span2_text"] and not row["text"].startswith(_MENDED_BY_T5):
        return f"word {place} of 'text' is not the pronoun of 'span2_text'"
    return None
