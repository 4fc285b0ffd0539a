"""Lines of text from standard input, each by itself: a bad one spoils no other."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import attrs

from spotfw.errors import SpotError, WrongUse

#: Lines that a message names.
_NAMED = 5


@attrs.frozen
class Lines:
    """What was read.

    Attributes:
      texts: each line without its end; None where it is not UTF-8.
    """

    texts: tuple[str | None, ...]

    @property
    def sound(self) -> list[str]:
        """The lines that have words, in order."""
        return [text for text in self.texts if text is not None and text.strip()]

    @property
    def blank(self) -> list[int]:
        """Numbers from 1 of the lines without a word."""
        return [n for n, text in enumerate(self.texts, 1) if text is not None and not text.strip()]

    @property
    def undecodable(self) -> list[int]:
        """Numbers from 1 of the lines that are not UTF-8."""
        return [n for n, text in enumerate(self.texts, 1) if text is None]


def read_lines() -> Lines:
    """The lines of standard input, as UTF-8 whatever the terminal's encoding.

    Raises:
      WrongUse: it is closed.
      SpotError: it cannot be read.
    """
    stream = sys.stdin
    if stream is None:
        raise WrongUse("Standard input is closed. Give lines of text: spotfw predict ... < FILE.")
    try:
        buffer = getattr(stream, "buffer", None)  # what stands for stdin may have texts only
        data = buffer.read() if buffer else stream.read().encode("utf-8", "surrogateescape")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SpotError(
            f"Standard input cannot be read: {why}. Give lines of text: spotfw predict ... < FILE."
        ) from None
    return lines_of(data)


def lines_of(data: bytes) -> Lines:
    """The lines of a text in UTF-8."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not lines[-1]:
        lines.pop()
    return Lines(tuple(_text(line.rstrip(b"\r")) for line in lines))


def named(numbers: Sequence[int]) -> str:
    """``line 3``, ``lines 3 and 5``, or ``lines 3, 4, 5, 6, 7 and 12 more``."""
    shown = [str(n) for n in numbers[:_NAMED]]
    if len(numbers) > _NAMED:
        return f"lines {', '.join(shown)} and {len(numbers) - _NAMED} more"
    head, last = ", ".join(shown[:-1]), shown[-1]
    return f"lines {head} and {last}" if head else f"line {last}"


def _text(line: bytes) -> str | None:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
