"""What cells cost in updates: exactly, or for a strategy no more than so many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spotfw.contracts import (
    Candidate,
    Race,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.plugins import Plugins
from spotfw.ranking import Ranked, Ranking
from spotfw.study.grid import cells
from spotfw.study.grid.cells import Cell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.ledger import Record


def upper_bounds(study: Study, laid: Sequence[Cell], plugins: Plugins) -> dict[str, int]:
    """Updates of each cell by id; a tuning that several share counts in the first.

    A strategy is asked what it would choose from made-up similarities. Two metrics may rank
    differently, so their choices count apart; with an oracle, single prompts cost nothing.
    """
    found = {}
    counted: set[Any] = set()
    for cell in laid:
        tunings = dict(_tunings(cell, plugins))
        found[cell.id] = sum(steps for what, steps in tunings.items() if what not in counted)
        counted.update(tunings)
        if cell.kind == cells.TRANSFER:
            # Whatever a metric ranks first, it is among these.
            counted |= {
                (cell.model, cell.task, cell.seed, "prompt", metric, rank)
                for metric in study.metrics
                for rank in range(len(study.sources) * len(study.seeds))
            }
    return found


def runs_of(records: Iterable[Record]) -> list[Mapping[str, Any]]:
    """The tunings that cells name, each once."""
    found: dict[str, Mapping[str, Any]] = {}
    for record in records:
        for run in (record.get("result") or {}).get("runs", ()):
            found.setdefault(run["folder"], run)
    return list(found.values())


def _tunings(cell: Cell, plugins: Plugins) -> Iterable[tuple[Any, int]]:
    """What a cell tunes, each with its updates; equal ones are one tuning."""
    if cell.kind == cells.SIMILARITIES:
        return
    if cell.kind == cells.STRATEGY:
        yield from _chosen(cell, plugins)
        return
    whole = tuple(sorted((k, v) for k, v in cell.settings.items()))
    started = (cell.source, cell.source_seed) if cell.kind in _STARTED else None
    kind = cells.SOURCE if cell.kind == cells.GENERIC_SOURCE else cell.kind
    yield (kind, cell.model, cell.task, started, cell.rates, whole), cell.settings["steps"]


_STARTED = (cells.TRANSFER, cells.GENERIC)


def _chosen(cell: Cell, plugins: Plugins) -> Iterable[tuple[Any, int]]:
    assert cell.strategy is not None and cell.k is not None
    ranking = Ranking(
        items=tuple(
            Ranked(rank=n, id=str(n), task=task, seed=seed, similarity=1 - n / (2 * len(cell.pool)))
            for n, (task, seed) in enumerate(_tasks_apart(cell.pool))
        )
    )
    try:
        candidates: Sequence[Candidate] = list(plugins.strategy(cell.strategy)(ranking, cell.k))
    except Exception:
        # What it chooses depends on more than can be made up; it runs one tuning or more.
        candidates = [StartFromPrompt(str(n)) for n in range(min(cell.k, len(ranking)))]
    here = (cell.model, cell.task, cell.seed)
    steps: int = cell.settings["steps"]
    for candidate in candidates:
        for start in candidate.candidates if isinstance(candidate, Race) else (candidate,):
            match start:
                case StartFromPrompt(id=identity):
                    yield (*here, "prompt", cell.metric, int(identity)), steps
                case StartFromAverage(ids=(identity,)):
                    yield (*here, "prompt", cell.metric, int(identity)), steps
                case StartFromAverage(ids=ids, weights=weights):
                    yield (*here, "average", cell.metric, ids, weights), steps
                case StartFromMixture(tasks=tasks):
                    assert cell.mixture is not None
                    yield (*here, "mixture", cell.metric, tasks), cell.mixture["steps"]
                    yield (*here, "from mixture", cell.metric, tasks), steps
                case StartFromScratch():
                    continue  # the baseline


def _tasks_apart(pool: Sequence[cells.Prompt]) -> list[cells.Prompt]:
    """The pool with different tasks first, so that a mixture is as large as it can be."""
    order: Callable[[cells.Prompt], int] = lambda prompt: prompt[1]  # noqa: E731
    return sorted(pool, key=order)
