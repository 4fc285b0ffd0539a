"""How targets' tunings are put together: large cohorts of texts of like length."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.english.bundle import TaskData
from benchmarks.english.cells import Run, tune_and_score
from benchmarks.english.costs import RESERVE, mean_length, target_seconds
from benchmarks.english.grid import Grid
from benchmarks.english.plan import groups_by_length

#: Mean input lengths that part cohorts of several tasks. Few and large cohorts: a step takes
#: the host a time of its own, however small it is.
_LENGTHS = (60.0, 110.0)
LARGE = (110.0,)
#: Members of a cohort at most.
_MOST = 192
#: Checkpoints of a target's tuning, beside its last step.
_SCORED = (24, 48, 104, 152, 200, 256, 304, 400)


def target_batches(grid: Grid) -> list[list[TaskData]]:
    """Targets in their order, short ones together: alone they would not fill the device."""
    batches: list[list[TaskData]] = []
    open_batch: list[TaskData] = []
    for target in grid.targets:
        if mean_length(target) > _LENGTHS[0]:
            batches.append([target])
            continue
        if not open_batch:
            batches.append(open_batch)
        open_batch.append(target)
        if len(open_batch) == 2:
            open_batch = []
    return batches


def tune_in_cohorts(grid: Grid, runs: Sequence[Run], steps: int) -> None:
    """Tunes and scores those without a row that there is time for, like lengths together."""
    runs = [run for run in runs if run.start.name not in grid.out.rows]
    by_name = {run.task.name: run.task for run in runs}
    for names in groups_by_length({n: mean_length(t) for n, t in by_name.items()}, _LENGTHS):
        group = [run for name in names for run in runs if run.task.name == name]
        for first in range(0, len(group), _MOST):
            part = group[first : first + _MOST]
            counts = {run.task.name: 0 for run in part}
            for run in part:
                counts[run.task.name] += 1
            seconds = [target_seconds(grid, by_name[n], c, steps) for n, c in counts.items()]
            if grid.clock.left() < RESERVE + 1.25 * sum(seconds):
                grid.say(f"no time for {len(part)} tunings of {', '.join(counts)}")
                continue
            tune_and_score(grid, part, target_checkpoints(steps))
            grid.out.save()


def target_checkpoints(steps: int) -> list[int]:
    return sorted({*(step for step in _SCORED if step < steps), steps})
