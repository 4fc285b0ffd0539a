"""Rows of JSONL in a folder bound to a task, checked against the task's columns.

Nothing in a file can stop the reading: a row that cannot be used is given as an
`UnusableRow` with its file, line and reason, and reading goes on behind it. Files are
read as a stream, so that their size does not matter.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.reading import open_regular
from spotfw.tasks.rows.kinds import (
    KINDS,
    Kind,
    WrongCell,
    described,
    label_places,
    shown,
    word,
)
from spotfw.tasks.rows.records import ABSENT, UnusableRow, cell, json_records

#: Rows that tell whether a file holds another data set.
LOOKED_AT = 200

#: TFDS's label of a row that has none.
UNLABELLED = -1


@attrs.frozen
class BoundRow:
    """A row that has what its task needs, and where it stands."""

    file: Path
    line: int
    cells: Mapping[str, Any]


@attrs.frozen
class UnlabelledRow:
    """A row that is as it should be but for its label, which is TFDS's -1, for none."""

    file: Path
    line: int


@attrs.frozen(kw_only=True)
class Schema:
    """What a row must hold.

    Attributes:
      columns: kind by column; ``answers.text`` reaches into a dictionary. A kind is one of
        the types str, int, float, bool, list, dict or a word of `KINDS`; with a question
        mark behind it (``str?``) the column may be absent, null, or blank text.
      labels: what the places of a ``label`` column mean.
    """

    columns: Mapping[str, Kind]
    labels: tuple[str, ...] = ()


def find_file(folder: Path, *names: str) -> Path | None:
    """The first of ``NAME.jsonl`` that is in the folder."""
    return next((p for n in names if (p := folder / f"{n}.jsonl").is_file()), None)


def read_file(path: Path, schema: Schema) -> Iterator[BoundRow | UnlabelledRow | UnusableRow]:
    """The rows of a file, in order, those that cannot be used among them.

    Raises:
      SpotError: the file cannot be read.
    """
    checks = _checks(schema)
    try:
        with open_regular(path) as stream:
            for line, record in json_records(stream):
                yield _checked(path, line, record, checks)
    except OSError as error:
        raise SpotError(
            f"The file {path} cannot be read: {error.strerror or error}. Check the folder."
        ) from error


def check_rows(
    rows: Iterator[tuple[int, Mapping[str, Any] | str]], path: Path, schema: Schema
) -> Iterator[BoundRow | UnlabelledRow | UnusableRow]:
    """As `read_file`, for rows that something else has read, with their numbers."""
    checks = _checks(schema)
    return (_checked(path, number, row, checks) for number, row in rows)


def check_file(path: Path, schema: Schema, task: str) -> None:
    """Looks at a file's first rows, to tell early that it holds something else.

    Raises:
      SpotError: no row, or less than half of the first `LOOKED_AT`, can be used.
    """
    look_at(list(itertools.islice(read_file(path, schema), LOOKED_AT)), path, schema, task)


def look_at(
    first: Sequence[BoundRow | UnlabelledRow | UnusableRow], path: Path, schema: Schema, task: str
) -> None:
    """As `check_file`, for rows that were read already."""
    again = f"Bind the folder of the right data with `spotfw tasks bind {task} FOLDER`"
    if not first:
        raise SpotError(f"The file {path} of the task {task!r} holds no rows. {again}.")
    unusable = [row for row in first if isinstance(row, UnusableRow)]
    if len(unusable) * 2 <= len(first):
        if all(isinstance(row, UnlabelledRow) for row in first):
            raise SpotError(
                f"The file {path} of the task {task!r} has no labels: its first {len(first)} rows "
                "have the label -1, which stands for none. Choose another split."
            )
        return
    reasons = Counter(row.reason for row in unusable)
    record = _first_record(path)
    missing = [
        f"{column!r}"
        for column, kind in schema.columns.items()
        if _absent(column) in reasons
        or (record and not word(kind).endswith("?") and cell(record, column) is ABSENT)
    ]
    counted = f"{len(unusable)} of its first {len(first)} rows"
    if missing:
        columns = ", ".join(ascii(c)[1:-1][:40] for c in itertools.islice(record, 12))
        has = f" The first row has {columns}." if columns else ""
        raise SpotError(
            f"The file {path} does not hold the data set of the task {task!r}: {counted} cannot "
            f"be used, for there is no column {', '.join(missing)}.{has} {again}; its rows have "
            f"{describe_columns(schema)}."
        )
    often = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(3))
    raise SpotError(
        f"The file {path} does not hold the data set of the task {task!r}: {counted} cannot be "
        f"used: {often}; the first on line {unusable[0].line}. {again}, or correct the file; its "
        f"rows have {describe_columns(schema)}."
    )


def describe_columns(schema: Schema) -> str:
    """The columns that a row needs, for a message: ``premise (text), label (0 to 2)``."""
    return ", ".join(
        f"{column} ({described(kind, schema.labels)})"
        for column, kind in schema.columns.items()
        if not word(kind).endswith("?")
    )


_Check = Callable[[Mapping[str, Any]], bool]


def _checked(
    path: Path, line: int, record: Mapping[str, Any] | str, checks: Sequence[_Check]
) -> BoundRow | UnlabelledRow | UnusableRow:
    if isinstance(record, str):
        return UnusableRow(path, line, record)
    try:
        # Every column is looked at: a spoilt row is not excused by having no label.
        labelled = all([check(record) for check in checks])
    except WrongCell as why:
        return UnusableRow(path, line, str(why))
    return BoundRow(path, line, record) if labelled else UnlabelledRow(path, line)


def _checks(schema: Schema) -> list[_Check]:
    """One check a column: raises `WrongCell`, or tells whether the row has its label."""
    return [_check(column, word(kind), schema.labels) for column, kind in schema.columns.items()]


def _check(column: str, kind: str, labels: tuple[str, ...]) -> _Check:
    optional = kind.endswith("?")
    kind = kind.rstrip("?")
    if kind != "label" and kind not in KINDS:
        raise ValueError(f"the column {column!r} is of no kind {kind!r}; there are {sorted(KINDS)}")

    def check(record: Mapping[str, Any]) -> bool:
        value = cell(record, column)
        if optional and (value is ABSENT or value is None or value == ""):
            return True
        if value is ABSENT:
            raise WrongCell(_absent(column))
        if kind == "label":
            return _has_label(value, column, labels)
        KINDS[kind](value, column)
        return True

    return check


def _absent(column: str) -> str:
    return f"no column {column!r}"


def _has_label(value: Any, column: str, labels: tuple[str, ...]) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value < len(labels):
            return True
        if value == UNLABELLED:
            return False
    raise WrongCell(f"the label {shown(value)} of {column!r} is not {label_places(labels)}")


def _first_record(path: Path) -> Mapping[str, Any]:
    """The first row that can be read; nothing where `path` is no JSONL file."""
    if path.suffix != ".jsonl" or not path.is_file():
        return {}
    with open_regular(path) as stream:
        records = (r for _, r in itertools.islice(json_records(stream), LOOKED_AT))
        return next((r for r in records if not isinstance(r, str)), {})
