"""The examples of a task of t5.data: rows of a bound folder or of TFDS, as t5 writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from spotfw.errors import SpotError, UnknownName
from spotfw.tasks.example import Example
from spotfw.tasks.t5.entry import T5Entry
from spotfw.tasks.t5.rows import bound_folder, usable_rows


def examples(entry: T5Entry, split: str) -> Iterator[Example]:
    """The examples of a split; TensorFlow is imported where no folder is bound.

    Raises:
      UnknownName: there is no such split.
      SpotError: the data is absent, or another data set's; at once.
    """
    if split not in entry.splits:
        raise UnknownName(f"split of task {entry.name!r}", split, entry.splits)
    if bound_folder(entry) is not None:
        return _made(entry, split, usable_rows(entry, split))
    from spotfw.tasks.t5.build import prepared_rows

    return _made(entry, split, prepared_rows(entry, split))


def _made(entry: T5Entry, split: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Example]:
    assert entry.examples is not None
    for number, row in enumerate(rows, 1):
        if split == "train" and entry.train_label not in (None, row.get("label")):
            continue
        try:
            yield from entry.examples(row)
        except ValueError as error:  # only of TFDS's rows: those of a folder are checked
            raise SpotError(
                f"The split {split!r} of task {entry.name!r} cannot be read: row {number}: {error}."
            ) from error
