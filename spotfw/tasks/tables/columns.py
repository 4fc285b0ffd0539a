"""Which columns of a user's file hold texts and labels, where they are not named."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError, WrongUse
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.rows.records import UnusableRow
from spotfw.tasks.tables.labelled_file import counted, labelled_records, listed, unknown_column
from spotfw.tasks.tables.own_data import FEWEST_ROWS, MOST_LABELS

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
      SpotError: the file cannot be read, or has no rows.
    """
    if text_columns and label_column:
        return Columns(tuple(text_columns), label_column)
    cells, count = _cells(source)
    for option, column in (
        *(("--text-column", column) for column in text_columns),
        *((("--label-column", label_column),) if label_column else ()),
    ):
        if cells and column not in cells and "." not in column:
            raise unknown_column(source, column, list(cells), option)
    if learned is not None:
        texts, label = tuple(text_columns) or learned.texts, label_column or learned.label
        if all(column.split(".")[0] in cells or column in cells for column in (*texts, label)):
            why = learned.why or ", as where the prompt was learned"
            return Columns(texts, label, why)
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
        few = ""
        if count < FEWEST_ROWS:
            few = (
                f" It has {counted(count, 'row')}, too few to tell them by; to learn from, at "
                f"least {FEWEST_ROWS} are needed."
            )
        raise WrongUse(
            f"It is not plain which columns of {source} hold the texts and the labels.{few} Name "
            f"them with {which}. Columns: {', '.join(cells)}.{_candidates(texts, labels)}"
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


def _cells(source: Path) -> tuple[Mapping[str, list[Any]], int]:
    """The first rows' cells by column, and how many rows these are.

    Raises:
      SpotError: there are no rows, or none that can be read.
    """
    cells: dict[str, list[Any]] = {}
    unusable: list[UnusableRow] = []
    count = 0
    with contextlib.closing(labelled_records(source)) as records:
        for line, record in itertools.islice(records, _LOOKED_AT):
            if isinstance(record, str):
                unusable.append(UnusableRow(source, line, record))
                continue
            count += 1
            for name, value in record.items():
                cells.setdefault(name, []).append(value)
    if cells:
        return cells, count
    if unusable:
        raise SpotError(
            f"No row of {source} can be read: {listed(unusable)} It must be text in UTF-8, with "
            "what its suffix says between the columns."
        )
    raise SpotError(
        f"The file {source} has no rows: there is nothing in it but, at most, the names of its "
        "columns. Put the labelled texts below them, one a line; where they are there, save "
        "the file as text in UTF-8."
    )


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
