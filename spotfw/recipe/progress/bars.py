"""A bar in a terminal or a notebook; elsewhere a plain line every ten seconds.

At most one bar is drawn at a time. What is printed while it is drawn goes above it: see `lifted`.
"""

from __future__ import annotations

import contextlib
import html
import math
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from spotfw.errors import plain
from spotfw.recipe.progress import clock
from spotfw.recipe.progress.figures import number
from spotfw.recipe.progress.lines import Line, Moment, bar_lines, plain_line

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

#: The bars that are drawn; the last is seen.
_DRAWN: list[Progress] = []

#: Seconds over which a rate is measured.
_SPAN = 300.0


class Progress:
    """How far a long job is, with the time left; a context manager.

    Args:
      what: what is going on, e.g. ``tune glue_sst2``.
      total: steps of the whole job.
      unit: what is counted.
      stream: where to, by default stderr.
      every: seconds between lines where `stream` is no terminal.
      clock: seconds that only grow.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        unit: str = "steps",
        stream: TextIO | None = None,
        every: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what = plain(what)
        self._total = total
        self._unit = unit
        self._stream = stream or sys.stderr
        self._every = every
        self._clock = clock
        self._done = 0
        self._facts = ""
        self._began: float | None = None
        self._heard: deque[tuple[float, int]] = deque()
        self._written = -math.inf
        self._live: Live | None = None
        self._cell: Any = None

    def __enter__(self) -> Progress:
        if is_terminal(self._stream):
            self._began = self._clock()
            self.draw()
            _DRAWN.append(self)
        elif self._stream is sys.stderr:
            self._cell = _notebook_cell()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self in _DRAWN:
            _DRAWN.remove(self)
            # One that nothing was heard of would stand at zero for good.
            self.leave(transient=not self._heard)

    def draw(self) -> None:
        """Draws the bar at the cursor of the terminal, and again as it moves on."""
        clock.end()
        self._live = _live(self._stream, self._text)
        self._live.start(refresh=True)

    def leave(self, *, transient: bool) -> None:
        """Ends drawing; the bar is taken away, or stays as it is."""
        if self._live is not None:
            self._live.transient = transient
            self._live.stop()
            self._live = None

    def name(self, what: str) -> None:
        """Says anew what is going on."""
        self._what = plain(what)

    def update(self, done: int, **facts: float | str | None) -> None:
        """Shows that `done` of the total are done, and `facts` such as loss and score."""
        self._facts = plain(
            ", ".join(
                f"{k} {number(v) if isinstance(v, float) else v}"
                for k, v in facts.items()
                if v is not None
            )
        )
        self._done = done
        now = self._clock()
        if self._began is None:
            self._began = now
        # A resumed job starts in the middle: its rate counts from here.
        self._heard.append((now, done))
        while len(self._heard) > 2 and now - self._heard[0][0] > _SPAN:
            self._heard.popleft()
        if self._live is not None:
            return
        every = 0.5 if self._cell is not None else self._every
        if done < self._total and now - self._written < every:
            return
        self._written = now
        line = plain_line(self._what, self._moment(now), self._facts)
        if self._cell is not None:
            self._cell.update(_Shown(line))
        else:
            write_if_possible(line + "\n", self._stream)

    def _moment(self, now: float) -> Moment:
        rate = None
        if self._heard:
            (start, first), (end, last) = self._heard[0], self._heard[-1]
            rate = (last - first) / (end - start) if last > first and end > start else None
        began = now if self._began is None else self._began
        return Moment(self._done, self._total, self._unit, now - began, rate)

    def _text(self, width: int) -> Text:
        from rich.text import Text

        lines = bar_lines(self._what, self._moment(self._clock()), self._facts, width)
        return Text("\n").join(_coloured(line) for line in lines)


@contextlib.contextmanager
def lifted(stream: TextIO | None) -> Iterator[None]:
    """Takes the bar away while something is written to `stream`, and draws it again below.

    Nothing is done where no bar is drawn, or where `stream` is no terminal. A wait's seconds end.
    """
    clock.end()
    bar = _DRAWN[-1] if _DRAWN and is_terminal(stream) else None
    if bar is None:
        yield
        return
    bar.leave(transient=True)
    try:
        yield
    finally:
        bar.draw()


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at what is written to a stream."""
    with contextlib.suppress(OSError, ValueError):
        return stream is not None and stream.isatty()
    return False


def announced(line: str) -> None:
    """Says on stderr what goes on now, above the bar that is drawn, if any."""
    with lifted(sys.stderr):
        write_if_possible(plain(line) + "\n", sys.stderr)


def noted(text: str) -> None:
    """Says a text on stderr as `announced` does, in a terminal broken between words."""
    if is_terminal(sys.stderr):
        from spotfw.recipe.progress.wrapping import wrap

        text = "\n".join(wrap(plain(text), shutil.get_terminal_size().columns))
    announced(text)


def waited_for(text: str) -> None:
    """Says on stderr what takes seconds; in a terminal they are counted below, see `clock`.

    That ends when anything is said, written or drawn here, and with `clock.end`.
    """
    noted(text)
    if not _DRAWN and is_terminal(sys.stderr):
        clock.begin(sys.stderr)


def write_if_possible(text: str, stream: TextIO | None) -> None:
    """Writes for people; it is lost where the stream does not take it."""
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            stream.write(text)
            stream.flush()


def _live(stream: TextIO, text: Callable[[int], Text]) -> Live:
    """What draws a text, given a width, again and again."""
    from rich.console import Console
    from rich.live import Live

    console = Console(file=stream, highlight=False)
    # Prints of others to stderr go above the bar. Those to stdout stay: it may be a file, and
    # what is there is the result.
    return Live(
        get_renderable=lambda: text(console.width),
        console=console,
        redirect_stdout=False,
        transient=True,
    )


def _coloured(line: Line) -> Text:
    from rich.text import Text

    return Text.assemble(
        line.before,
        ("━" * line.full, "bar.complete"),
        ("━" * (line.bar - line.full), "bar.back"),
        line.after,
        no_wrap=True,
        overflow="crop",
    )


class _Shown:
    """A line in a notebook."""

    def __init__(self, line: str) -> None:
        self._line = line

    def __repr__(self) -> str:
        return self._line

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self._line)}</pre>"


def _notebook_cell() -> Any:
    """A place below a notebook's cell whose text can be changed; None where there is none."""
    shell: Any = sys.modules.get("IPython")
    running = shell.get_ipython() if shell is not None else None
    if running is None or not hasattr(running, "kernel"):
        return None
    return shell.display.display(_Shown(""), display_id=True)
