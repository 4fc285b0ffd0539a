"""Tunings for other numbers of updates, and each target's own metrics, beside table 1.

The paper's rows "- longer tuning" are its methods with 30,000 updates in place of 262,144 (2.1.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spotfw.study.findings.arithmetic import Scores, finished, spread
from spotfw.study.findings.tables import Cell, Table, mean_cell
from spotfw.study.rows import Row

#: The kind of rows of all weights.
_WEIGHTS = "model tuning"
#: Kinds of table 1's upper part: what is tuned from scratch or from one prompt for all targets, and
#: all weights.
_KINDS = ("baseline", "baseline ablation", "generic", "generic ablation", _WEIGHTS)


def ablated(title: str, steps: int) -> str:
    """A method with its number of updates: ``from scratch, 30,000 steps``."""
    return f"{title}, {steps:,} steps"


def ablation_scores(rows: Iterable[Row]) -> dict[tuple[str | None, int], Scores]:
    """Scores by generic source (None from scratch) and number of updates, in the rows' order."""
    scores: dict[tuple[str | None, int], dict[tuple[str, int], float]] = {}
    for row in finished(rows, "baseline ablation", "generic ablation"):
        assert row.score is not None
        source = row.source if row.kind == "generic ablation" else None
        scores.setdefault((source, row.steps or 0), {})[row.task, row.seed] = row.score
    return dict(scores)


def by_task(rows: Sequence[Row], targets: Sequence[str]) -> Table:
    """Table 1 target by target, with a column for each metric of a target that has several.

    Args:
      rows: of one model.
      targets: in the order of the columns.
    """
    done = finished(rows, *_KINDS)
    columns: list[tuple[str, str | None]] = []
    for task in targets:
        metrics = dict.fromkeys(name for row in done if row.task == task for name in row.scores)
        columns += [(task, name) for name in metrics] if len(metrics) > 1 else [(task, None)]
    lines: dict[str, list[Row]] = {}
    order = list(dict.fromkeys(row.source for row in done if row.kind.startswith("generic")))
    for row in sorted(done, key=lambda row: _place(row, order)):
        lines.setdefault(_title(row), []).append(row)
    weights = any(row.kind == _WEIGHTS for row in done)
    return Table(
        name="tasks",
        title="Each target's metrics, from scratch and from one prompt for all"
        + (", and with all weights tuned" if weights else ""),
        columns=["method", *(f"{task} {name}" if name else task for task, name in columns)],
        rows=[
            [title, *(_cell(own, task, metric) for task, metric in columns)]
            for title, own in lines.items()
        ],
        notes=["Mean and standard deviation over seeds, 0-100."],
    )


def _place(row: Row, order: Sequence[str | None]) -> tuple[int, int]:
    """From scratch first, then the sources in their order; other numbers of updates behind each.

    Last, all weights.
    """
    if row.kind == _WEIGHTS:
        return len(order) + 1, 0
    source = 1 + order.index(row.source) if row.kind.startswith("generic") else 0
    return source, (row.steps or 0) if row.kind.endswith("ablation") else 0


def _title(row: Row) -> str:
    if row.kind == _WEIGHTS:
        return row.source or ""
    title = f"SPoT {row.source}" if row.kind.startswith("generic") else "from scratch"
    return ablated(title, row.steps or 0) if row.kind.endswith("ablation") else title


def _cell(rows: Iterable[Row], task: str, metric: str | None) -> Cell:
    own = [row for row in rows if row.task == task]
    values = [row.score if metric is None else row.scores.get(metric) for row in own]
    return mean_cell(spread(value for value in values if value is not None))
