"""``spotfw study``: a grid of tunings over tasks, seeds and strategies."""

from __future__ import annotations

import importlib
import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.display import say
from spotfw.cli.options import json_option
from spotfw.cli.study.amounts import amounts
from spotfw.errors import SpotError, UnknownName

if TYPE_CHECKING:
    from spotfw.study import Plan

_LATER = {"report": "spotfw.cli.study.report:report"}


class _Study(click.Group):
    """Finds the report's command only when it is asked for, for it loads much."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["plan", "run", "resume", *_LATER]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in _LATER:
            module, attribute = _LATER[name].split(":")
            command: click.Command = getattr(importlib.import_module(module), attribute)
            return command
        return super().get_command(ctx, name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise UnknownName("command of spotfw study", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


@click.group(cls=_Study, short_help="A grid of tunings: plan, run, resume, report.")
def study() -> None:
    """Run a whole study that a TOML file declares: sources, targets, seeds, strategies.

    \b
    Example:
      spotfw study plan benchmarks/miniature/study.toml
      spotfw study run benchmarks/miniature/study.toml --out miniature
      spotfw study report benchmarks/miniature/study.toml --out miniature
    """


_FILE = click.argument("file", metavar="STUDY.toml")
_OUT = click.option(
    "--out", metavar="DIR", help="The study's folder [default: ./NAME-study for NAME.toml]."
)
_WORKERS = click.option(
    "--workers",
    type=click.IntRange(0),
    help="Processes of one thread each; 0: all in this one [default: one a core; 0 with a TPU].",
)
_EXECUTOR = click.option(
    "--executor",
    metavar="NAME[:key=value,...]",
    help="What does the tunings, of `spotfw plugins` [default: processes of this machine].",
)
_RESOURCES = click.option(
    "--resource",
    "resources",
    metavar="LABEL=AMOUNT[/tuning]",
    multiple=True,
    help="What the executor sets aside for a worker: cpus=2, gpus=1, memory=8e9; memory=1e9/tuning "
    "adds so much for each tuning that the engine runs together. Repeatable.",
)


@study.command(short_help="What would be tuned, what it costs, what is done.")
@_FILE
@_OUT
@_WORKERS
@json_option
def plan(file: str, out: str | None, workers: int | None, as_json: bool) -> None:
    """Show every tuning of STUDY.toml, its cost in steps, and what is done already.

    What a strategy tunes is known only once it has chosen; until then its steps are the
    most they can be. Where the engine that the study needs is not installed here, that is
    said last.

    \b
    Example:
      spotfw study plan benchmarks/miniature/study.toml
    """
    from spotfw.cli.display import note, print_json, print_table
    from spotfw.recipe.progress.figures import duration
    from spotfw.study import plan as lay_out
    from spotfw.study import read_study
    from spotfw.study.work.workers import workers_for

    laid = lay_out(read_study(file), out)
    workers = workers_for(laid.study.open, workers)
    count = len(os.sched_getaffinity(0)) if workers is None else max(workers, 1)
    seconds = laid.seconds_left(count)
    groups = laid.groups()
    if as_json:
        print_json(
            {
                "study": laid.study.name,
                "folder": laid.folder,
                "steps": laid.total_steps,
                "steps_left": laid.steps_left,
                "seconds_left": seconds,
                "workers": count,
                "warnings": laid.warnings,
                "groups": groups,
                "cells": [_cell(laid, cell) for cell in laid.cells],
            }
        )
        _say_what_is_missing(laid)
        return
    for warning in laid.warnings:
        note(warning)
    print_table(
        ["", "cells", "done", "failed", "steps", "steps left"],
        [[g["kind"], g["cells"], g["done"], g["failed"], *_steps(g)] for g in groups],
        title=f"{laid.study.name} in {laid.folder}",
    )
    for kind in dict.fromkeys(cell.kind for cell in laid.cells):
        say(f"\n{kind}")
        for line in _lines(laid, kind):
            say(f"  {line}", wrapped=True)
    left = "unknown until first tunings have ended" if seconds is None else duration(seconds)
    note(
        f"At most {laid.steps_left:,} of {laid.total_steps:,} steps are left; time on {count} "
        f"workers: {left}."
    )
    _say_what_is_missing(laid)


def _say_what_is_missing(laid: Plan) -> None:
    """A note where an engine is not installed: what costs elsewhere can be planned here."""
    from spotfw.cli.display import note
    from spotfw.plugins import default_plugins
    from spotfw.study.work.readiness import check_engines

    try:
        check_engines(laid, default_plugins())
    except UnknownName:
        raise
    except SpotError as error:
        note(f"It cannot be run here: {error}")


@study.command(short_help="Run what is left of a study.")
@_FILE
@_OUT
@_WORKERS
@_EXECUTOR
@_RESOURCES
@json_option
def run(file: str, as_json: bool, **options: Any) -> None:
    """Run every tuning of STUDY.toml that is not done, and write the tables.

    Stop it at any time: what is finished stays, and the next run goes on from there. A
    tuning that fails is recorded and does not stop the others; the next run tries it again.

    \b
    Example:
      spotfw study run benchmarks/miniature/study.toml --out miniature --workers 2
    """
    _run(file, as_json, begun=False, **options)


@study.command(short_help="Go on with a study that was begun.")
@_FILE
@_OUT
@_WORKERS
@_EXECUTOR
@_RESOURCES
@json_option
def resume(file: str, as_json: bool, **options: Any) -> None:
    """Go on with a study that was begun; as `run`, but never begins one.

    \b
    Example:
      spotfw study resume benchmarks/miniature/study.toml --out miniature
    """
    _run(file, as_json, begun=True, **options)


def _run(
    file: str,
    as_json: bool,
    *,
    begun: bool,
    out: str | None,
    workers: int | None,
    executor: str | None,
    resources: tuple[str, ...],
) -> None:
    import attrs

    from spotfw.cli.display import Progress, note, print_json
    from spotfw.errors import SpotError
    from spotfw.plugins import default_plugins
    from spotfw.recipe.progress.figures import duration
    from spotfw.study import plan as lay_out
    from spotfw.study import read_study
    from spotfw.study import run as run_study
    from spotfw.study.grid import ledger
    from spotfw.study.grid.cells import SimilaritiesCell
    from spotfw.study.work.readiness import check_ready
    from spotfw.study.work.workers import choose_executor, workers_for

    worker, tuning = amounts(resources)
    declared = read_study(file)
    if executor is None:
        workers = workers_for(declared.open, workers)
    laid = lay_out(declared, out)
    # Before a line says that workers start.
    plugins = default_plugins()
    check_ready(laid, choose_executor(plugins, executor, workers), plugins, begun=begun)
    done = laid.total_steps - laid.steps_left
    if done:
        cells = sum(ledger.is_done(laid.records.get(cell.id)) for cell in laid.cells)
        note(f"Done before: {_cells(cells)} of {len(laid.cells):,}.")
    if laid.todo:
        note(_starting(workers, executor, len(laid.todo)))
    with Progress(declared.name, max(laid.total_steps, 1)) as progress:
        progress.update(done)
        outcome = run_study(
            declared,
            out,
            workers=workers,
            executor=executor,
            resources=worker,
            resources_per_tuning=tuning,
            begun=begun,
            progress=lambda done, _, what: progress.update(done, last=what),
            notify=note,
        )
    if as_json:
        print_json(attrs.asdict(outcome))
    compared = sum(isinstance(cell, SimilaritiesCell) for cell in laid.cells)
    note(
        f"{outcome.done} of {outcome.cells} cells are done, {len(outcome.failed)} failed, after "
        f"{duration(outcome.seconds)}. Rows are in {outcome.folder}/rows.csv and rows.parquet, "
        f"one a cell; {_cells(compared)} that only compare embeddings have none."
    )
    place = f" --out {shlex.quote(out)}" if out else ""
    note(f"Tables and figures: spotfw study report {shlex.quote(file)}{place}")
    if outcome.failed:
        first, error = next(iter(outcome.failed.items()))
        raise SpotError(
            f"{_cells(len(outcome.failed))} failed, first {first}: {error} Each one's traceback is "
            f"in {outcome.folder}/cells. Mend it, then run `spotfw study resume {file}` with the "
            "same --out."
        )


def _starting(workers: int | None, executor: str | None, jobs: int) -> str:
    """A line before the wait until the first tuning begins."""
    if executor is not None:
        return f"Starting the workers of {executor} ..."
    if workers == 0:
        return "Opening the model ..."
    count = min(len(os.sched_getaffinity(0)) if workers is None else workers, jobs)
    return f"Starting {count} {'worker' if count == 1 else 'workers'}, each opens the model ..."


def _cells(count: int) -> str:
    return f"{count:,} cell" if count == 1 else f"{count:,} cells"


def _steps(group: dict[str, Any]) -> list[str]:
    most = "≤ " if group["upper_bound"] else ""
    return [f"{most}{group['steps']:,}", f"{most}{group['steps_left']:,}"]


def _cell(laid: Any, cell: Any) -> dict[str, Any]:
    from spotfw.study.grid import ledger

    record = laid.records.get(cell.id)
    return {
        "id": cell.id,
        **cell.facts,
        "steps": laid.steps[cell.id],
        "done": ledger.is_done(record),
        "error": record.get("error") if record else None,
    }


def _lines(laid: Any, kind: str) -> list[str]:
    """The tunings of a kind; those that differ only in their seeds share a line."""
    from spotfw.study.grid import ledger
    from spotfw.study.grid.cell import from_source

    groups: dict[tuple[Any, ...], list[Any]] = {}
    for cell in laid.cells:
        if cell.kind == kind:
            facts = cell.facts
            key = tuple(facts[name] for name in ("model", "task", "source", "strategy", "metric"))
            groups.setdefault(key, []).append(cell)
    lines = []
    for (model, task, source, strategy, metric), members in groups.items():
        done = sum(ledger.is_done(laid.records.get(c.id)) for c in members)
        words = [task, *([from_source(source)] if source else [])]
        words += [f"by {strategy}"] if strategy else []
        words += [metric] if metric else []
        ks = sorted({c.facts["k"] for c in members} - {None})
        words += [f"k in {', '.join(map(str, ks))}"] if ks else []
        words += [f"on {model}"] if len(laid.study.models) > 1 else []
        steps = sum(laid.steps[c.id] for c in members)
        most = "at most " if members[0].is_upper_bound else ""
        lines.append(
            f"{' '.join(filter(None, words))}: {_cells(len(members))}, {most}{steps:,} steps, "
            f"{done} done"
        )
    return lines
