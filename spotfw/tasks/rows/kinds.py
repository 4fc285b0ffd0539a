"""Kinds of columns that rows in TFDS's schema have, and what each refuses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

#: A column's kind: one of the types str, int, float, bool, list, dict, or a word of `KINDS`.
Kind = type | str


class WrongCell(Exception):
    """Why a cell is not of its column's kind, and so its row cannot be used."""


def _text(value: Any, column: str) -> None:
    _plain(value, column)
    if not value.strip():
        raise WrongCell(f"{column!r} is blank")


def _plain(value: Any, column: str) -> None:
    if not isinstance(value, str):
        raise WrongCell(f"{column!r} is no text but {shown(value)}")
    clean(value, column)


def clean(text: str, column: str) -> str:
    """The text, when it can be written as UTF-8 and holds no NUL.

    Raises:
      WrongCell: it does not.
    """
    if "\0" in text:
        raise WrongCell(f"{column!r} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # or half a surrogate pair, which JSON can spell
        place = len(text[: error.start].encode()) + 1
        raise WrongCell(f"{column!r} is not UTF-8 (byte {place} of the cell)") from None
    return text


def _whole(value: Any, column: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise WrongCell(f"{column!r} is no whole number but {shown(value)}")
    if not -(2**63) <= value < 2**63:
        raise WrongCell(f"{column!r} is too large a number: {shown(value)}")


def _small(value: Any, column: str) -> None:
    _whole(value, column)
    if not -(2**31) <= value < 2**31:
        raise WrongCell(f"{column!r} is too large a number: {shown(value)}")


def _number(value: Any, column: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongCell(f"{column!r} is no number but {shown(value)}")
    try:
        finite = math.isfinite(value)
    except OverflowError:
        finite = False
    if not finite:
        raise WrongCell(f"{column!r} is no finite number: {shown(value)}")


def _flag(value: Any, column: str) -> None:
    if not isinstance(value, bool):
        raise WrongCell(f"{column!r} is neither true nor false but {shown(value)}")


def _any_list(value: Any, column: str) -> None:
    if not isinstance(value, list):
        raise WrongCell(f"{column!r} is no list but {shown(value)}")


def _table(value: Any, column: str) -> None:
    if not isinstance(value, Mapping):
        raise WrongCell(f"{column!r} is no JSON object but {shown(value)}")


def _list_of(each: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    def check(value: Any, column: str) -> None:
        _any_list(value, column)
        for place, part in enumerate(value):
            each(part, f"{column}[{place}]")

    return check


def _some(each: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    def check(value: Any, column: str) -> None:
        _list_of(each)(value, column)
        if not value:
            raise WrongCell(f"{column!r} is an empty list")

    return check


#: Kinds of columns: what each refuses. ``label`` is one more: a place among the labels.
KINDS: Mapping[str, Callable[[Any, str], None]] = {
    "str": _text,
    "text": _plain,
    "int": _whole,
    "int32": _small,
    "float": _number,
    "bool": _flag,
    "list": _any_list,
    "dict": _table,
    "list[str]": _list_of(_text),
    "list[str]+": _some(_text),
    "list[text]": _list_of(_plain),
    "list[int]": _list_of(_whole),
    "list[int32]": _list_of(_small),
    "list[float]": _list_of(_number),
    "list[dict]": _list_of(_table),
    "list[list[str]]": _list_of(_list_of(_text)),
    "list[list[text]]": _list_of(_list_of(_plain)),
    "list[list[int]]": _list_of(_list_of(_whole)),
}

_IN_WORDS = {
    "str": "text",
    "text": "text, perhaps blank",
    "int": "whole number",
    "int32": "whole number",
    "float": "number",
    "bool": "true or false",
    "list[str]": "list of texts",
    "list[text]": "list of texts, perhaps blank",
    "list[str]+": "list of at least one text",
    "list[list[str]]": "list of lists of texts",
    "list[list[text]]": "list of lists of texts",
    "dict": "object",
}


def word(kind: Kind) -> str:
    """A kind as a word: a type's name, or the word itself."""
    return kind if isinstance(kind, str) else kind.__name__


def described(kind: Kind, labels: tuple[str, ...]) -> str:
    """A kind as a message says it; a label by its places."""
    plain = word(kind).rstrip("?")
    return label_places(labels) if plain == "label" else _IN_WORDS.get(plain, plain)


def label_places(labels: tuple[str, ...]) -> str:
    """The labels with their places: ``0 negative, 1 positive``."""
    return ", ".join(f"{place} {label}" for place, label in enumerate(labels[:8])) + (
        f" ... {len(labels) - 1} {labels[-1]}" if len(labels) > 8 else ""
    )


def shown(value: Any) -> str:
    """A value short enough for a message, in plain characters."""
    if isinstance(value, Mapping):
        value = dict(itertools.islice(value.items(), 3))
    text = ascii(value[:40] if isinstance(value, (list, str)) else value)
    return text if len(text) <= 40 else text[:37] + "..."
