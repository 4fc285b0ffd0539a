"""The labels of a task file: what a cell may hold, and the word that stands for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn

from spotfw.tasks.rows.cells import is_number, whole

Fail = Callable[[str], NoReturn]


def read_labels(raw: Sequence[Any] | Mapping[str, Any], fail: Fail) -> dict[str, str]:
    """What the label column may hold, and the word the model writes for it.

    Args:
      raw: the key ``labels``: a list of words, or a table of cells and words.
      fail: called with what is wrong, as the rest of a sentence; it raises.
    """
    if isinstance(raw, Mapping):
        words: list[Any] = list(raw.values())
        labels = _with_whole_numbers({str(k): v for k, v in raw.items()}, fail)
    else:
        words = list(raw)
        if len({str(w) for w in words}) < len(words):
            fail("names a label twice")
        if any(isinstance(w, str) and is_number(w) for w in words):
            itself, places = _table(words, words), _table(range(len(words)), words)
            fail(
                "lists labels that are numbers themselves, so a cell could mean a label or "
                f"its place. Write labels = {itself} where the column holds the labels as "
                f"they are, {places} where it holds their places",
            )
        labels = {str(i): w for i, w in enumerate(words)} | {str(w): w for w in words}
        if [str(w).casefold() for w in words] == ["true", "false"]:
            # A 1 may well be a true that a program wrote, and not the second place.
            labels = {str(w): w for w in words}
    for word in words:
        if not isinstance(word, str) or not word.strip():
            fail(f"must hold words in quotes, but holds {word!r}")
    if words and len(set(words)) < 2:
        fail("needs at least two different labels")
    return labels


def _with_whole_numbers(labels: Mapping[str, Any], fail: Fail) -> dict[str, Any]:
    """The labels with ``1`` beside ``1.0``, which JSON and CSV do not tell apart."""
    result = dict(labels)
    for cell, word in labels.items():
        if result.setdefault(whole(cell), word) != word:
            fail(f"gives {cell} and {whole(cell)}, one number, different words")
    return result


def _table(cells: Iterable[object], words: Iterable[object]) -> str:
    """Labels as a TOML table: ``{"0" = "1", "1" = "2"}``."""
    return "{" + ", ".join(f'"{c}" = "{w}"' for c, w in zip(cells, words, strict=True)) + "}"
