"""Runs a study: every cell that has not ended well, on an executor's workers.

Killed at any moment, the next run goes on: cells that ended have their files, tunings their
run folders. What a cell gives depends on the declaration alone, so that the rows are those
of a study never killed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping

import attrs

from spotfw import files
from spotfw.contracts.jobs import Executor, JobPool, JobProgress
from spotfw.errors import SpotError, WrongUse
from spotfw.files import locked
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.models import cohort_of
from spotfw.study.grid import ledger
from spotfw.study.grid.cell import Cell, Result, TuningCell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.ledger import Record
from spotfw.study.grid.planning import Plan
from spotfw.study.grid.planning import plan as lay_out
from spotfw.study.grid.schedule import Schedule
from spotfw.study.rows import write_rows, write_similarities
from spotfw.study.work import results
from spotfw.study.work.groups import Group, Grouping
from spotfw.study.work.leases import leased
from spotfw.study.work.readiness import check_ready
from spotfw.study.work.workers import bundle, choose_executor, open_pool, workers_for

#: Called with updates done, updates in all (at most), and what is being worked on.
Progress = Callable[[int, int, str], None]
#: Called with a line worth knowing.
Notify = Callable[[str], None]

#: Of a cell whose result is not what its id says.
_CHANGED = "The task's data or definition changed while the study ran. Run the study again."

#: In a study's folder: in a bucket, while it is run; else what is locked meanwhile, and stays.
_RUNNING = ".running"
#: Seconds between writing the tables anew while cells are run.
_EVERY = 60.0


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
    executor: str | Executor | None = None,
    resources: Mapping[str, float] | None = None,
    resources_per_tuning: Mapping[str, float] | None = None,
    begun: bool = False,
    plugins: Plugins | None = None,
    progress: Progress = lambda done, total, what: None,
    notify: Notify = lambda line: None,
) -> Outcome:
    """Runs what is left of a study, and writes its tables.

    A script that calls this needs ``if __name__ == "__main__":`` around it, for the processes
    start from its module; with ``workers=0`` all is done in this one.

    Args:
      study: the declaration.
      out: the study's folder, by default `Study.default_folder`.
      workers: processes of this machine, by default one a core; each has one thread. With a TPU
        none but this one.
      executor: what does the tunings, ``NAME[:key=value,...]`` or an executor, in place of
        those processes.
      resources: what the executor sets aside for each worker, by label.
      resources_per_tuning: what it sets aside besides for each of the tunings that the study's
        engine runs together, as memory grows with them.
      begun: refuse to begin a new study.
      plugins: only where tunings are done in this process; by default everything installed.
      progress: called now and then.
      notify: called with warnings and with cells that failed.

    Raises:
      UnknownName: there is no such executor, or a name of the study is unknown.
      WrongUse: the declaration cannot be run, or does not go on with what is in the folder; or
        workers are asked for beside a TPU.
      SpotError: another process runs this study, the folder cannot be written, the executor has
        no workers, or an engine is not installed.
    """
    began = time.monotonic()
    if executor is None:
        workers = workers_for(study.open, workers)
    chosen = choose_executor(plugins or default_plugins(), executor, workers)
    if plugins is not None and chosen.isolated:
        raise WrongUse("Plugins by hand reach no other process. Run the study with workers=0.")
    plan = lay_out(study, out, plugins=plugins)
    check_ready(plan, chosen, plugins or default_plugins(), begun=begun)
    with _alone(plan.folder) as check_alone:
        # Read again: another process may have run cells meanwhile.
        plan = lay_out(study, out, plugins=plugins)
        ledger.begin(plan.folder, study, plan.resolved)
        for warning in plan.warnings:
            notify(warning)
        records = dict(plan.records)
        if plan.todo:
            known = plugins or default_plugins()
            sizes = {model: cohort_of(model, study.open, known) for model in study.models}
            needs = bundle(resources, resources_per_tuning, max(sizes.values()))
            with open_pool(plan, chosen, plugins, needs) as pool:
                try:
                    _run(plan, records, pool, sizes, progress, notify, check_alone)
                finally:
                    write_tables(plan, records, notify)
        else:
            write_tables(plan, records, notify)
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
    plan: Plan, records: Mapping[str, Record], notify: Notify = lambda line: None
) -> None:
    """Writes rows and similarities anew; notifies where one kind of file cannot be written."""
    writes: tuple[Callable[[], None], ...] = (
        lambda: write_rows(plan.folder, results.rows_of(plan, records)),
        lambda: write_similarities(plan.folder, results.similarities_of(plan, records)),
    )
    errors = set()
    for write in writes:
        try:
            write()
        except SpotError as error:
            errors.add(str(error))
    for line in sorted(errors):
        notify(line)


def _run(
    plan: Plan,
    records: dict[str, Record],
    pool: JobPool,
    sizes: Mapping[str, int],
    progress: Progress,
    notify: Notify,
    check_alone: Callable[[], None],
) -> None:
    todo = plan.todo
    schedule = Schedule(todo)
    grouping = Grouping(schedule, sizes)
    by_id = {cell.id: cell for cell in plan.cells}
    running: dict[str, Group] = {}
    done, left, written = plan.total_steps - plan.steps_left, len(todo), time.monotonic()

    def result_of(cell: str) -> Result | None:
        record = records.get(cell)
        return record["result"] if record is not None and ledger.is_done(record) else None

    def end(cell: Cell, result: Result | None, error: str | None, trace: str = "") -> None:
        nonlocal done, left
        check_alone()
        records[cell.id] = ledger.record(plan.folder, cell, result, error, trace)
        if error is not None and schedule.failed_need(cell) is None:
            notify(f"Failed: {plan.title(cell)}: {error}")
        schedule.ended(cell, well=error is None)
        done += plan.steps[cell.id]
        left -= 1

    def take_in(cell: Cell, result: Result | None, error: str | None, trace: str) -> None:
        if result is not None and isinstance(cell, TuningCell):
            error = _CHANGED if cell.is_of_other_data(result) else error
        if result is not None:
            result = None if error else cell.completed(result, result_of)
        end(cell, result, error, trace)
        progress(done, plan.total_steps, str(cell))

    while left:
        while pool.idle:
            cell = schedule.take()
            if cell is None:
                break
            failed = schedule.failed_need(cell)
            if failed is not None:
                error = records[failed]["error"]
                end(cell, None, f"It depends on {by_id[failed]}, which failed: {error}")
                continue
            group = grouping.around(cell, workers=pool.idle + len(running))
            running[group.key] = group
            pool.submit(group.key, group.job(result_of))
        for event in pool.wait(1.0):
            group = running[event.key]
            if isinstance(event, JobProgress):
                group.steps += event.steps
                most = sum(g.steps_at_most(plan.steps) for g in running.values())
                progress(done + most, plan.total_steps, event.what)
                continue
            del running[event.key]
            if event.error is not None and len(group.cells) > 1:
                notify(grouping.part(group, event.error, lost=event.lost))
                continue
            if event.lost and grouping.try_again(group.cells[0]):
                title = plan.title(group.cells[0])
                notify(f"{title} is tried again, from its last checkpoint: {event.error}")
                continue
            for cell, result, error, trace in group.outcomes(event):
                take_in(cell, result, error, trace)
        if time.monotonic() - written > _EVERY:
            write_tables(plan, records)
            written = time.monotonic()


@contextlib.contextmanager
def _alone(folder: str) -> Iterator[Callable[[], None]]:
    """One process at a time runs a study; gives what raises once another has taken over."""
    busy = (
        f"Another process is running the study in {folder} now. Wait for it to end, or choose "
        "another folder with --out."
    )
    if files.is_remote(folder):
        with leased(files.join(folder, _RUNNING), busy) as lease:
            yield lease.check
        return
    with locked(
        folder,
        busy=busy,
        what="study's folder",
        advice="Choose another with --out, or mend its permissions.",
        file=_RUNNING,
    ):
        yield lambda: None
