"""What may come of a case, and the campaign that makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import attrs

#: Good ends: taken (and right as far as can be checked), or refused by one readable paragraph.
TAKEN, REFUSED = "taken", "refused"
#: Faults: an exception nobody meant for a user; no end within the time; more memory than a
#: small file may ask for; the process died; something outside the case's folder was read,
#: written, imported or started; a wrong value given as a right one; control characters
#: printed as they are, or a message that is none.
CRASH, HANG, MEMORY, DEATH = "crash", "hang", "memory", "death"
REACH, WRONG, GARBLED = "reach", "wrong value", "garbled"

GOOD = (TAKEN, REFUSED)
FAULTS = (CRASH, HANG, MEMORY, DEATH, REACH, WRONG, GARBLED)


class WrongValue(Exception):
    """A case gave something that is not what its input says."""


@attrs.frozen
class Shown:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str


@attrs.frozen(kw_only=True)
class Format:
    """A campaign of mutated input.

    Attributes:
      name: of the campaign.
      prepare: makes the sound originals in an empty folder, once a process; what it returns
        is handed to the others.
      place: puts the sound original into an empty folder. Case 0 is this alone, and must be
        taken: else the others say nothing.
      change: changes what was placed, in one way a case; returns what was done, in words.
      take: has spotfw take the case, as a user would; returns what was printed, if anything.
        Raises `WrongValue` where what it gives is not what the input says.
      seconds: that one case may take by the clock of a busy machine.
      megabytes: that memory may grow by in one case.
      share: how many cases of the whole run's N are this campaign's, 1 for all.
    """

    name: str
    prepare: Callable[[Path], Any]
    place: Callable[[Path, Any], None]
    change: Callable[[Random, Path, Any], str]
    take: Callable[[Path, Any], Shown | None]
    seconds: float = 8.0
    megabytes: int = 300
    share: float = 1.0


#: What is done, in words, and the doing: returns what is wrong, or None.
Act = tuple[str, Callable[[], "str | None"]]


@attrs.frozen(kw_only=True)
class Case:
    """What came of one case.

    Attributes:
      number: of the case.
      what: was done, in words.
      verdict: one of the above.
      detail: of a fault: what makes it another one than its neighbours, then more.
      seconds, megabytes: it took.
    """

    number: int
    what: str
    verdict: str
    detail: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0
