"""How scores rise as targets are tuned: read from the runs that a study's rows name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs
import numpy as np

from spotfw import files
from spotfw.errors import SpotError
from spotfw.recipe.model_run_folder import ModelRunFolder
from spotfw.recipe.run_folder import RunFolder
from spotfw.study.rows import Row

#: The kind of rows of runs whose checkpoints are all weights.
_WEIGHTS = "model tuning"

#: A line: (step, mean validation score over seeds), by step.
Curve = tuple[tuple[int, float], ...]


@attrs.frozen
class Curves:
    """Curves of a study's targets.

    Attributes:
      by_target: target -> name of a line -> the line.
      missing: runs that rows name and that are not there or cannot be read.
      others: whether some are of generic prompts or of all weights.
    """

    by_target: Mapping[str, Mapping[str, Curve]]
    missing: int
    others: bool = False


def learning_curves(folder: str, rows: Sequence[Row], targets: Sequence[str]) -> Curves:
    """Of each target: from scratch, from its best source task and generic prompt, by its best
    strategy, and each way in which all weights were tuned.

    The best has the highest mean over seeds of what a row says it reached.

    Args:
      folder: the study's, below which the rows' runs lie.
      rows: of one model.
      targets: whose curves.
    """
    by_target: dict[str, dict[str, Curve]] = {}
    missing, others = 0, False
    for target in targets:
        own = [r for r in rows if r.task == target and r.folder and r.score is not None]
        lines: dict[str, Curve] = {}
        for kind, name in _NAMES.items():
            groups: dict[str, list[Row]] = {}
            for row in own:
                if row.kind == kind:
                    groups.setdefault(name(row), []).append(row)
            for title in groups if kind == _WEIGHTS else _best(groups):
                histories = [_history(folder, row) for row in groups[title]]
                missing += sum(history is None for history in histories)
                curve = _mean([history for history in histories if history])
                if curve:
                    lines[title] = curve
                    others |= kind in ("generic", _WEIGHTS)
        if lines:
            by_target[target] = lines
    return Curves(by_target, missing, others)


def _best(groups: Mapping[str, Sequence[Row]]) -> list[str]:
    def mean(title: str) -> float:
        return float(np.mean([_score(row) for row in groups[title]]))

    return [max(groups, key=mean)] if groups else []


def _scratch(_: Row) -> str:
    return "from scratch"


def _source(row: Row) -> str:
    return f"best source: {row.source}"


def _generic(row: Row) -> str:
    return f"SPoT {row.source}"


def _weights(row: Row) -> str:
    return row.source or ""


def _strategy(row: Row) -> str:
    words = [(row.strategy or "").replace("_", " ")]
    words += [] if row.k is None else [f"k = {row.k}"]
    return ", ".join([*words, *([row.metric] if row.metric else [])])


#: What a line of a row's kind is called; of all weights each line is drawn, else the best.
_NAMES: Mapping[str, Callable[[Row], str]] = {
    "baseline": _scratch,
    "transfer": _source,
    "strategy": _strategy,
    "generic": _generic,
    _WEIGHTS: _weights,
}


def _score(row: Row) -> float:
    return float(row.score or 0.0)


def _history(folder: str, row: Row) -> dict[int, float] | None:
    """A run's scores by step; None where it is not there. No row leads out of the folder."""
    place = (row.folder or "").replace("\\", "/")
    if place.startswith("/") or ".." in place.split("/") or files.is_remote(place):
        return None
    where = files.join(folder, place)
    try:
        if row.kind == _WEIGHTS:
            entries = ModelRunFolder(where).load()
        else:
            saved = RunFolder(where).load()
            entries = [] if saved is None else saved[1]
    except SpotError:
        return None
    return {entry.step: entry.score for entry in entries} or None


def _mean(histories: Iterable[Mapping[int, float]]) -> Curve:
    """The mean at each step that all of them have."""
    listed = list(histories)
    if not listed:
        return ()
    steps = sorted(set.intersection(*(set(history) for history in listed)))
    return tuple((step, float(np.mean([history[step] for history in listed]))) for step in steps)
