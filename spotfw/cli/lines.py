"""Lines of text from standard input, each by itself: a bad one spoils no other."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence

import attrs

from spotfw.errors import SpotError, WrongUse
from spotfw.tasks.rows.opening import marked_encoding

#: Lines that a message names.
_NAMED = 5


@attrs.frozen
class Lines:
    """What was read.

    Attributes:
      texts: each line without its end; None where it is no text.
      numbers: of each in its file; by default they are counted from 1.
      faults: why rows of a file have no text, by number; of a line that is None and not here,
        it is not UTF-8 or has a NUL character.
    """

    texts: tuple[str | None, ...]
    numbers: tuple[int, ...] = attrs.field()
    faults: Mapping[int, str] = attrs.field(factory=dict)

    @numbers.default
    def _counted(self) -> tuple[int, ...]:
        return tuple(range(1, len(self.texts) + 1))

    @property
    def sound(self) -> list[str]:
        """The lines that have words, in order."""
        return [text for text in self.texts if text is not None and text.strip()]

    @property
    def blank(self) -> list[int]:
        """Numbers of the lines without a word."""
        return [n for n, text in self._numbered if text is not None and not text.strip()]

    @property
    def undecodable(self) -> list[int]:
        """Numbers of the lines that are not UTF-8 or have a NUL character."""
        return [n for n, text in self._numbered if text is None and n not in self.faults]

    @property
    def _numbered(self) -> Iterator[tuple[int, str | None]]:
        return zip(self.numbers, self.texts, strict=True)


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
    """The lines of a text in UTF-8, or in what its mark of byte order says.

    Lines end as in Unix, in Windows, or, where there is no such end, as in old Macintoshes.
    """
    if (encoding := marked_encoding(data)) is not None:
        with contextlib.suppress(UnicodeDecodeError):
            data = data.decode(encoding).encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    lines = data.split(b"\n")
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
    if b"\0" in line:
        return None
    try:
        return line.decode()
    except UnicodeDecodeError:
        return None
