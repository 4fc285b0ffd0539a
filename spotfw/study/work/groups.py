"""Cells that are one job: as many of one shape as an engine gladly tunes together.

A group's cells have records of their own, and each ends well or not by itself. Only where the whole
job fails (its worker dies, the memory does not suffice) is nothing known of its cells; they are
then run one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from spotfw.contracts.jobs import JobEnded
from spotfw.study.grid.cell import Cell, Job, Result, Results
from spotfw.study.grid.schedule import Schedule

#: Workers that a cell may lose before it is set aside.
TRIES = 3


@attrs.define(eq=False)
class Group:
    """One job.

    Attributes:
      cells: one or more, which can be run now.
      steps: updates that were reported of it.
    """

    cells: tuple[Cell, ...]
    steps: int = 0

    @property
    def key(self) -> str:
        """The name of the job."""
        return self.cells[0].id

    def job(self, results: Results) -> Job:
        """What a worker does."""
        jobs = [cell.job(results) for cell in self.cells]
        if len(jobs) == 1:
            return jobs[0]
        return {"action": "group", "model": self.cells[0].model, "jobs": jobs}

    def steps_at_most(self, steps: Mapping[str, int]) -> int:
        """The reported updates, no more than the cells were planned to take."""
        return min(self.steps, sum(steps[cell.id] for cell in self.cells))

    def outcomes(self, ended: JobEnded) -> Iterator[tuple[Cell, Result | None, str | None, str]]:
        """What came of each cell: its result, or an error with its trace."""
        if len(self.cells) == 1:
            yield self.cells[0], ended.result, ended.error, ended.trace
            return
        for cell, outcome in zip(self.cells, ended.result["outcomes"], strict=True):
            yield cell, outcome["result"], outcome["error"], outcome["trace"]


class Grouping:
    """Makes groups of what can be run.

    Args:
      schedule: of the cells.
      sizes: by model, how many its engine gladly tunes together.
    """

    def __init__(self, schedule: Schedule, sizes: Mapping[str, int]) -> None:
        self._schedule = schedule
        self._sizes = sizes
        self._alone: set[str] = set()
        self._lost: dict[str, int] = {}

    def around(self, cell: Cell, workers: int) -> Group:
        """A group of a cell that was taken and others like it, so that no worker is idle.

        Args:
          cell: that was taken.
          workers: among whom the cells that can be run now are shared out.
        """
        size = self._sizes.get(cell.model, 1)
        if size == 1 or cell.id in self._alone:
            return Group((cell,))
        more = self._schedule.take_beside(cell, lambda count: min(size, -(-count // workers)))
        return Group((cell, *more))

    def try_again(self, cell: Cell) -> bool:
        """Lets a cell be run again whose worker was lost, unless it lost as many as `TRIES`.

        It goes on from its tuning's last checkpoint. Memory or a node that ran out is no fault of
        the cell's, but a cell that ends every worker would do so for ever.
        """
        self._lost[cell.id] = self._lost.get(cell.id, 0) + 1
        if self._lost[cell.id] >= TRIES:
            return False
        self._schedule.put_back(cell)
        return True

    def part(self, group: Group, error: str) -> str:
        """Lets the cells of a group that failed as a whole be run one by one; says so."""
        for cell in group.cells:
            self._alone.add(cell.id)
            self._schedule.put_back(cell)
        return (
            f"A job of {len(group.cells)} tunings failed as a whole ({error}); each is tried alone."
        )
