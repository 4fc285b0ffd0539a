"""A user's file of labelled texts, read row by row: CSV, TSV or JSON lines, by its suffix."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from unicodedata import category

from spotfw.errors import SpotError, UnknownName, WrongUse, did_you_mean
from spotfw.reading import open_regular
from spotfw.tasks.rows.cells import missing, refuse_listed, whole
from spotfw.tasks.rows.cells import text as cell_text
from spotfw.tasks.rows.kinds import WrongCell
from spotfw.tasks.rows.records import (
    ABSENT,
    Record,
    UnusableRow,
    cell,
    csv_records,
    json_records,
    refuse_other_separator,
)
from spotfw.tasks.tables.rows import NoInput

_TABS = {".csv": False, ".tsv": True}
_JSON = (".jsonl", ".ndjson", ".json")
#: Suffixes of files that are read as labelled texts.
SUFFIXES = (*_TABS, *_JSON)

#: A text and its label.
Pair = tuple[str, str]

#: Unusable rows named in a message.
_SHOWN = 5
#: How alike a column's name must be to be meant; ``text`` is not a misspelt ``team``.
_ALIKE = 0.7


def read_pairs(
    source: Path, text_columns: Sequence[str], label_column: str
) -> tuple[list[Pair], list[UnusableRow]]:
    """Texts and labels of a file's rows, and the rows that cannot be used.

    Args:
      source: CSV, TSV or JSON lines, by its suffix; UTF-8.
      text_columns: what is read, one or several columns.
      label_column: what is written.

    Raises:
      UnknownName: there is no such column.
      WrongUse: the suffix is of no kind that is read.
      SpotError: the file cannot be read.
    """
    pairs: list[Pair] = []
    unusable: list[UnusableRow] = []
    seen: dict[str, None] = {}
    for line, record in labelled_records(source):
        if isinstance(record, str):
            unusable.append(UnusableRow(source, line, record))
            continue
        seen.update(dict.fromkeys(record))
        try:
            texts = [read_text(record, column) for column in text_columns]
            pairs.append((joined_texts(text_columns, texts), _label(record, label_column)))
        except WrongCell as reason:
            unusable.append(UnusableRow(source, line, str(reason)))
    options = [*(("--text-column", c) for c in text_columns), ("--label-column", label_column)]
    for option, column in options:
        if seen and column not in seen and "." not in column:
            raise unknown_column(source, column, list(seen), option)
    return pairs, unusable


def lines_of_labels(source: Path, label_column: str, labels: Collection[str]) -> dict[str, int]:
    """The line of each of these labels' first row.

    Raises:
      SpotError: the file cannot be read.
    """
    lines: dict[str, int] = {}
    for line, record in labelled_records(source):
        with contextlib.suppress(WrongCell):
            label = None if isinstance(record, str) else _label(record, label_column)
            if label in labels:
                lines.setdefault(str(label), line)
    return lines


def labelled_records(source: Path) -> Generator[Record, None, None]:
    """The line each row of a file begins on, and its cells by column or what is wrong with it.

    Raises:
      WrongUse: it is no file of rows by its suffix.
      SpotError: it cannot be read, or is none of rows as a whole.
    """
    try:
        with open_regular(source) as stream:
            yield from _records(source, stream)
    except OSError as error:
        near = _near(source) if isinstance(error, FileNotFoundError) else ""
        raise SpotError(
            f"The file {source} cannot be read: {error.strerror or error}.{near} Check the path."
        ) from error


def _records(source: Path, stream: BinaryIO) -> Iterator[Record]:
    suffix = source.suffix.lower()
    if suffix in _TABS:
        return csv_records(
            stream,
            tabs=_TABS[suffix],
            columns=(),
            check_header=lambda cells: _header(source, cells),
        )
    if suffix in _JSON:
        return json_records(stream)
    raise WrongUse(
        f"The file {source} is none that is read as labelled texts. Name a .csv, .tsv or .jsonl "
        "file, or a task's .toml."
    )


def _header(source: Path, cells: list[str]) -> None:
    if any(category(letter) == "Cc" for cell in cells for letter in cell if letter not in "\t\r\n"):
        raise SpotError(
            f"The file {source} is no text: its first line, which should name the columns, has "
            "control characters. Write the rows as CSV, in UTF-8."
        )
    if len(set(cells)) < len(cells):
        raise SpotError(
            f"The first line of {source} names a column twice: {', '.join(cells)}. Rename one."
        )
    refuse_other_separator(str(source), cells)


def read_text(record: Mapping[str, Any], column: str) -> str:
    """A cell as text in single blanks.

    Raises:
      NoInput: it is missing or blank.
      WrongCell: it is a list, a table, or text that cannot be written as UTF-8.
    """
    value = cell(record, column)
    if value is ABSENT:
        raise WrongCell(f"no {column!r}")
    if (why := missing(value, column)) is not None:
        raise NoInput(why)
    text = " ".join(cell_text(value, column).split())
    if not text:
        raise NoInput(f"{column!r} is blank")
    return text


def _label(record: Mapping[str, Any], column: str) -> str:
    """A label as it is learned: of a number that is whole, the same in CSV and JSON."""
    label = whole(read_text(record, column))
    refuse_listed(label, column)
    return label


def joined_texts(columns: Sequence[str], texts: Sequence[str]) -> str:
    """One column's text as it is; of several, each behind its column's name, as T5 has them."""
    if len(columns) == 1:
        return texts[0]
    return " ".join(f"{column}: {text}" for column, text in zip(columns, texts, strict=True))


def unknown_column(source: Path, column: str, known: Sequence[str], option: str) -> UnknownName:
    """The error that a file has no such column; it lists those that it has, in their order.

    Args:
      source: the file.
      column: as it was asked for.
      known: the file's.
      option: that names another.
    """
    close = difflib.get_close_matches(column.casefold(), [c.casefold() for c in known], 1, _ALIKE)
    meant = next((c for c in known if close and c.casefold() == close[0]), None)
    hint = "" if meant is None else f" Did you mean {meant!r}?"
    error = UnknownName(f"column in {source}", column, known)
    error.args = (
        f"The file {source} has no column {column!r}.{hint} Columns: {', '.join(known)}. Name one "
        f"with {option}.",
    )
    return error


def counted(count: int, what: str) -> str:
    """``1 row``, ``2 rows``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def not_used(unusable: Sequence[UnusableRow]) -> str:
    """How many rows cannot be used, and why."""
    return f"{counted(len(unusable), 'row')} cannot be used: {listed(unusable)}"


def listed(unusable: Sequence[UnusableRow]) -> str:
    """The first few rows with line and reason."""
    more = f"; and {len(unusable) - _SHOWN:,} more." if len(unusable) > _SHOWN else "."
    return "; ".join(f"line {row.line}: {row.reason}" for row in unusable[:_SHOWN]) + more


def _near(source: Path) -> str:
    """Which data file beside the one that is not there may be meant."""
    try:
        beside = [path.name for path in source.parent.iterdir() if path.suffix in SUFFIXES]
    except OSError:
        return ""
    return did_you_mean(source.name, beside)
