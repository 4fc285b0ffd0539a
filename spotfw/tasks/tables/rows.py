"""Rows of a user's files as examples; what cannot be used is named, not lost.

Nothing in a file can stop the reading: a row that is malformed, not UTF-8, too long,
incomplete or wrongly labelled becomes an `UnusableRow` with its file, line and reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spotfw.errors import SpotError, UnknownName
from spotfw.reading import open_regular
from spotfw.tasks.rows import cells
from spotfw.tasks.rows.account import mostly_unusable
from spotfw.tasks.rows.kinds import WrongCell
from spotfw.tasks.rows.opening import how_to_convert
from spotfw.tasks.rows.records import (
    ABSENT,
    UnusableRow,
    cell,
    csv_records,
    json_records,
    refuse_other_separator,
)
from spotfw.tasks.tables.answers import ANSWERS, LABEL, NUMBER
from spotfw.tasks.tables.definition import TableDefinition

#: Faults listed in a message, and lines beside each; all rows are in `Rows.unusable`.
SHOWN = 20
LINES = 5


@attrs.frozen
class Row:
    """An example as text, and the line it begins on.

    Attributes:
      answers: every right answer where a question may have several, else empty.
    """

    inputs: str
    targets: str
    line: int
    answers: tuple[str, ...] = ()


@attrs.frozen
class Rows:
    """A split: what can be used of it and what cannot."""

    usable: tuple[Row, ...]
    unusable: tuple[UnusableRow, ...]


class NoInput(WrongCell):
    """A row has no text where one is needed: it is null, blank, or stands for a missing value."""


def read_rows(definition: TableDefinition, split: str) -> Rows:
    """Reads one split of a task.

    Raises:
      UnknownName: the task has no such split.
      SpotError: a file cannot be read; fewer than half of the rows can be used; some cannot and
        the task is strict.
    """
    if split not in definition.splits:
        raise UnknownName(f"split of task {definition.name!r}", split, definition.splits)
    usable: list[Row] = []
    unusable: list[UnusableRow] = []
    for path, form in definition.splits[split]:
        for line, record in _records(path, form, definition):
            try:
                if isinstance(record, str):
                    raise WrongCell(record)
                usable.append(_row(definition, record, line, form))
            except WrongCell as why:
                unusable.append(UnusableRow(path, line, str(why)))
    rows = Rows(tuple(usable), tuple(unusable))
    if not usable:
        files = ", ".join(str(p) for p, _ in definition.splits[split])
        detail = describe(rows) if unusable else "It holds no rows at all."
        raise SpotError(
            f"The split {split!r} of task {definition.name!r} is empty: no row of {files} can "
            f"be used. {detail}"
        )
    if mostly_unusable(len(usable), len(unusable)):
        raise SpotError(
            f"The split {split!r} of task {definition.name!r} is refused, for fewer than half of "
            f"its rows can be used, and what is left is not the data. {describe(rows)} Correct the "
            f"files, or {definition.file}."
        )
    if unusable and definition.strict:
        raise SpotError(
            f"The split {split!r} of task {definition.name!r} has rows that cannot be used, and "
            f"its task file says strict. {describe(rows)}"
        )
    return rows


def describe(rows: Rows) -> str:
    """How many rows cannot be used, where and why; rows of one reason are listed together."""
    alike: dict[tuple[Path, str], list[UnusableRow]] = {}
    for row in rows.unusable:
        alike.setdefault((row.file, row.reason), []).append(row)
    groups = list(alike.values())
    count, total = len(rows.unusable), len(rows.unusable) + len(rows.usable)
    shown = "; ".join(_together(group) for group in groups[:SHOWN])
    left = sum(len(group) for group in groups[SHOWN:])
    more = f"; and {left} more" if left else ""
    message = f"{count} of {total} rows cannot be used: {shown}{more}."
    if any("not UTF-8" in row.reason for row in rows.unusable):
        path = next(row.file for row in rows.unusable if "not UTF-8" in row.reason)
        message += f" Files must be UTF-8. {how_to_convert(path)}."
    return message


def _together(rows: list[UnusableRow]) -> str:
    """Rows of one file that have the same fault: the first, and the lines of some others."""
    first, *others = rows
    if not others:
        return str(first)
    lines = ", ".join(str(row.line) for row in others[:LINES])
    more = f" and {len(others) - LINES:,} more" if len(others) > LINES else ""
    return f"{first} (lines {lines}{more} too)"


def _records(
    path: Path, form: str, definition: TableDefinition
) -> Iterator[tuple[int, dict[str, Any] | str]]:
    """Yields the line each record begins on, and its cells by column or what is wrong."""
    try:
        with open_regular(path) as stream:
            if form == "jsonl":
                yield from json_records(stream)
            else:
                yield from csv_records(
                    stream,
                    tabs=form == "tsv",
                    columns=definition.columns,
                    check_header=lambda names: _check_header(names, path, definition),
                )
    except OSError as error:
        raise SpotError(
            f"The file {path} of task {definition.name!r} cannot be read: {error.strerror}. Check "
            f"the path under [splits] in {definition.file}; it is relative to that file's folder."
        ) from error


def _check_header(names: list[str], path: Path, definition: TableDefinition) -> None:
    """Checks that the first line of a file names the columns the task needs, once each."""
    if len(set(names)) < len(names):
        raise SpotError(
            f"The first line of {path} names a column twice: {', '.join(names)}. Rename one, or "
            f"give all names as columns = [...] in {definition.file}."
        )
    missing = [c for c in definition.needed_columns if c not in names]
    if missing:
        refuse_other_separator(str(path), names)
        raise SpotError(
            f"The file {path} of task {definition.name!r} has no column {', '.join(missing)}. Its "
            f"first line names: {', '.join(names)}. Correct the names in {definition.file}; where "
            "the file has no line of names, give them there as columns = [...]."
        )


def _row(definition: TableDefinition, record: Mapping[str, Any], line: int, form: str) -> Row:
    right: tuple[str, ...] = ()
    special: dict[str, str] = {}
    if definition.kind == LABEL:
        column = str(definition.label_column)
        special["label"] = cells.label(cell(record, column), column, definition.labels)
    elif definition.kind == NUMBER:
        special["label"] = _rounded(definition, record)
    elif definition.kind == ANSWERS:
        column = str(definition.answers_column)
        right = cells.answers(cell(record, column), column)
        special["answer"] = right[0]
    inputs = read_inputs(definition, record)
    targets = {
        c: special[c] if c in special else _text(definition, record, c)
        for c in definition.targets.columns
    }
    if form != "jsonl":
        for column in set(targets) - set(special):
            cells.refuse_listed(targets[column], column)
    return Row(inputs, definition.targets.fill(targets), line, right)


def read_inputs(definition: TableDefinition, record: Mapping[str, Any]) -> str:
    """What the model reads of a row.

    Raises:
      NoInput: what it needs is missing or blank.
      WrongCell: a cell is none that can be read.
    """
    inputs = {c: _text(definition, record, c) for c in definition.inputs.columns}
    if not any(text.strip() for text in inputs.values()):
        raise NoInput("every column of the inputs is blank")
    return definition.inputs.fill(inputs)


def _text(definition: TableDefinition, record: Mapping[str, Any], column: str) -> str:
    value = cell(record, column)
    optional = column in definition.optional_columns
    if optional and cells.missing(value, column) is not None:
        return ""
    why = cells.missing(value, column)
    if why is not None and value is not ABSENT:
        raise NoInput(why)
    text = cells.text(value, column)
    if not text.strip() and not optional:
        raise NoInput(f"{column!r} is blank")
    return text


def _rounded(definition: TableDefinition, record: Mapping[str, Any]) -> str:
    """The number as T5 writes it: to the nearest 0.2, one decimal (Raffel et al. 2020, 2.4)."""
    column = str(definition.label_column)
    value = cell(record, column)
    if value is ABSENT:
        raise WrongCell(f"no column {column!r}")
    number = cells.number(value, column)
    if not definition.round_to:
        return str(value).strip()
    # float32 and the same operations as t5.data.preprocessors.stsb, so that ties fall alike.
    per_unit = np.float32(1 / definition.round_to)
    nearest = np.round(np.float32(number) * per_unit) / per_unit
    decimals = max(1, math.ceil(-math.log10(definition.round_to)))
    return f"{float(nearest):.{decimals}f}"
