"""A table as a value, written as CSV and Markdown."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from typing import Any, Literal

import attrs

from spotfw.study.findings.arithmetic import Spread

Mark = Literal["", "best", "positive"]


@attrs.frozen
class Cell:
    """One value of a table.

    Attributes:
      value: a number, a text, or None where there is nothing.
      std: of a number that is a mean.
      mark: ``best`` of its column, ``positive`` where it is above the baseline.
      digits: decimals shown.
      sign: whether a number above 0 shows its plus.
    """

    value: float | int | str | None
    std: float | None = None
    mark: Mark = ""
    digits: int = 1
    sign: bool = False

    @property
    def text(self) -> str:
        """As people read it: ``81.2 ± 0.4``, a dash for nothing."""
        if self.std is None:
            return self._number(self.value, self.sign)
        return f"{self._number(self.value, self.sign)} ± {self._number(self.std, False)}"

    @property
    def is_number(self) -> bool:
        """Whether it sorts as a number."""
        return isinstance(self.value, (int, float)) and math.isfinite(self.value)

    def _number(self, value: float | int | str | None, sign: bool) -> str:
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return "-"
        if isinstance(value, float):
            if self.digits >= 4 and 0 <= value < 10**-self.digits:
                # A p-value is never nothing.
                return f"< {10**-self.digits:.{self.digits}f}"
            # Rounded first: what shows as 0.0 has no sign.
            rounded = round(value, self.digits) + 0.0
            return (
                f"{rounded:{'+' if sign and rounded else ''}{_thousands(rounded)}.{self.digits}f}"
            )
        return f"{value:{_thousands(value)}}" if type(value) is int else str(value)


def _thousands(value: float) -> str:
    """The separator of a number that is hard to read without; a seed such as 2024 stays one."""
    return "," if abs(value) >= 10_000 else ""


def mean_cell(spread: Spread | None, *, sign: bool = False, mark: Mark = "") -> Cell:
    """A mean with its standard deviation; a dash of nothing, no deviation of a single run."""
    if spread is None:
        return Cell(None)
    std = spread.std if spread.count > 1 else None
    return Cell(spread.mean, std, mark=mark, sign=sign)


def _rows(rows: Iterable[Iterable[Any]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(value if isinstance(value, Cell) else Cell(value) for value in row) for row in rows
    )


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@attrs.frozen(kw_only=True)
class Table:
    """A table.

    Attributes:
      name: of its files, e.g. ``table4``.
      title: what it tells.
      columns: headings, N of them.
      rows: N cells each; plain values become cells.
      notes: what a reader must know, and what is missing.
      empty: why there is no row, where there is none.
    """

    name: str
    title: str
    columns: tuple[str, ...] = attrs.field(converter=_texts)
    rows: tuple[tuple[Cell, ...], ...] = attrs.field(converter=_rows)
    notes: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    empty: str = "nothing yet: no cell that it needs has ended"

    def to_csv(self) -> str:
        """As CSV with full precision; a column of means has its deviations in ``NAME_std``."""
        spread = [
            any(row[c].std is not None for row in self.rows) for c in range(len(self.columns))
        ]
        stream = io.StringIO()
        write = csv.writer(stream, lineterminator="\n").writerow
        write(
            name
            for column, pair in zip(self.columns, spread, strict=True)
            for name in ([f"{column}_mean", f"{column}_std"] if pair else [column])
        )
        for row in self.rows:
            write(
                "" if value is None else value
                for cell, pair in zip(row, spread, strict=True)
                for value in ([cell.value, cell.std] if pair else [cell.value])
            )
        return stream.getvalue()

    def to_markdown(self) -> str:
        """As Markdown: the best of a column bold, a positive transfer in italics."""
        numbers = [any(row[c].is_number for row in self.rows) for c in range(len(self.columns))]
        lines = [
            f"### {_escaped(self.title)}",
            "",
            _line(_escaped(c) for c in self.columns),
            _line("---:" if number else "---" for number in numbers),
            *(_line(_marked(cell) for cell in row) for row in self.rows),
        ]
        return "\n".join([*lines, *(f"\n{_escaped(note)}" for note in self.notes), ""])


def _marked(cell: Cell) -> str:
    around = {"best": "**", "positive": "*", "": ""}[cell.mark]
    return f"{around}{_escaped(cell.text)}{around}"


def _escaped(text: str) -> str:
    """Text that means itself in Markdown, also within a table."""
    text = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#" else c for c in text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
