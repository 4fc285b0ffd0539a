"""What stages cost, by the engine's measured rates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.english import declaration as study
from benchmarks.english.bundle import TaskData
from benchmarks.english.grid import Grid
from benchmarks.english.plan import positions_a_step, positions_to_score

#: Seconds kept for writing.
RESERVE = 6.0
#: Scored checkpoints of a target's tuning, about.
_CHECKPOINTS = 6


def mean_length(task: TaskData) -> float:
    """Tokens of a training input."""
    return float(np.mean([len(ids) for ids in task.train.inputs]))


def step_cost(grid: Grid, tasks: Sequence[TaskData]) -> float:
    """Encoder positions of a step of a cohort of these tasks, all seeds."""
    lengths = [[len(ids) for ids in task.train.inputs] for task in tasks]
    return positions_a_step(lengths, len(study.SEEDS) * len(tasks), grid.settings.batch)


def target_seconds(grid: Grid, target: TaskData, runs: int, steps: int) -> float:
    """Seconds of tuning a target so often, and of scoring it."""
    lengths = [len(ids) for ids in target.train.inputs]
    training = steps * positions_a_step([lengths], runs, grid.settings.batch)
    select = positions_to_score([len(ids) for ids in target.select.inputs], runs)
    report = positions_to_score([len(ids) for ids in target.report.inputs], runs)
    scoring = _CHECKPOINTS * select + report
    # STS-B's 26 labels cost the decoder about as much as the text the encoder.
    scoring *= 2.0 if target.kind == "number" else 1.0
    return training / grid.clock.training + scoring / grid.clock.scoring


def grid_seconds(grid: Grid, steps: int) -> float:
    """Seconds of all targets from scratch and from every source prompt of their seed."""
    return sum(
        target_seconds(grid, target, len(grid.source_prompts(target, study.SEEDS)) + 3, steps)
        for target in grid.targets
    )


def affordable(grid: Grid, target: TaskData, runs: int, steps: int, planned: float = 0.0) -> bool:
    """Whether so many tunings of a target fit in what is left beside the seconds planned."""
    needed = planned + target_seconds(grid, target, runs, steps)
    return grid.clock.left() > RESERVE + 1.15 * needed
