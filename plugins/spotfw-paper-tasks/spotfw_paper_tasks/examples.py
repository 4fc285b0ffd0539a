"""A split as examples, and the account of the rows that gave none."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from spotfw.tasks import labels_in
from spotfw.tasks.rows.account import Account
from spotfw.tasks.rows.bound import BoundRow, UnlabelledRow
from spotfw.tasks.rows.records import UnusableRow
from spotfw_paper_tasks.dataset import Dataset, Example, Unusable
from spotfw_paper_tasks.rows import AnyRow, open_rows


@attrs.frozen
class Examples:
    """A whole split.

    Attributes:
      examples: in the data's order.
      account: how many rows gave them, and every row that could not, with its reason.
    """

    examples: tuple[Example, ...]
    account: Account


def read_examples(dataset: Dataset, split: str) -> Examples:
    """All examples of a split, and what became of each row.

    Raises:
      UnknownName: there is no such split.
      SpotError: the data is not on this machine, or is another data set's.
    """
    account = Account(dataset.name, split, dataset.labels)
    return Examples(tuple(stream_examples(dataset, split, account)), account)


def stream_examples(
    dataset: Dataset, split: str, account: Account | None = None
) -> Iterator[Example]:
    """The examples of a split one by one; rows that give none are logged at the end.

    Raises:
      as `read_examples`, at once.
    """
    rows = open_rows(dataset, split)
    kept = account if account is not None else Account(dataset.name, split, dataset.labels)

    def generate() -> Iterator[Example]:
        for examples in kept.keep(_examples(dataset, row) for row in rows):
            for example in examples:
                if dataset.labels:
                    kept.seen.update(labels_in(example.targets, dataset.labels))
                yield example

    return generate()


def _examples(dataset: Dataset, row: AnyRow) -> list[Example] | UnlabelledRow | UnusableRow:
    if not isinstance(row, BoundRow):
        return row
    try:
        examples = list(dataset.examples(row.cells))
        for example in examples:
            _check(example)
    except Unusable as why:
        reason = str(why)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # A row whose checked columns are right can still be odd in what lies inside them.
        reason = f"no example can be made of it ({type(error).__name__}: {error!s:.100})"
    else:
        return examples
    return UnusableRow(row.file, row.line, reason)


def _check(example: Example) -> None:
    for side in ("inputs", "targets"):
        text = getattr(example, side)
        if not text.strip():
            raise Unusable(f"its {side} are blank")
        text.encode()
        if "\0" in text:
            raise Unusable(f"its {side} hold a NUL character")
