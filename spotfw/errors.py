"""Errors for users, "did you mean", and what is logged only once a process.

What errors quote may come from anyone, and terminals act on some characters: see `plain`.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Hashable, Iterable

__all__ = ["BrokenPart", "SpotError", "UnknownName", "WrongUse"]

#: What a terminal acts on or no stream can encode: controls other than tab and line feed, marks
#: of direction, halves of surrogate pairs.
ACTING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)

#: Characters of a message; what an error quotes may be of any length.
_LONGEST = 4000


def plain(text: str) -> str:
    """The text with what a terminal would act on escaped: ``\\x1b``, ``\\u202e``."""
    return ACTING.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class SpotError(Exception):
    """Something a user can fix: one paragraph that says what, where, and what to do.

    The command line prints it without a traceback and exits with status 1. Its text is
    bounded, and holds nothing that a terminal acts on.
    """

    def __str__(self) -> str:
        text = plain(super().__str__())
        if len(text) <= _LONGEST:
            return text
        # The end says what to do.
        return f"{text[: _LONGEST - 500]} [...] {text[-450:]}"


class BrokenPart(SpotError):
    """A part broke its contract; `Plugins.blaming` adds which plugin gives it."""


class WrongUse(SpotError):
    """A request that makes no sense as written (exit status 2 on the command line)."""


class UnknownName(WrongUse):
    """No component of this kind has the name asked for.

    Attributes:
      kind: what was asked for, e.g. ``metric``.
      name: as it was asked for.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        hint = did_you_mean(name, names)
        shown = ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
        super().__init__(f"There is no {kind} named {name!r}.{hint} Known: {shown or 'none'}.")
        self.kind = kind
        self.name = name


def did_you_mean(word: str, known: Iterable[str], *, most: int = 3) -> str:
    """`` Did you mean 'this' or 'that'?``, to append to a sentence; empty where none is close.

    Names are compared without regard to case. Where none resembles the word, names that
    contain it are suggested.

    Args:
      word: what was written.
      known: what could have been meant.
      most: how many names are suggested at most.
    """
    spelled = {name.casefold(): name for name in known}
    asked = word.casefold()
    close = difflib.get_close_matches(asked, spelled, n=most, cutoff=0.5)
    if not close and len(asked) > 2:
        close = [name for name in spelled if asked in name][:most]
    return f" Did you mean {' or '.join(repr(spelled[name]) for name in close)}?" if close else ""


class Once:
    """Remembers keys, so that a thing is logged once a process; threads may share it."""

    def __init__(self) -> None:
        self._seen: set[Hashable] = set()
        self._lock = threading.Lock()

    def first(self, *keys: Hashable) -> bool:
        """Whether any of the keys is new; afterwards none of them is."""
        with self._lock:
            new = not self._seen.issuperset(keys)
            self._seen.update(keys)
        return new

    def forget(self, *keys: Hashable) -> None:
        """Makes the keys new again; without keys, all that there are."""
        with self._lock:
            if keys:
                self._seen.difference_update(keys)
            else:
                self._seen.clear()
