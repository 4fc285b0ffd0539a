"""Text in lines of a terminal's width, broken between words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

#: Where a word may be broken: behind these, but not within 0.95.
PIECES = re.compile(r"(?:\d\.\d|[^\s_/.:,-])*[_/.:,-]+\s*|[^\s_/.:,-]+\s*|\s+")


def wrap(text: str, width: int) -> list[str]:
    """A text in lines of at most so many columns, broken at blanks, else behind a mark."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        indent = paragraph[: len(paragraph) - len(paragraph.lstrip())]
        line = indent
        for word in _words(paragraph.lstrip(), width - len(indent)):
            if line.strip() and cell_len(line + word.rstrip()) > width:
                lines.append(line.rstrip())
                line = indent
            line += word
        lines.append(line.rstrip())
    return lines


def _words(text: str, width: int) -> Iterator[str]:
    """Words with the blanks behind them; one that is too long, in pieces."""
    for word in re.findall(r"`[^`]*`\S*\s*|\S+\s*", text):
        if cell_len(word.rstrip()) <= width:
            yield word
            continue
        if " " in word.rstrip():  # a command in backquotes
            for part in re.findall(r"\S+\s*", word):
                yield from _words(part, width)
            continue
        for piece in _pieces(word, width):
            if cell_len(piece.rstrip()) <= width:
                yield piece
            else:
                yield from chop_cells(piece, width)


def _pieces(word: str, width: int) -> Iterator[str]:
    """A long word's pieces: of a list, such as settings, its items while they fit."""
    for item in re.findall(r"[^,]+,*\s*|,+\s*", word):
        if "," in word and "=" in word and cell_len(item.rstrip()) <= width:
            yield item
        else:
            yield from PIECES.findall(item)
