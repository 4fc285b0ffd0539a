"""AI2's form: rows as JSON lines, and their labels, from 1, in a file beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spotfw.errors import SpotError
from spotfw.tasks.rows.records import json_records
from spotfw_paper_tasks.dataset import Row
from spotfw_paper_tasks.published.labelled_lines import lines


def rows(path: Path) -> Iterator[Row]:
    """Rows of ``train.jsonl`` with ``label``, from 0, out of ``train-labels.lst``.

    A row that cannot be read is ``{}``; one whose label cannot be read has no ``label``.

    Args:
      path: the file of labels. The rows are in ``train.jsonl`` beside it; that name alone
        would not tell these files from rows that carry their labels.

    Raises:
      SpotError: a file cannot be read, or the two do not have as many lines: then no label
        can be trusted to stand beside its row.
    """
    data = path.with_name(path.name.removesuffix(".lst").removesuffix("-labels") + ".jsonl")
    places = [_place(line) for line in lines(path) if line is None or line.strip()]
    try:
        with data.open("rb") as stream:
            count = sum(1 for _ in json_records(stream))
        if count != len(places):
            raise SpotError(
                f"The file {data} has {count:,} rows and {path.name} beside it {len(places):,} "
                "labels, so no label can be trusted. Get both again from the same archive."
            )
        with data.open("rb") as stream:
            for (_, record), place in zip(json_records(stream), places, strict=True):
                if isinstance(record, str):
                    yield {}
                elif place is None:
                    yield {k: v for k, v in record.items() if k != "label"}
                else:
                    yield {**record, "label": place}
    except OSError as error:
        raise SpotError(
            f"The file {data} cannot be read: {error.strerror or error}. Check the folder."
        ) from error


def _place(line: str | None) -> int | None:
    """A label's place from 0, None where the line holds none."""
    label = (line or "").strip()
    return int(label) - 1 if label.isdecimal() and int(label) > 0 else None
