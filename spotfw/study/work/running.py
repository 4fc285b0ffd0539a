"""Runs a study: every cell that has not ended well, on several processes.

Killed at any moment, the next run goes on: cells that ended have their files, tunings their
run folders. What a cell gives depends on the declaration alone, so that the rows are those
of a study never killed.
"""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.contracts.jobs import Pool, Told, Work
from spotfw.errors import SpotError, WrongUse
from spotfw.files import locked
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.executors import InProcess, Processes
from spotfw.study.grid import cells, ledger
from spotfw.study.grid.cells import Cell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.ledger import Record
from spotfw.study.grid.planning import Plan
from spotfw.study.grid.planning import plan as lay_out
from spotfw.study.grid.schedule import Schedule
from spotfw.study.rows import write_rows, write_similarities
from spotfw.study.work import results
from spotfw.study.work.tuner import Job, start_tuner

#: Seconds between writing the tables anew while cells are run.
_EVERY = 60.0
_RUNS = "runs"

#: A worker's lock on the runs, until it ends.
_HELD: list[contextlib.AbstractContextManager[None]] = []


@attrs.frozen(kw_only=True)
class Outcome:
    """How a study stands after a run.

    Attributes:
      folder: where it lies.
      cells: all of its cells.
      done: those that ended well, now or before.
      failed: names of those that did not, with the error.
      seconds: wall-clock time of this run.
    """

    folder: str
    cells: int
    done: int
    failed: Mapping[str, str]
    seconds: float


def run(
    study: Study,
    out: str | None = None,
    *,
    workers: int | None = None,
    begun: bool = False,
    plugins: Plugins | None = None,
    tell: Callable[[int, int, str], None] = lambda done, total, what: None,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Runs what is left of a study, and writes its tables.

    A script that calls this needs ``if __name__ == "__main__":`` around it, for the processes
    start from its module; with ``workers=0`` all is done in this one.

    Args:
      study: the declaration.
      out: the study's folder, by default `Study.default_folder`.
      workers: processes, by default one a core; each has one thread.
      begun: refuse to begin a new study.
      plugins: for ``workers=0`` only; by default everything installed.
      tell: called now and then with updates done, updates in all (at most), and what is
        being worked on.
      say: told in a line what is worth knowing: warnings, cells that failed.

    Raises:
      WrongUse: the declaration cannot be run, or does not go on with what is in the folder.
      SpotError: another process runs this study, or the folder cannot be written.
    """
    began = time.monotonic()
    if plugins is not None and workers != 0:
        raise WrongUse("Plugins by hand reach no other process. Run the study with workers=0.")
    plan = lay_out(study, out, plugins=plugins)
    if begun and not ledger.is_begun(plan.folder):
        raise WrongUse(
            f"There is no study to resume in {plan.folder}. Begin it with `spotfw study run`, or "
            "name its folder with --out."
        )
    with _alone(plan.folder):
        # Read again: another process may have run cells meanwhile.
        plan = lay_out(study, out, plugins=plugins)
        ledger.begin(plan.folder, study, plan.found)
        for warning in plan.warnings:
            say(warning)
        records = dict(plan.records)
        if plan.todo:
            with _pool(plan, workers, plugins) as pool:
                try:
                    _run(plan, records, pool, tell, say)
                finally:
                    write_tables(plan, records, say)
        else:
            write_tables(plan, records, say)
    failed = {
        plan.title(cell): record["error"]
        for cell in plan.cells
        if (record := records.get(cell.id)) is not None and record.get("error") is not None
    }
    return Outcome(
        folder=plan.folder,
        cells=len(plan.cells),
        done=sum(ledger.is_done(records.get(cell.id)) for cell in plan.cells),
        failed=failed,
        seconds=time.monotonic() - began,
    )


def write_tables(
    plan: Plan, records: Mapping[str, Record], say: Callable[[str], None] = lambda _: None
) -> None:
    """Writes rows and similarities anew; where one kind of file cannot be, says so."""
    writes: tuple[Callable[[], None], ...] = (
        lambda: write_rows(plan.folder, results.rows_of(plan, records)),
        lambda: write_similarities(plan.folder, results.similarities_of(plan, records)),
    )
    told = set()
    for write in writes:
        try:
            write()
        except SpotError as error:
            told.add(str(error))
    for line in sorted(told):
        say(line)


@contextlib.contextmanager
def _pool(plan: Plan, workers: int | None, plugins: Plugins | None) -> Iterator[Pool]:
    folder = plan.folder
    tuner = functools.partial(start_tuner, folder, tuple(plan.found.tasks), plan.study.open)
    if workers == 0:
        yield InProcess(tuner(plugins=plugins))
        return
    with locked(files.join(folder, _RUNS), shared=False):
        pass  # workers of a run that was killed just now have let go of their tunings
    count = min(workers or len(os.sched_getaffinity(0)), len(plan.todo))
    with Processes(count, functools.partial(_start, folder, tuner)) as pool:
        yield pool


def _start(folder: str, tuner: Callable[[], Work]) -> Work:
    """What does jobs in a process of its own, which holds the runs while it lives."""
    held = locked(files.join(folder, _RUNS), shared=True)
    held.__enter__()
    _HELD.append(held)
    return tuner()


def _run(
    plan: Plan,
    records: dict[str, Record],
    pool: Pool,
    tell: Callable[[int, int, str], None],
    say: Callable[[str], None],
) -> None:
    todo = plan.todo
    schedule = Schedule(todo)
    by_id = {cell.id: cell for cell in plan.cells}
    running: dict[str, int] = {}
    done, left, written = plan.total_steps - plan.steps_left, len(todo), time.monotonic()

    def ended(cell: Cell, result: Any, error: str | None, trace: str = "") -> None:
        nonlocal done, left
        records[cell.id] = ledger.record(plan.folder, cell, result, error, trace)
        if error is not None and schedule.culprit(cell) is None:
            say(f"Failed: {plan.title(cell)}: {error}")
        schedule.settled(cell, well=error is None)
        done += plan.steps[cell.id]
        left -= 1

    while left:
        while pool.idle:
            cell = schedule.take()
            if cell is None:
                break
            culprit = schedule.culprit(cell)
            if culprit is not None:
                why = records[culprit]["error"]
                ended(cell, None, f"It depends on {by_id[culprit]}, which failed: {why}")
                continue
            running[cell.id] = 0
            pool.submit(cell.id, _job(plan, cell, records, by_id))
        for event in pool.wait(1.0):
            if isinstance(event, Told):
                running[event.key] += event.steps
                most = sum(min(n, plan.steps[key]) for key, n in running.items())
                tell(done + most, plan.total_steps, event.what)
            else:
                del running[event.key]
                result = _completed(by_id[event.key], event.result, records, by_id)
                ended(by_id[event.key], result, event.error, event.trace)
                tell(done, plan.total_steps, str(by_id[event.key]))
        if time.monotonic() - written > _EVERY:
            write_tables(plan, records)
            written = time.monotonic()


def _job(plan: Plan, cell: Cell, records: Mapping[str, Record], by_id: Mapping[str, Cell]) -> Job:
    """The cell with what it takes from those done before."""
    taken = {key: records[key]["result"] for key in cell.needs}
    if cell.kind == cells.TRANSFER:
        return Job(cell=cell, start=taken[cell.needs[0]]["source_id"])
    if cell.kind == cells.GENERIC:
        return Job(cell=cell, start=taken[cell.needs[0]]["final"])
    if cell.kind == cells.STRATEGY:
        sources = [key for key in cell.needs if by_id[key].kind == cells.SOURCE]
        return Job(cell=cell, among=tuple(taken[key]["source_id"] for key in sources))
    if cell.kind == cells.SIMILARITIES:
        return Job(cell=cell, embeddings=tuple(_embeddings(cell, records, by_id)))
    return Job(cell=cell)


def _embeddings(
    cell: Cell, records: Mapping[str, Record], by_id: Mapping[str, Cell]
) -> Iterator[dict[str, Any]]:
    """What there is to compare: targets first, since a ranking's query is a target's."""
    known = [key for key in cell.after if ledger.is_done(records.get(key))]
    for key in sorted(known, key=lambda key: by_id[key].kind == cells.SOURCE):
        one, result = by_id[key], records[key]["result"]
        yield {
            "task": one.task,
            "family": result["family"],
            "seed": one.seed,
            "role": "source" if one.kind == cells.SOURCE else "target",
            "id": result.get("source_id") or os.path.basename(result["folder"]),
            "file": result["embedding"],
        }


def _completed(
    cell: Cell, result: Any, records: Mapping[str, Record], by_id: Mapping[str, Cell]
) -> Any:
    """A comparison with what it compared, and whether some were missing."""
    if cell.kind != cells.SIMILARITIES or result is None:
        return result
    embeddings = list(_embeddings(cell, records, by_id))
    return result | {"embeddings": embeddings, "partial": len(embeddings) < len(cell.after)}


def _alone(folder: str) -> contextlib.AbstractContextManager[None]:
    """One process at a time runs a study."""
    return locked(
        folder,
        busy=f"Another process is running the study in {folder} now. Wait for it to end, or choose "
        "another folder with --out.",
        what="study's folder",
        advice="Choose another with --out, or mend its permissions.",
    )
