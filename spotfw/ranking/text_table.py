"""A table as plain text, for what is printed in Python and by the command line."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from spotfw.errors import plain


def text_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    right: Collection[int] = (),
) -> str:
    """A titled table; what a terminal would act on is escaped, for names come from anyone.

    Args:
      title: a line above it.
      columns: headings.
      rows: cells, as many in each as `columns`; None is a dash.
      right: places of the columns that stand to the right.
    """
    lines = [list(columns), *(["-" if c is None else str(c) for c in row] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    table = (
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return plain("\n".join([title, *table]))
