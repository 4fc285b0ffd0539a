"""What does jobs, one at a time each, and tells how far they are: a study's cells as jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import attrs

#: Told of steps done since the last word, and on what.
Tell = Callable[[int, str], None]
#: Does a job.
Work = Callable[[Any, Tell], Any]
#: Called once in each process; must be picklable.
Start = Callable[[], Work]


@attrs.frozen
class Told:
    """A job has gone on by so many steps."""

    key: str
    steps: int
    what: str


@attrs.frozen
class Ended:
    """A job has ended: with a result, or with an error and where it was raised."""

    key: str
    result: Any = None
    error: str | None = None
    trace: str = ""


class Pool(Protocol):
    """Does jobs."""

    @property
    def idle(self) -> int:
        """How many jobs more it takes now."""
        ...

    def submit(self, key: str, job: Any) -> None:
        """Begins a job under a name of its own."""
        ...

    def wait(self, seconds: float) -> list[Told | Ended]:
        """What has happened, as soon as anything has, else nothing after some seconds."""
        ...
