"""What each method keeps for a task, and what a tuning of it takes (the paper's 2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.study.findings.ablations import ablated
from spotfw.study.findings.arithmetic import finished, spread
from spotfw.study.findings.paper_tables import SCRATCH
from spotfw.study.findings.tables import Cell, Table
from spotfw.study.rows import SOURCE_KINDS, Row


def times_fewer(parameters: int, task_parameters: int) -> float:
    """How many times fewer numbers a task keeps than there are weights.

    At T5 XXL's 11 billion weights, a prompt of 100 tokens of 4,096 has 27,000 times fewer.

    Args:
      parameters: weights of the model.
      task_parameters: numbers that belong to the task alone, 1 or more.
    """
    return parameters / task_parameters


def parameters_table(rows: Sequence[Row]) -> Table:
    """Each method's parameters a task, and the steps and processor time of a tuning.

    Args:
      rows: of one model.
    """
    groups: dict[str, list[Row]] = {}
    prompts = ("baseline", "baseline ablation", "generic", "generic ablation", "strategy")
    kinds = (*prompts, "model tuning", *SOURCE_KINDS)
    for kind in kinds:
        for row in finished(rows, kind):
            groups.setdefault(_title(row), []).append(row)
    lines: list[list[object]] = []
    for title, members in groups.items():
        kept = sorted({row.task_parameters for row in members if row.task_parameters})
        fewer = None
        # Of all weights there are no fewer.
        if len(kept) == 1 and members[0].parameters and kept[0] < members[0].parameters:
            fewer = times_fewer(members[0].parameters, kept[0])
        cpu = spread(row.cpu_seconds for row in members if row.cpu_seconds)
        steps = sorted({row.steps for row in members if row.steps is not None})
        lines.append(
            [
                title,
                kept[0] if len(kept) == 1 else None,
                Cell(fewer, digits=0 if fewer and fewer >= 10 else 1),
                len(members),
                "-".join(f"{s:,}" for s in dict.fromkeys([steps[0], steps[-1]])) if steps else None,
                Cell(cpu.mean if cpu else None, cpu.std if cpu else None),
            ]
        )
    return Table(
        name="parameters",
        title="Parameters of a task, and what a tuning takes",
        columns=[
            *("method", "parameters of a task", "times fewer than all weights", "tunings"),
            *("steps", "CPU seconds a tuning"),
        ],
        rows=lines,
        notes=[
            "Numbers that are kept for a task alone: a prompt's length times the model's width, or "
            "all weights. CPU seconds are of the target's own tuning, mean and standard deviation; "
            "those of what it started from have a line of their own."
        ],
    )


def _title(row: Row) -> str:
    name = row.source or ""
    return {
        "baseline": SCRATCH,
        "baseline ablation": ablated(SCRATCH, row.steps or 0),
        "generic": f"SPoT {name}",
        "generic ablation": ablated(f"SPoT {name}", row.steps or 0),
        "strategy": (row.strategy or "").replace("_", " "),
        "model tuning": name,
        "source": "a source's prompt",
        "generic source": f"SPoT {name}: its source",
        "model source": f"{name}: its sources",
    }[row.kind]
