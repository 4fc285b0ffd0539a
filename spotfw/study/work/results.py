"""Tidy rows and similarities from what came of the cells."""

from __future__ import annotations

from collections.abc import Mapping

from spotfw.study.grid.ledger import Record
from spotfw.study.grid.planning import Plan
from spotfw.study.rows import Row, Similarity


def rows_of(plan: Plan, records: Mapping[str, Record]) -> tuple[Row, ...]:
    """One row for each tuning cell that has ended, in the order of the plan.

    A tuning's seconds count in the first row that names it: cells that can be run first come
    first, so that is who ran it, also where a killed study was resumed.
    """
    counted: set[str] = set()
    rows = []
    for cell in plan.cells:
        record = records.get(cell.id)
        if record is None:
            continue
        runs = {run["folder"]: run for run in (record.get("result") or {}).get("runs", ())}
        own = [run for folder, run in runs.items() if folder not in counted]
        counted.update(runs)
        row = cell.row(
            record,
            study=plan.study.name,
            tasks=plan.resolved.tasks,
            wall_seconds=round(sum((run["wall_seconds"] for run in own), 0.0), 3),
            cpu_seconds=round(sum((run["cpu_seconds"] for run in own), 0.0), 3),
        )
        if row is not None:
            rows.append(row)
    return tuple(rows)


def similarities_of(plan: Plan, records: Mapping[str, Record]) -> tuple[Similarity, ...]:
    """Of every pair of embeddings and every metric, as far as they were compared."""
    similarities: list[Similarity] = []
    for cell in plan.cells:
        record = records.get(cell.id)
        if record is not None and record.get("error") is None:
            similarities += cell.similarities(record["result"])
    return tuple(similarities)
