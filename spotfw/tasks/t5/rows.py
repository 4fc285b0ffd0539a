"""Rows for a task of t5.data from a folder that is bound to it; no TensorFlow here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError, UnknownName
from spotfw.tasks import bindings
from spotfw.tasks.rows.account import Account
from spotfw.tasks.rows.bound import (
    LOOKED_AT,
    UNLABELLED,
    BoundRow,
    UnlabelledRow,
    find_file,
    look_at,
    read_file,
)
from spotfw.tasks.rows.getting import bind_or_prepare
from spotfw.tasks.rows.records import UnusableRow
from spotfw.tasks.t5.entry import T5Entry

Row = BoundRow | UnlabelledRow | UnusableRow


def bound_folder(entry: T5Entry) -> Path | None:
    """The folder bound to a task under any of its names, None where there is none."""
    return bindings.bound(entry.name, *entry.also, bindings.folder_name(entry.tfds))


def how_to_get(entry: T5Entry) -> str:
    """What a user does to have the data, as the end of a message."""
    return bind_or_prepare(entry.also[0], entry.schema, [entry.tfds])


def open_rows(entry: T5Entry, split: str) -> Iterator[Row]:
    """The rows of a split of the bound folder, in order, unusable ones among them.

    MNLI's ``validation_matched`` is ``validation.jsonl`` where only that is there; what is
    mismatched has no such stand-in, for its score would be another split's.

    Raises:
      UnknownName: there is no such split.
      SpotError: the folder lacks it, or holds another data set.
    """
    if split not in entry.splits:
        raise UnknownName(f"split of task {entry.name!r}", split, entry.splits)
    folder = bound_folder(entry)
    assert folder is not None
    path = file_of(entry, split, folder)
    if path is None:
        raise SpotError(
            f"The folder {folder}, bound to the task {entry.name!r}, has no {split}.jsonl, so its "
            f"split {split!r} cannot be read. Add that file, or bind another folder with "
            f"`spotfw tasks bind {entry.also[0]} FOLDER`."
        )
    rows: Iterator[Row] = (_without_fault(entry, row) for row in read_file(path, entry.schema))
    first = list(itertools.islice(rows, LOOKED_AT))
    look_at(first, path, entry.schema, entry.also[0])
    return itertools.chain(first, rows)


def file_of(entry: T5Entry, split: str, folder: Path) -> Path | None:
    """The file of a split in a bound folder, None where it is not there."""
    return find_file(folder, entry.splits[split][0], split, *_stand_ins(split))


def usable_rows(
    entry: T5Entry, split: str, account: Account | None = None
) -> Iterator[Mapping[str, Any]]:
    """The usable rows; what is left out is counted in `account` and logged at the end.

    Raises:
      as `open_rows`, at once.
    """
    kept = account if account is not None else Account(entry.name, split, entry.labels)
    rows = open_rows(entry, split)

    def generate() -> Iterator[Mapping[str, Any]]:
        for row in kept.keep(rows):
            if entry.labels:
                kept.seen.add(entry.labels[row.cells["label"]])
            yield row.cells

    return generate()


def _stand_ins(split: str) -> tuple[str, ...]:
    whole, _, genres = split.partition("_")
    return (whole,) if genres == "matched" else ()


def _without_fault(entry: T5Entry, row: Row) -> Row:
    if entry.fault is None or not isinstance(row, BoundRow):
        return row
    if row.cells.get("label") == UNLABELLED:  # STS-B and WSC, whose label is a number here
        return UnlabelledRow(row.file, row.line)
    fault = entry.fault(row.cells)
    return row if fault is None else UnusableRow(row.file, row.line, fault)
