"""A text cut into windows of words, held once: its bytes, and where each window lies in them.

A gigabyte of text is some 170 million words, ten times its size as Python's strings; here it is
the gigabyte, and 16 bytes a window.
"""

from __future__ import annotations

import codecs
import re
from array import array
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np

from spotfw.tasks import Example

#: Of so many windows of a text one is held out, to see how well others are predicted.
HELD_OUT = 20

# What `str.split` takes for spaces, but for the end of a line: those of one byte in UTF-8 (as a
# class), and the others.
_BYTE = "[\t\x0b\x0c\r\x1c-\x1f ]*"
_WIDE = "|".join(
    (*"\x85\xa0\u1680", *map(chr, range(0x2000, 0x200B)), *"\u2028\u2029\u202f\u205f\u3000")
)
#: Parts paragraphs, however lines end.
_BLANK = re.compile(f"\n{_BYTE}(?:(?:{_WIDE}){_BYTE})*\n".encode())


class TextWindows:
    """Windows of a text's words, at most so many each; those of a single word are left out.

    Paragraphs, parted by blank lines, are not joined.

    Args:
      data: the text, UTF-8; a byte order mark at its beginning is no part of it.
      words: most words of a window, 2 or more.

    Raises:
      UnicodeDecodeError: it is no UTF-8.
    """

    def __init__(self, data: bytes, words: int) -> None:
        self._data = data
        #: First byte of each window and the byte after its last, one after the other.
        self._places = array("q")
        # Spaces and words share no character, so that no text makes this look back far.
        window = re.compile(rf"\S+(\s+\S+){{0,{words - 1}}}")
        for first, last in _paragraphs(data):
            self._add(window, first, data[first:last].decode())

    def __len__(self) -> int:
        return len(self._places) // 2

    def __getitem__(self, number: int) -> Sequence[str]:
        """The words of window `number`, from 0."""
        first, last = self._places[2 * number], self._places[2 * number + 1]
        return self._data[first:last].decode().split()

    def _add(self, window: re.Pattern[str], first: int, paragraph: str) -> None:
        ascii_only, done, place = paragraph.isascii(), 0, first
        for match in window.finditer(paragraph):
            start, end = match.span()
            if ascii_only:
                place, after = first + start, first + end
            else:  # a character may have several bytes
                place += len(paragraph[done:start].encode())
                after = place + len(paragraph[start:end].encode())
            if match.lastindex is not None:  # it has a second word
                self._places.extend((place, after))
            done, place = end, after


class CutWindows(Sequence[Example]):
    """Windows as examples, each cut in two at a place drawn by its number: a prefix and the rest.

    Args:
      windows: of a text.
      held_out: those of every `HELD_OUT`th number from 0, or all others.
    """

    def __init__(self, windows: TextWindows, *, held_out: bool) -> None:
        self._windows, self._held_out = windows, held_out

    def __len__(self) -> int:
        held_out = -(-len(self._windows) // HELD_OUT)
        return held_out if self._held_out else len(self._windows) - held_out

    @overload
    def __getitem__(self, place: int) -> Example: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Example]: ...

    def __getitem__(self, place: int | slice) -> Example | Sequence[Example]:
        if isinstance(place, slice):
            return [self[p] for p in range(len(self))[place]]
        place = range(len(self))[place]
        number = place * HELD_OUT
        if not self._held_out:
            number = place // (HELD_OUT - 1) * HELD_OUT + place % (HELD_OUT - 1) + 1
        return _cut(self._windows[number], number)


def _paragraphs(data: bytes) -> Iterator[tuple[int, int]]:
    first = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    for blank in _BLANK.finditer(data, first):
        yield first, blank.start()
        first = blank.end()
    yield first, len(data)


def _cut(window: Sequence[str], number: int) -> Example:
    bits = np.random.Philox(np.random.SeedSequence([3, number])).random_raw()
    at = 1 + int(bits) % (len(window) - 1)
    return Example(inputs=" ".join(window[:at]), targets=" ".join(window[at:]))
