"""Tables for a terminal of any width: numbers, ids and times are never broken, names may wrap.

A table that does not fit even so is cut between its columns: the first is repeated before the
others that follow below. Widths are those a terminal gives characters.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len

from spotfw.recipe.progress.wrapping import PIECES, wrap

#: Columns between two cells.
_GAP = 2
#: The fewest columns of words that can be wrapped.
_NARROWEST = 10
#: Counts, scores, times, shares: what is worth nothing broken.
_WHOLE = re.compile(r"[-≤±+*]?\s?[\d.,:]+\s?[%*]?( ± [\d.,]+)?( (s|min|h|[KMGT]i?B))*")


def layout(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int,
    *,
    right: Collection[int] = (),
    whole: Collection[int] = (),
) -> list[tuple[bool, str]]:
    """The lines of a table, each with whether it is one of headings.

    Args:
      columns: headings.
      rows: cells, as many in each as `columns`.
      width: columns of the terminal.
      right: places of the columns that are aligned to the right.
      whole: places of those that are never broken; those of numbers and the like never are.
    """
    if not columns:
        return []
    kept = {
        place
        for place in range(len(columns))
        if place in whole or all(c == "-" or _WHOLE.fullmatch(c) for c in _cells(rows, place))
    }
    lines: list[tuple[bool, str]] = []
    for places in _parts(columns, rows, width, kept):
        if lines:
            lines.append((False, ""))
        widths = _widths([columns[p] for p in places], rows, places, width, kept)
        if any(columns[p] for p in places):
            lines += [(True, text) for text in _line(columns, places, widths, right)]
        for row in rows:
            lines += [(False, text) for text in _line(row, places, widths, right)]
    return lines


def full_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Columns of the terminal that a table takes in which nothing is broken."""
    widths = [max(map(cell_len, [c, *_cells(rows, p)])) for p, c in enumerate(columns)]
    return sum(widths) + _GAP * (len(widths) - 1)


def _parts(
    columns: Sequence[str], rows: Sequence[Sequence[str]], width: int, kept: Collection[int]
) -> Iterator[list[int]]:
    """Columns that stand side by side; but for the first part, the first column leads each."""
    places = [0]
    for place in range(1, len(columns)):
        least = [_least(columns[p], rows, p, kept) for p in [*places, place]]
        if sum(least) + _GAP * (len(least) - 1) > width and len(places) > 1:
            yield places
            places = [0]
        places.append(place)
    yield places


def _widths(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    places: Sequence[int],
    width: int,
    kept: Collection[int],
) -> list[int]:
    """Columns of each: what it wants, taken from the widest of those that can be broken."""
    widths = [
        max(map(cell_len, [h, *_cells(rows, p)])) for h, p in zip(headings, places, strict=True)
    ]
    least = [_least(h, rows, p, kept) for h, p in zip(headings, places, strict=True)]
    over = sum(widths) + _GAP * (len(widths) - 1) - width
    while over > 0:
        spare = [w - m for w, m in zip(widths, least, strict=True)]
        if max(spare) <= 0:
            break
        widest = max((i for i, s in enumerate(spare) if s > 0), key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    if over > 0 and len(widths) <= 2 and places[-1] not in kept:
        widths[-1] = max(_NARROWEST, widths[-1] - over)
    return widths


def _least(heading: str, rows: Sequence[Sequence[str]], place: int, kept: Collection[int]) -> int:
    """The fewest columns that a column can have."""
    cells = _cells(rows, place)
    if place in kept:
        return max([_longest_word(heading), *map(cell_len, cells)])
    longest = max(map(_longest_piece, [heading, *cells]))
    widest = max(map(cell_len, [heading, *cells]))
    return min(widest, max(_NARROWEST, min(longest, 2 * _NARROWEST)))


def _line(
    cells: Sequence[str], places: Sequence[int], widths: Sequence[int], right: Collection[int]
) -> list[str]:
    wrapped = [wrap(cells[p], w) for p, w in zip(places, widths, strict=True)]
    lines = []
    for texts in zip_longest(*wrapped, fillvalue=""):
        padded = [
            " " * (w - cell_len(t)) + t if p in right else t + " " * (w - cell_len(t))
            for t, w, p in zip(texts, widths, places, strict=True)
        ]
        lines.append((" " * _GAP).join(padded).rstrip())
    return lines


def _cells(rows: Sequence[Sequence[str]], place: int) -> list[str]:
    return [row[place] for row in rows]


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _longest_piece(text: str) -> int:
    return max((cell_len(piece.rstrip()) for piece in PIECES.findall(text)), default=0)
