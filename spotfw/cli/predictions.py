"""Answers as they are printed: in a terminal beside their texts, elsewhere a line each."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from spotfw.cli.display import say, terminal_width
from spotfw.errors import plain
from spotfw.recipe.progress.bars import is_terminal

#: Columns of a text beside an answer, at least.
_TEXT = 20
#: Columns between an answer and its text.
_GAP = "  "
_CUT = "..."


def print_predictions(rows: Sequence[Mapping[str, Any]], lead: str = "") -> None:
    """Prints a line for each row, whatever the model says.

    Where the output is no terminal, or there is no room beside the answers, it is the answer and,
    behind tabs, each label with its share. In a terminal the text stands behind it, cut to the
    width, and before it as many labels as leave room, the most likely first.

    Args:
      rows: each with ``input``, ``output`` (None: not answered) and perhaps ``scores`` by label.
      lead: what a template puts before every text, which is not shown.
    """
    answers = [
        [" ".join((row["output"] or "").splitlines()), *_shares(row.get("scores"))] for row in rows
    ]
    beside = _with_room(answers) if is_terminal(sys.stdout) else None
    if beside is None:
        for answer in answers:
            say("\t".join(answer))
        return
    answers, room = beside
    for row, line in zip(rows, _in_columns(answers), strict=True):
        text = plain(" ".join((row["input"] or "").removeprefix(lead).split()))
        say(f"{line}{_GAP}{_shortened(text, room)}".rstrip())


def _shares(scores: Mapping[str, float] | None) -> list[str]:
    ordered = sorted((scores or {}).items(), key=lambda pair: -pair[1])
    return [f"{label} {share:.4f}" for label, share in ordered]


def _widths(answers: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    count = max(map(len, answers), default=0)
    return [
        max(cell_len(plain(answer[place])) for answer in answers if place < len(answer))
        for place in range(count)
    ]


def _with_room(answers: Sequence[list[str]]) -> tuple[list[list[str]], int] | None:
    """The answers with as many of their shares as leave room for texts, and that room."""
    for count in range(max(map(len, answers), default=0), 0, -1):
        kept = [answer[:count] for answer in answers]
        room = terminal_width() - sum(width + len(_GAP) for width in _widths(kept))
        if room >= _TEXT:
            return kept, room
    return None


def _in_columns(answers: Sequence[Sequence[str]]) -> list[str]:
    from rich.cells import set_cell_size

    widths = _widths(answers)
    padded = [[*answer, *[""] * (len(widths) - len(answer))] for answer in answers]
    return [
        _GAP.join(set_cell_size(plain(c), w) for c, w in zip(cells, widths, strict=True))
        for cells in padded
    ]


def _shortened(text: str, columns: int) -> str:
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= columns:
        return text
    return set_cell_size(text, columns - len(_CUT)).rstrip() + _CUT
