"""The lines of a bar for a terminal of any width: counts and times are never cut."""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from spotfw.recipe.progress.figures import duration

#: Columns of a bar at most, and the fewest that still show something.
_LONGEST, _SHORTEST = 30, 8
#: Columns that are kept for facts beside a bar, so that it does not jump as they come and go.
_FACTS = 42


#: A blank where no line is broken.
_KEPT = "\u00a0"


class Moment(NamedTuple):
    """Where a job stands.

    Attributes:
      done, total: of `unit`.
      elapsed: seconds since it began here.
      rate: units a second, None where it is not known yet.
    """

    done: int
    total: int
    unit: str
    elapsed: float
    rate: float | None

    @property
    def left(self) -> float | None:
        """Seconds that are left at this rate."""
        if self.done >= self.total:
            return 0.0
        return (self.total - self.done) / self.rate if self.rate else None


class Line(NamedTuple):
    """A line: words, a bar of so many columns of which some are full, and words behind it."""

    before: str
    bar: int = 0
    full: int = 0
    after: str = ""

    def __str__(self) -> str:
        bar = "━" * self.full + "─" * (self.bar - self.full)
        return f"{self.before}{bar}{self.after}"


def bar_lines(what: str, moment: Moment, facts: str, width: int) -> list[Line]:
    """What is shown of a job.

    A single line where all fits; else what goes on stands above the bar, and the facts too.

    Args:
      what: what is going on.
      moment: how far it is.
      facts: others, in words.
      width: columns of the terminal.
    """
    end = f" {_counts(moment)}  {_times(moment)}"
    room = width - len(what) - len(end) - 2 - max(_FACTS, len(facts) + 2)
    if room >= _SHORTEST:
        bar = _bar(moment, min(_LONGEST, room))
        return [Line(f"{what}  ", *bar, f"{end}  {facts}".rstrip())]
    # A name and its number stay together.
    kept = ", ".join(fact.replace(" ", _KEPT) for fact in facts.split(", "))
    above = f"{what}: {kept}" if facts else what
    lines = [Line(text.replace(_KEPT, " ")) for text in textwrap.wrap(above, width)]
    room = width - len(end)
    if room >= _SHORTEST:
        return [*lines, Line("", *_bar(moment, min(_LONGEST, room)), end)]
    texts = (_counts(moment), _times(moment)) if len(end) > width else (end.strip(),)
    return [*lines, *(Line(piece) for text in texts for piece in textwrap.wrap(text, width))]


def plain_line(what: str, moment: Moment, facts: str) -> str:
    """The same for a log: a line of words."""
    parts = [f"{moment.done:,}/{moment.total:,} {moment.unit}"]
    if moment.rate:
        parts.append(f"{moment.rate:.3g} {moment.unit}/s")
        if moment.done < moment.total:
            parts.append(f"{duration((moment.total - moment.done) / moment.rate)} left")
    return f"{what}: {', '.join([*parts, facts] if facts else parts)}"


def _bar(moment: Moment, columns: int) -> tuple[int, int]:
    share = min(moment.done / moment.total, 1.0) if moment.total else 1.0
    return columns, int(columns * share)


def _counts(moment: Moment) -> str:
    return f"{moment.done:,}/{moment.total:,} {moment.unit}"


def _times(moment: Moment) -> str:
    left = "-:--:--" if moment.left is None else _clock(moment.left)
    return f"{_clock(moment.elapsed)}, left {left}"


def _clock(seconds: float) -> str:
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"
