"""What a cell of a user's file means: as text, as a label, as a number, as right answers.

JSON has types and CSV has text only; either way the same thing must mean the same. The table
under "What a cell means" in `docs/tasks.md` says it in words, and a test holds it to this page.
The data sets of the paper come in the types of their publishers: see `spotfw.tasks.rows.kinds`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from spotfw.errors import did_you_mean
from spotfw.tasks.rows.kinds import WrongCell, clean, shown
from spotfw.tasks.rows.records import ABSENT

#: What data frames write where a value is missing. A JSON file has NaN without quotation marks.
MISSING_TEXTS = frozenset({"nan", "NaN", "<NA>", "NaT"})

_WHOLE = re.compile(r"(-?(?:0|[1-9][0-9]*))\.0*")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")

#: What stands in a list of numbers, flags or missing values: ``1, 2``, ``1. 2.``, ``None``.
_VALUES = re.compile(r"(?:[-+0-9.,\seE]|None|nan|null|[Tt]rue|[Ff]alse)*")
#: Behind an opening quotation mark, the end of a first item: ``a', ``
_ITEM_ENDS = {mark: re.compile(mark + r"\s*,") for mark in "'\""}


def missing(value: Any, column: str) -> str | None:
    """Why a cell holds nothing, None where it holds something; blank text is something."""
    if value is ABSENT:
        return f"no column {column!r}"
    if value is None:
        return f"{column!r} is null"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{column!r} is {json.dumps(value)}, which stands for a missing value"
    if isinstance(value, str) and value.strip() in MISSING_TEXTS:
        return f"{column!r} is {value.strip()!r}, as a missing value is written"
    return None


def text(value: Any, column: str) -> str:
    """A cell as text: text as it is, numbers and booleans as JSON writes them.

    Raises:
      WrongCell: it is missing, a list, a table, or text that cannot be written as UTF-8.
    """
    why = missing(value, column)
    if why is not None:
        raise WrongCell(why)
    if isinstance(value, (dict, list)):
        raise WrongCell(f"{column!r} is a {'table' if isinstance(value, dict) else 'list'}")
    return clean(value if isinstance(value, str) else json.dumps(value), column)


def whole(number: str) -> str:
    """``1.0`` as ``1``; any other text as it is."""
    match = _WHOLE.fullmatch(number)
    if match is None:
        return number
    return "0" if match[1] == "-0" else match[1]


def is_number(word: str) -> bool:
    """Whether a text is a number in plain figures."""
    return _NUMBER.fullmatch(word.strip()) is not None


def label_keys(value: Any) -> tuple[str, ...]:
    """What a label cell may be called among the labels of a task, the most literal first.

    A boolean is called by its name only: it is no place among labels.
    """
    if isinstance(value, bool):
        name = str(value)
        return (name.lower(), name, name.upper())
    if isinstance(value, float) and math.isfinite(value):
        return (str(value), whole(str(value)))
    if isinstance(value, int):
        return (str(value),)
    if isinstance(value, str):
        return (value, value.strip(), whole(value.strip()))
    return ()


def label(value: Any, column: str, labels: Mapping[str, str]) -> str:
    """The word of a label cell.

    Args:
      value: the cell.
      column: its column.
      labels: what a cell may be called -> the word.

    Raises:
      WrongCell: it is missing, or none of the labels.
    """
    for key in label_keys(value):
        if key in labels:
            return labels[key]
    if value is ABSENT:
        raise WrongCell(f"no column {column!r}")
    words = tuple(dict.fromkeys(labels.values()))
    many = f" ... and {len(words) - 20} more" if len(words) > 20 else ""
    raise WrongCell(
        f"the label {shown(value)} is not among {', '.join(words[:20])}{many}"
        f"{_label_hint(value, labels, words)}"
    )


def number(value: Any, column: str) -> float:
    """A cell as a finite number.

    Raises:
      WrongCell: it is none; text must be plain figures with a point.
    """
    if isinstance(value, str) and is_number(value):
        value = float(value)
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        result = float(value) if plain else math.nan
    except OverflowError:
        result = math.nan
    if not math.isfinite(result):
        raise WrongCell(f"{column!r} is no number but {shown(value)}")
    return result


def answers(value: Any, column: str) -> tuple[str, ...]:
    """All right answers of a cell, one or a JSON list of them, without doubles.

    Raises:
      WrongCell: there is none, one is blank or missing, or a text is a list as a program
        prints it.
    """
    if value is ABSENT:
        raise WrongCell(f"no column {column!r}")
    if isinstance(value, str):
        refuse_listed(value, column)
    listed = value if isinstance(value, list) else [value]
    if not listed or any(isinstance(part, (dict, list)) for part in listed):
        raise WrongCell(f"{column!r} is no answer or list of answers but {shown(value)}")
    texts = [text(part, column) for part in listed]
    if not all(part.strip() for part in texts):
        raise WrongCell(f"{column!r} is no answer or list of answers but {shown(value)}")
    return tuple(dict.fromkeys(texts))


def refuse_listed(cell: str, column: str) -> None:
    """Refuses a text that is a list or a table as a program prints it: ``['a', 'b']``.

    Raises:
      WrongCell: it is.
    """
    if is_listed(cell.strip()):
        raise WrongCell(
            f"{column!r} is a list or table that was written as text, {shown(cell)}: write JSON "
            "lines, where a list is a list"
        )


def is_listed(cell: str) -> bool:
    """Whether a text is a list or a table as Python, NumPy or JSON prints it.

    Each test takes time by the length alone: a cell may be a file's longest line.
    """
    inner = cell[1:-1].strip()
    quoted = inner[:1] in ("'", '"')
    match cell[:1] + cell[-1:]:
        case "[]":  # ['a', 'b'], ['a' 'b'], ["a"], [1, 2], [array(['a'])], []
            again = quoted and any(mark in inner[1:] for mark in "'\"")
            return again or inner.startswith("array(") or _VALUES.fullmatch(inner) is not None
        case "()":  # ('a', 'b')
            return quoted and _ITEM_ENDS[inner[0]].search(inner, 1) is not None
        case "{}":  # {'text': ['a'], 'answer_start': [1]}, {'a', 'b'}
            return quoted
    return cell.startswith("array(") and cell.endswith(")")


def _label_hint(value: Any, labels: Collection[str], words: Collection[str]) -> str:
    if isinstance(value, bool):
        return (
            " (true and false are no places among labels: write "
            'labels = {"true" = "...", "false" = "..."} in the task file)'
        )
    if [word.casefold() for word in words] == ["true", "false"] and {"0", "1"} & {
        *label_keys(value)
    }:
        return (
            " (1 could mean true or the second place: write "
            'labels = {"1" = "...", "0" = "..."} in the task file)'
        )
    if isinstance(value, str) and value.strip():
        return (
            did_you_mean(value.strip(), labels, most=1)
            .rstrip("?")
            .replace(" Did you mean", "; did you mean")
        )
    return ""
