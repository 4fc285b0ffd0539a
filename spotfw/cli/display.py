"""What people see: tables and JSON on stdout, progress on stderr.

Nothing but results is ever written to stdout. What is printed while a bar is drawn goes above
it. Names and texts may come from anyone, and terminals act on some characters: all that is
printed goes through `plain`. What stderr does not take is lost; what stdout does not take ends a
command, once its work is done.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TextIO

from spotfw.errors import ACTING, plain
from spotfw.recipe.progress import clock
from spotfw.recipe.progress.bars import (
    Progress,
    announced,
    is_terminal,
    lifted,
    noted,
    waited_for,
)
from spotfw.recipe.progress.figures import duration, number

__all__ = [
    "Progress",
    "Unprintable",
    "announced",
    "duration",
    "end_wait",
    "note",
    "note_wait",
    "print_json",
    "print_table",
    "results_apart",
    "say",
    "say_fact",
    "terminal_width",
    "waiting",
]


#: Columns of a fact's name.
_NAMES = 12


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


def say(text: str = "", stream: TextIO | None = None, *, wrapped: bool = False) -> None:
    """Writes lines of results to stdout, or to a stream, cleaned by `plain`.

    With `wrapped`, a terminal gets them broken between words; not for commands to be copied.

    Raises:
      Unprintable: it does not take them.
      BrokenPipeError: its reader has gone.
    """
    if wrapped and is_terminal(stream or _results()):
        from spotfw.recipe.progress.wrapping import wrap

        text = "\n".join(wrap(text, terminal_width()))
    _write(plain(text) + "\n", stream)


def say_fact(name: str, value: Any) -> None:
    """Writes a name and a value in a line; what a terminal has no room for is indented below."""
    lines = [str(value)]
    if is_terminal(_results()):
        from spotfw.recipe.progress.wrapping import wrap

        lines = wrap(str(value), terminal_width() - _NAMES - 1)
    heads = [name, *[""] * (len(lines) - 1)]
    say("\n".join(f"{h:<{_NAMES}} {text}" for h, text in zip(heads, lines, strict=True)))


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
    common: Sequence[str] = (),
) -> None:
    """Writes a table; numbers are aligned to the right, None is a dash.

    Args:
      columns: headings.
      rows: one sequence of cells per row, as long as `columns`; floats get two decimals.
      title: a line above the table.
      stream: where to, by default stdout.
      whole: headings of columns whose cells are never broken, as those of numbers are not.
      common: headings of columns that are said in a line above the table where all rows agree.
    """
    from spotfw.cli.tables import layout
    from spotfw.recipe.progress.wrapping import wrap

    stream = stream or _results()
    terminal = is_terminal(stream)
    # Where no terminal says how wide it is, a table is as wide as its cells.
    width = terminal_width() if terminal else 10_000
    lines = [] if title is None else [(True, line) for line in wrap(plain(title), width)]
    columns, rows, alike = _common(columns, rows, common)
    lines += [(False, line) for line in (wrap(alike, width) if alike else ())]
    numbers = {place for place in range(len(columns)) if _are_numbers([r[place] for r in rows])}
    lines += layout(
        [plain(column) for column in columns],
        [[_cell(value) for value in row] for row in rows],
        width,
        right=numbers,
        whole={*numbers, *(p for p, column in enumerate(columns) if column in whole)},
    )
    bold = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    shown = (f"\x1b[1m{text}\x1b[0m" if heading and bold else text for heading, text in lines)
    _write("".join(f"{line}\n" for line in shown), stream)


def note(text: str) -> None:
    """Writes a line for people to stderr; it is lost where stderr does not take it.

    In a terminal it is broken between words, so that it reads well at any width.
    """
    noted(text)


def note_wait(text: str) -> None:
    """The same of what takes seconds, which a terminal counts until `end_wait` or the next note."""
    waited_for(text)


def end_wait() -> None:
    """Nothing is waited for any more."""
    clock.end()


@contextlib.contextmanager
def waiting(text: str) -> Iterator[None]:
    """A `note_wait` that ends with the block."""
    note_wait(text)
    try:
        yield
    finally:
        end_wait()


def has_room(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], common: Sequence[str] = ()
) -> bool:
    """Whether `print_table` writes a table without breaking a name; where no terminal is, it does.

    Args:
      columns, rows, common: see `print_table`.
    """
    from spotfw.cli.tables import full_width

    columns, rows, _ = _common(columns, rows, common)
    cells = [[_cell(value) for value in row] for row in rows]
    return not is_terminal(_results()) or full_width(columns, cells) <= terminal_width()


def terminal_width() -> int:
    """Columns of the terminal; 80 where it does not say."""
    return shutil.get_terminal_size().columns


def _common(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], common: Sequence[str]
) -> tuple[Sequence[str], Sequence[Sequence[Any]], str]:
    """The table without the columns in which all rows agree, and what those say."""
    alike = [
        place
        for place, column in enumerate(columns)
        if column in common and rows and all(row[place] == rows[0][place] for row in rows)
    ]
    words = [f"{columns[p]} {_cell(rows[0][p])}" for p in alike if rows[0][p] is not None]
    kept = [place for place in range(len(columns)) if place not in alike]
    return (
        [columns[place] for place in kept],
        [[row[place] for place in kept] for row in rows],
        f"All: {', '.join(words)}" if words else "",
    )


def _are_numbers(cells: Sequence[Any]) -> bool:
    return any(map(_is_number, cells)) and all(c is None or _is_number(c) for c in cells)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int):
        return f"{value:,}"
    return plain(str(value))


def _write(text: str, stream: TextIO | None = None) -> None:
    """Writes results; raises as `say`."""
    stream = stream or _results()
    if stream is None:  # as Python has it where it was closed from the start
        raise Unprintable("it is closed")
    try:
        with lifted(stream):
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
