"""Elements of a long JSON array, one at a time.

Some data sets are one array of a gigabyte or more; `json.load` would hold all of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from spotfw.errors import SpotError

#: Characters read at first; more at a time while an element is longer than what was read.
CHUNK = 2**16

#: No element of these data sets is near it; a file that has one is damaged.
LONGEST_ELEMENT = 2**26


def elements(path: Path, key: str | None = None) -> Iterator[Any]:
    """The elements of the array that a file holds, or that stands under `key` in its object.

    Bytes that are not UTF-8 become lone surrogates, which the check of rows finds.

    Raises:
      SpotError: the file cannot be read, has no such array, or is broken off or not JSON
        at some point; the elements before that point have been given.
    """
    begin = re.compile(r"\s*\[" if key is None else rf'"{re.escape(key)}"\s*:\s*\[')
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as stream:
            text = _Text(stream)
            if not text.skip(begin, anywhere=key is not None):
                where = "is no JSON array" if key is None else f"has no array under {key!r}"
                raise SpotError(f"The file {path} {where}. Get it again, or check its name.")
            yield from _elements(text, path)
    except OSError as error:
        raise SpotError(
            f"The file {path} cannot be read: {error.strerror or error}. Check the folder."
        ) from error


class _Text:
    """A stream's text from where reading stands; grows at the end, is cut at the front."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.buffer = ""
        self.begin = 0

    def grow(self) -> bool:
        """Reads on, at least as much again as is held; False at the end of the file."""
        self.buffer = self.buffer[self.begin :]
        self.begin = 0
        more = self._stream.read(max(CHUNK, len(self.buffer)))
        self.buffer += more
        return bool(more)

    def skip(self, pattern: re.Pattern[str], *, anywhere: bool = False) -> bool:
        """Goes behind the pattern's next match, at this place or anywhere behind it."""
        while True:
            seek = pattern.search if anywhere else pattern.match
            match = seek(self.buffer, self.begin)
            if match and match.end() < len(self.buffer):
                self.begin = match.end()
                return True
            if anywhere:  # all but what might be the match's beginning is done with
                self.begin = max(self.begin, len(self.buffer) - CHUNK)
            if len(self.buffer) - self.begin > LONGEST_ELEMENT or not self.grow():
                self.begin = match.end() if match else self.begin
                return match is not None


_SPACE = re.compile(r"\s*")
_COMMA = re.compile(r"\s*,\s*")
_END = re.compile(r"\s*\]")
_DECODER = json.JSONDecoder()


def _elements(text: _Text, path: Path) -> Iterator[Any]:
    number = 0
    while True:
        if text.skip(_END):
            return
        if number and not text.skip(_COMMA):
            raise _broken(path, number)
        text.skip(_SPACE)
        number += 1
        yield _element(text, path, number)


def _element(text: _Text, path: Path, number: int) -> Any:
    while True:
        try:
            value, end = _DECODER.raw_decode(text.buffer, text.begin)
        except (ValueError, RecursionError):
            if len(text.buffer) - text.begin > LONGEST_ELEMENT or not text.grow():
                raise _broken(path, number) from None
            continue
        if end == len(text.buffer) and text.grow():
            continue  # a number might go on
        text.begin = end
        return value


def _broken(path: Path, number: int) -> SpotError:
    return SpotError(
        f"The file {path} is broken off or is not JSON at element {number:,} of its array. "
        "Get it again, and compare its size with the published one."
    )
