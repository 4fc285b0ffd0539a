"""Tidy rows and similarities from what came of the cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spotfw.study.grid import cells
from spotfw.study.grid.cells import Cell
from spotfw.study.grid.ledger import Record
from spotfw.study.grid.planning import Plan
from spotfw.study.rows import Row, Similarity


def rows_of(plan: Plan, records: Mapping[str, Record]) -> tuple[Row, ...]:
    """One row for each tuning cell that has ended, in the order of the plan.

    A tuning's seconds count in the first row that names it: cells that can be run first come
    first, so that is who ran it, also where a killed study was resumed.
    """
    counted: set[str] = set()
    found = []
    for cell in plan.cells:
        record = records.get(cell.id)
        if record is not None and cell.kind != cells.SIMILARITIES:
            found.append(_row(plan, cell, record, counted))
    return tuple(found)


def similarities_of(plan: Plan, records: Mapping[str, Record]) -> tuple[Similarity, ...]:
    """Of every pair of embeddings and every metric, as far as they were compared."""
    found = []
    for cell in plan.cells:
        record = records.get(cell.id)
        if cell.kind != cells.SIMILARITIES or record is None or record.get("error") is not None:
            continue
        assert cell.metric is not None
        sides = [_side(one) for one in record["result"]["embeddings"]]
        for a, b, similarity in record["result"]["pairs"]:
            found.append(
                Similarity(
                    model=cell.model,
                    metric=cell.metric,
                    similarity=similarity,
                    **{f"{key}_a": value for key, value in sides[a].items()},
                    **{f"{key}_b": value for key, value in sides[b].items()},
                )
            )
    return tuple(found)


def _side(embedding: Mapping[str, Any]) -> dict[str, Any]:
    return {key: embedding[key] for key in ("task", "family", "seed", "role", "id")}


def _row(plan: Plan, cell: Cell, record: Record, counted: set[str]) -> Row:
    result = record.get("result") or {}
    runs = {run["folder"]: run for run in result.get("runs", ())}
    mine = [run for folder, run in runs.items() if folder not in counted]
    counted.update(runs)
    known = ("parameters", "source_id", "step", "steps", "score", "chosen", "candidates", "folder")
    own: dict[str, Any] = {key: result.get(key) for key in known}
    if cell.kind == cells.STRATEGY:
        own |= {key: result.get(key) for key in ("source", "source_family", "source_seed")}
    else:
        own |= {"source": cell.source, "source_seed": cell.source_seed}
        own["source_family"] = _family(plan, cell.source) if cell.kind == cells.TRANSFER else None
    task = plan.found.tasks.get(cell.reference)
    return Row(
        kind=cell.kind,
        study=plan.study.name,
        model=cell.model,
        task=cell.task,
        family=result.get("family") or (task.family if task else ""),
        strategy=cell.strategy,
        metric=cell.metric,
        k=cell.k,
        seed=cell.seed,
        scores=result.get("scores", {}),
        wall_seconds=round(sum((run["wall_seconds"] for run in mine), 0.0), 3),
        cpu_seconds=round(sum((run["cpu_seconds"] for run in mine), 0.0), 3),
        error=record.get("error"),
        versions=result.get("versions", "{}"),
        created=record.get("created", ""),
        **own,
    )


def _family(plan: Plan, name: str | None) -> str | None:
    return next((t.family for t in plan.found.tasks.values() if t.name == name), None)
