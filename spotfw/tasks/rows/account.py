"""What became of the rows of a split: which gave examples, which could not, and why."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from typing import TypeVar

import attrs

from spotfw.errors import Once, SpotError
from spotfw.tasks.rows.bound import UnlabelledRow
from spotfw.tasks.rows.records import UnusableRow

_log = logging.getLogger(__name__)

#: Unusable rows listed in a message; all are in `Account.unusable`.
SHOWN = 20

#: Messages that were logged: the same data is read again and again.
_logged = Once()

T = TypeVar("T")


@attrs.define
class Account:
    """Counts of one reading of a split, kept while it goes on.

    Attributes:
      task, split: whose.
      labels: the task's class labels, each of which the training split should have; empty
        for free text.
      usable: rows that gave examples.
      unlabelled: rows left out for they have no label (TFDS's -1).
      unusable: rows left out, each with its reason.
      seen: labels seen so far.
      whole: whether the reading came to its end.
    """

    task: str
    split: str
    labels: tuple[str, ...] = ()
    usable: int = 0
    unlabelled: int = 0
    unusable: list[UnusableRow] = attrs.field(factory=list)
    seen: set[str] = attrs.field(factory=set)
    whole: bool = False

    def keep(self, rows: Iterable[T | UnlabelledRow | UnusableRow]) -> Iterator[T]:
        """Passes on what can be used and counts the rest; tells of it when it ends.

        Raises:
          SpotError: at the end of the rows, where fewer than half of them could be used.
        """
        try:
            for row in rows:
                if isinstance(row, UnusableRow):
                    self.unusable.append(row)
                elif isinstance(row, UnlabelledRow):
                    self.unlabelled += 1
                else:
                    self.usable += 1
                    yield row
            self.whole = True
        finally:
            # Also when the reader has enough: what was left out until there is named.
            self.tell()
        # Rows that their publisher left without a label are as they should be.
        if mostly_unusable(self.usable, len(self.unusable)):
            raise SpotError(
                f"The split {self.split!r} of task {self.task!r} is refused, for fewer than half "
                "of its rows can be used, and what is left is not the data. "
                f"{' '.join(self.messages())} Correct the data, or bind another folder."
            )

    def tell(self) -> None:
        """Logs what was left out, and labels that no row has, once each."""
        for message in self.messages():
            if _logged.first(message):
                _log.warning("%s", message)

    def messages(self) -> list[str]:
        """What there is to say, a paragraph each."""
        messages = []
        where = f"The split {self.split!r} of task {self.task!r}"
        total = self.usable + self.unlabelled + len(self.unusable)
        if self.unusable:
            listed = "; ".join(map(str, self.unusable[:SHOWN]))
            more = len(self.unusable) - SHOWN
            messages.append(
                f"{where}: {len(self.unusable)} of {total} rows cannot be used: {listed}"
                + (f"; and {more} more." if more > 0 else ".")
            )
        if self.unlabelled:
            messages.append(
                f"{where}: {self.unlabelled} of {total} rows have the label -1, which stands for "
                "none, and are left out."
            )
        if self.whole and self.split == "train" and self.usable:
            messages += unseen_labels(where, self.labels, self.seen)
        return messages


def mostly_unusable(usable: int, unusable: int) -> bool:
    """Whether fewer than half of a split's rows can be used, so that it stands for nothing."""
    return unusable > usable


def unseen_labels(where: str, labels: Iterable[str], seen: Collection[str]) -> list[str]:
    """A paragraph on the labels that no row has, none where there is no such label.

    Args:
      where: the training split, as a sentence begins.
      labels: all of the task.
      seen: those that rows have.
    """
    unseen = [label for label in labels if label not in seen]
    if not unseen:
        return []
    return [
        f"{where} has no row with the label {' or '.join(map(repr, unseen))}, so the prompt "
        "cannot learn it."
    ]
