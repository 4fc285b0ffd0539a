"""What people see: tables and JSON on stdout, progress on stderr.

A terminal gets a bar with the time left; a file or a pipe gets a plain line every ten
seconds. Nothing but results is ever written to stdout. Names and texts may come from anyone,
and terminals act on some characters: all that is printed goes through `plain`. What stderr
does not take is lost; what stdout does not take ends a command, once its work is done.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from spotfw.errors import ACTING, plain
from spotfw.study.durations import duration

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress


class Unprintable(Exception):
    """Standard output does not take a result: it is closed, full or broken; says which."""


#: Standard output (None: it is closed) of each block within which others' prints are kept out.
_APART: list[TextIO | None] = []


@contextlib.contextmanager
def results_apart() -> Iterator[None]:
    """Only what this module writes goes to stdout within; other prints go to stderr."""
    _APART.append(sys.stdout)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = _APART.pop()


def _results() -> TextIO | None:
    return _APART[-1] if _APART else sys.stdout


def say(text: str = "", stream: TextIO | None = None) -> None:
    """Writes lines of results to stdout, or to a stream, cleaned by `plain`.

    Raises:
      Unprintable: it does not take them.
      BrokenPipeError: its reader has gone.
    """
    _write(plain(text) + "\n", stream)


def print_json(value: Any) -> None:
    """Writes exactly one JSON document to stdout.

    NaN and infinities become null, as JSON has neither; arrays and paths become lists and text.
    """
    document = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    # JSON's own escapes: a program reads the same text.
    _write(ACTING.sub(lambda match: f"\\u{ord(match[0]):04x}", document) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    title: str | None = None,
    stream: TextIO | None = None,
    whole: Sequence[str] = (),
) -> None:
    """Writes a table; numbers are aligned to the right, None is a dash.

    Args:
      columns: headings.
      rows: one sequence of cells per row, as long as `columns`; floats get two decimals.
      title: a line above the table.
      stream: where to, by default stdout.
      whole: headings of columns whose cells are never broken.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = _is_terminal(stream or _results())
    text = io.StringIO()
    # Where no terminal says how wide it is, a table is as wide as its cells.
    console = Console(
        file=text, highlight=False, force_terminal=terminal, width=None if terminal else 10_000
    )
    if title is not None:
        # Not the table's own title, which is cut to the table's width.
        console.print(Text(plain(title), style="bold"))
    table = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        cells = [row[index] for row in rows]
        numbers = any(_is_number(c) for c in cells) and all(
            c is None or _is_number(c) for c in cells
        )
        table.add_column(
            Text(plain(column)),
            justify="right" if numbers else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    for row in rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    console.print(table)
    _write(text.getvalue(), stream)


def note(text: str) -> None:
    """Writes a line for people to stderr; it is lost where stderr does not take it."""
    _write_if_possible(plain(text) + "\n", sys.stderr)


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
        self._first: tuple[float, int] | None = None
        self._written = -math.inf
        self._bar: RichProgress | None = None

    def __enter__(self) -> Progress:
        if _is_terminal(self._stream):
            self._bar = _bar(self._stream)
            self._bar.add_task(self._what, total=self._total, facts="")
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, done: int, **facts: float | str | None) -> None:
        """Shows that `done` of the total are done, and `facts` such as loss and score."""
        text = plain(", ".join(f"{k} {_cell(v)}" for k, v in facts.items() if v is not None))
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=done, facts=text)
            return
        now = self._clock()
        if self._first is None:
            # A resumed job starts in the middle: its rate counts from here.
            self._first = (now, done)
        if done < self._total and now - self._written < self._every:
            return
        self._written = now
        began, start = self._first
        parts = [f"{done:,}/{self._total:,} {self._unit}"]
        if done > start and now > began:
            rate = (done - start) / (now - began)
            parts.append(f"{rate:.3g} {self._unit}/s")
            if done < self._total:
                parts.append(f"{duration((self._total - done) / rate)} left")
        _write_if_possible(
            f"{self._what}: {', '.join([*parts, text] if text else parts)}\n", self._stream
        )


def _bar(stream: TextIO) -> RichProgress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[facts]}"),
        console=Console(file=stream, highlight=False),
        speed_estimate_period=300,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        # A loss of 0.0004 must not read as nothing.
        return f"{value:.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:.2g}"
    if isinstance(value, int):
        return f"{value:,}"
    return plain(str(value))


def _write(text: str, stream: TextIO | None = None) -> None:
    """Writes results; raises as `say`."""
    stream = stream or _results()
    if stream is None:  # as Python has it where it was closed from the start
        raise Unprintable("it is closed")
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:  # a terminal of few characters
            code = stream.encoding or "ascii"
            stream.write(text.encode(code, "backslashreplace").decode(code))
        stream.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise Unprintable(getattr(error, "strerror", None) or str(error)) from error


def _write_if_possible(text: str, stream: TextIO | None) -> None:
    with contextlib.suppress(OSError, ValueError):
        if stream is not None:
            stream.write(text)
            stream.flush()


def _is_terminal(stream: TextIO | None) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stream is not None and stream.isatty()
    return False


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [
            _plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)
        ]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)
