"""The rows every benchmark gives: what, ours, theirs, unit, ratio, goal, holds."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

from benchmarks.command import command
from benchmarks.ended import EngineEnded
from spotfw.cli.display import end_wait, note, note_wait, print_table
from spotfw.errors import SpotError
from spotfw.files import write_atomically


@attrs.frozen
class Row:
    """One figure.

    Attributes:
      what: the thing measured.
      ours, theirs: its value here and in what it is held against; None where there is none.
      unit: of both.
      ratio: ours to theirs, or to the goal where only that is given.
      goal: in words.
      holds: whether the goal is reached; None where none was set.
    """

    what: str
    ours: float | None
    theirs: float | None
    unit: str
    ratio: float | None
    goal: str
    holds: bool | None


def difference(what: str, wrong: Sequence[str], goal: str) -> Row:
    """A comparison that should find nothing: `wrong` names all that is not the same."""
    return Row(
        what=what,
        ours=float(len(wrong)),
        theirs=None,
        unit=", ".join(wrong) or "differences",
        ratio=None,
        goal=goal,
        holds=not wrong,
    )


def machine() -> dict[str, Any]:
    """The processor, its cores, the memory and the system."""
    model = platform.processor()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def versions(*distributions: str) -> dict[str, str]:
    """Installed versions; those that are not installed are left out."""
    installed = {}
    for name in distributions:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A benchmark's arguments: ``--json FILE``."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=description)
    made.add_argument("--json", metavar="FILE", help="also write the rows to FILE")
    return made


def report(
    name: str,
    rows: Iterable[Row],
    json_file: str | None,
    distributions: Sequence[str],
    **more: Any,
) -> int:
    """Prints the rows as a table and writes the JSON file.

    Where `rows` are still to be measured (an iterator), each is also said on stderr as it comes,
    and those that came are printed and written even if a later one fails or is interrupted.

    Args:
      name: of the benchmark.
      rows: its figures.
      json_file: where to write them, or None.
      distributions: whose versions to tell.
      **more: further facts for the file; what can be called is, once all rows are there.

    Returns:
      The exit status: 0, it was measured (whether goals hold stands in the rows); 1, an engine
      or an input failed, which is said in a paragraph; 130, interrupted.
    """
    coming = not isinstance(rows, Sequence)
    measured: list[Row] = []
    ended: dict[str, str] = {}
    status = 0
    try:
        for row in rows:
            measured.append(row)
            if coming:
                note_wait(_line(row))  # a wait for the next
    except (EngineEnded, SpotError) as error:
        ended, status = {"ended_by": str(error)}, 1
    except KeyboardInterrupt:
        ended, status = {"ended_by": "an interrupt"}, 130
    except BaseException as error:
        ended = {"ended_by": f"{type(error).__name__}: {error}"}
        raise
    finally:
        end_wait()
        facts = {key: value() if callable(value) else value for key, value in more.items()}
        document = {
            "benchmark": name,
            "command": command(name),
            "machine": machine(),
            "versions": versions(*distributions),
            **facts,
            **ended,
            "rows": [attrs.asdict(row) for row in measured],
        }
        if json_file and (measured or not ended):
            write_atomically(json_file, (json.dumps(document, indent=2) + "\n").encode())
        if measured:
            columns = [field.name for field in attrs.fields(Row)]
            print_table(columns, [attrs.astuple(row) for row in measured])
    if ended:
        note(f"Ended early, by {ended['ended_by']}")
    return status


def _line(row: Row) -> str:
    """A row for people who wait for the table."""
    ours = "-" if row.ours is None else f"{row.ours:.4g}"
    theirs = "" if row.theirs is None else f" against {row.theirs:.4g}"
    return f"{row.what}: {ours}{theirs} {row.unit}"
