"""What cells cost in updates: exactly, or for a strategy no more than so many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spotfw.plugins import Plugins
from spotfw.study.grid.cell import Cell
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.ledger import Record


def upper_bounds(study: Study, cells: Sequence[Cell], plugins: Plugins) -> dict[str, int]:
    """Updates of each cell by id; a tuning that several share counts in the first.

    A strategy is asked what it would choose from made-up similarities. Two metrics may rank
    differently, so their choices count apart; with an oracle, single prompts cost nothing.
    """
    steps: dict[str, int] = {}
    counted: set[Any] = set()
    prompts = len(study.sources) * len(study.seeds)
    for cell in cells:
        tunings = dict(cell.tunings(plugins))
        steps[cell.id] = sum(n for tuning, n in tunings.items() if tuning not in counted)
        counted.update(tunings, cell.possible_tunings(study.metrics, prompts))
    return steps


def runs_of(records: Iterable[Record]) -> list[Mapping[str, Any]]:
    """The tunings that cells name, each once."""
    runs: dict[str, Mapping[str, Any]] = {}
    for record in records:
        for run in (record.get("result") or {}).get("runs", ()):
            runs.setdefault(run["folder"], run)
    return list(runs.values())
