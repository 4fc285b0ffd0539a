"""What the code of plugins does, kept within bounds: what it prints, raises, shows and lists.

A plugin is trusted, but may be faulty: nothing that it hands over may end a program that does
not need it, hold it up for ever, or spoil a document on standard output.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, TypeVar

from spotfw.errors import plain

#: Values that are taken of what a plugin lists.
MOST = 100_000
#: Characters of an error of a plugin that are repeated.
_LONGEST = 1_000

Value = TypeVar("Value")


def is_an_interrupt(error: BaseException) -> bool:
    """Whether an error is a person's wish to end; an exception derived from it is a plugin's."""
    return type(error) is KeyboardInterrupt


class TooMany(Exception):
    """A plugin lists more than is taken; it may have no end."""


def first_of(values: Iterable[Value], most: int = MOST) -> Iterator[Value]:
    """The values, as far as they are taken.

    Raises:
      TooMany: there are more than `most`.
    """
    for number, value in enumerate(values):
        if number >= most:
            raise TooMany(f"it gives more than {most:,}, and perhaps without an end")
        yield value


def shown(value: Any, most: int = 80) -> str:
    """A value as an error shows it, of `most` characters; never raises."""
    try:
        return plain(f"{value!r:.{most}}").replace("\n", " ")
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        return f"a {plain(type(value).__name__)} that cannot be shown"


def one_line(error: BaseException) -> str:
    """An error as one line that can be printed: its class and message; never raises."""
    name = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        text = "its message cannot be read"
    return plain(f"{name}: {text}" if text else name)[:_LONGEST]


class _Aside:
    """Sends what is printed to stderr while anyone asks for it; threads may overlap."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._depth = 0
        self._results: TextIO | None = None
        self._instead: TextIO | None = None

    def begin(self) -> None:
        with self._lock:
            if self._depth == 0:
                self._results, self._instead = sys.stdout, sys.stderr
                sys.stdout = sys.stderr
            self._depth += 1

    def end(self) -> None:
        with self._lock:
            self._depth -= 1
            # Whoever has put another stream there meanwhile keeps it.
            if self._depth == 0 and sys.stdout is self._instead:
                sys.stdout = self._results


_ASIDE = _Aside()


@contextlib.contextmanager
def prints_aside() -> Iterator[None]:
    """What is printed within goes to stderr, for standard output is for results."""
    _ASIDE.begin()
    try:
        yield
    finally:
        _ASIDE.end()
