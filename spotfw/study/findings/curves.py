"""How scores rise as targets are tuned: read from the runs that a study's rows name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import numpy as np

from spotfw import files
from spotfw.errors import SpotError
from spotfw.recipe.run_folder import RunFolder
from spotfw.study.rows import Row

#: A line: (step, mean validation score over seeds), by step.
Curve = tuple[tuple[int, float], ...]


@attrs.frozen
class Curves:
    """Curves of a study's targets.

    Attributes:
      by_target: target -> name of a line -> the line.
      missing: runs that rows name and that are not there or cannot be read.
    """

    by_target: Mapping[str, Mapping[str, Curve]]
    missing: int


def learning_curves(folder: str, rows: Sequence[Row], targets: Sequence[str]) -> Curves:
    """Of each target: from scratch, from its best source task, and by its best strategy.

    The best has the highest mean over seeds of what a row says it reached.

    Args:
      folder: the study's, below which the rows' runs lie.
      rows: of one model.
      targets: whose curves.
    """
    by_target: dict[str, dict[str, Curve]] = {}
    missing = 0
    for target in targets:
        own = [r for r in rows if r.task == target and r.folder and r.score is not None]
        lines: dict[str, Curve] = {}
        for kind, name in (("baseline", _scratch), ("transfer", _source), ("strategy", _strategy)):
            groups: dict[str, list[Row]] = {}
            for row in own:
                if row.kind == kind:
                    groups.setdefault(name(row), []).append(row)
            if not groups:
                continue
            best = max(groups, key=lambda title: float(np.mean([_score(r) for r in groups[title]])))
            histories = [_history(folder, row) for row in groups[best]]
            missing += sum(history is None for history in histories)
            curve = _mean([history for history in histories if history])
            if curve:
                lines[best] = curve
        if lines:
            by_target[target] = lines
    return Curves(by_target, missing)


def _scratch(_: Row) -> str:
    return "from scratch"


def _source(row: Row) -> str:
    return f"best source: {row.source}"


def _strategy(row: Row) -> str:
    words = [(row.strategy or "").replace("_", " ")]
    words += [] if row.k is None else [f"k = {row.k}"]
    return ", ".join([*words, *([row.metric] if row.metric else [])])


def _score(row: Row) -> float:
    return float(row.score or 0.0)


def _history(folder: str, row: Row) -> dict[int, float] | None:
    """A run's scores by step; None where it is not there. No row leads out of the folder."""
    place = (row.folder or "").replace("\\", "/")
    if place.startswith("/") or ".." in place.split("/") or files.is_remote(place):
        return None
    try:
        saved = RunFolder(files.join(folder, place)).load()
    except SpotError:
        return None
    return None if saved is None else {entry.step: entry.score for entry in saved[1]}


def _mean(histories: Iterable[Mapping[int, float]]) -> Curve:
    """The mean at each step that all of them have."""
    listed = list(histories)
    if not listed:
        return ()
    steps = sorted(set.intersection(*(set(history) for history in listed)))
    return tuple((step, float(np.mean([history[step] for history in listed]))) for step in steps)
