"""Which columns of a user's file hold texts and labels, where they are not named."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spotfw.errors import WrongUse
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.tables.labelled_file import labelled_records, unknown_column
from spotfw.tasks.tables.own_data import MOST_LABELS

#: Rows that are looked at.
_LOOKED_AT = 2_000
#: Words that a column of texts has at least in a cell, on average.
_WORDS = 3
#: Rows that a label has at least, on average.
_ROWS = 4


def choose_columns(
    source: Path,
    text_columns: Sequence[str] = (),
    label_column: str | None = None,
    learned: Columns | None = None,
) -> Columns:
    """The columns named, and of those that are not the ones learned with, else by content.

    A column of texts has several words in a cell and mostly different cells; one of labels has
    a few values, each many times.

    Args:
      source: the file.
      text_columns, label_column: as named.
      learned: those of the file that a prompt was learned from; taken where `source` has them.

    Raises:
      WrongUse: a column is not named, and not just one can be meant; the message lists all.
      SpotError: the file cannot be read.
    """
    if text_columns and label_column:
        return Columns(tuple(text_columns), label_column)
    cells = _cells(source)
    for option, column in (
        *(("--text-column", column) for column in text_columns),
        *((("--label-column", label_column),) if label_column else ()),
    ):
        if cells and column not in cells and "." not in column:
            raise unknown_column(source, column, list(cells), option)
    if learned is not None:
        texts, label = tuple(text_columns) or learned.texts, label_column or learned.label
        if all(column.split(".")[0] in cells or column in cells for column in (*texts, label)):
            return Columns(texts, label, ", as where the prompt was learned")
    texts = tuple(text_columns) or tuple(
        c for c in cells if c != label_column and _is_text(cells[c])
    )
    labels = (
        [label_column]
        if label_column
        else [c for c in cells if c not in texts and _is_label(cells[c])]
    )
    if len(labels) != 1 or not texts or (len(texts) > 1 and not text_columns):
        which = "--text-column and --label-column"
        if text_columns or label_column:
            which = "--label-column" if text_columns else "--text-column"
        raise WrongUse(
            f"It is not plain which columns of {source} hold the texts and the labels. Name them "
            f"with {which}. Columns: {', '.join(cells) or 'none'}.{_candidates(texts, labels)}"
        )
    if labels[0] in cells[labels[0]] and not label_column:
        raise WrongUse(
            f"The first line of {source} seems to be a row and not the names of its columns: "
            f"{labels[0]!r} names a column of which it is a value too. Put a line of names first, "
            "such as text,label; where it is a name, give it with --label-column."
        )
    return Columns(texts, labels[0], ", by their content")


def _candidates(texts: Sequence[str], labels: Sequence[str]) -> str:
    columns = [("texts", texts), ("labels", labels)]
    kinds = [f"{kind} could be {' or '.join(names)}" for kind, names in columns if names]
    return f" By their content, {'; '.join(kinds)}." if kinds else ""


def _cells(source: Path) -> Mapping[str, list[Any]]:
    cells: dict[str, list[Any]] = {}
    with contextlib.closing(labelled_records(source)) as records:
        for _, record in itertools.islice(records, _LOOKED_AT):
            for name, value in record.items() if isinstance(record, dict) else ():
                cells.setdefault(name, []).append(value)
    return cells


def _is_text(cells: Sequence[Any]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    if not texts or len(texts) < len(cells) / 2:
        return False
    words = sum(len(text.split()) for text in texts) / len(texts)
    return words >= _WORDS and len(set(texts)) > len(texts) / 2


def _is_label(cells: Sequence[Any]) -> bool:
    plain = [str(cell) for cell in cells if isinstance(cell, (str, int, float)) and str(cell)]
    values = Counter(plain)
    return 2 <= len(values) <= min(MOST_LABELS, len(plain) // _ROWS)
