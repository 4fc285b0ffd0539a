"""Cells that are one job: as many of one shape as an engine gladly tunes together.

A group's cells have records of their own, and each ends well or not by itself. Only where the whole
job fails is nothing known of its cells. If its worker was lost (with its node, or for want of
memory) they are run again in halves, so that a cell that ends every worker is soon alone; if it
raised, one by one.
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
        #: By cell, the most in a job with it: of those whose jobs failed as a whole.
        self._most: dict[str, int] = {}
        self._lost: dict[str, int] = {}

    def around(self, cell: Cell, workers: int) -> Group:
        """A group of a cell that was taken and others like it, so that no worker is idle.

        Args:
          cell: that was taken.
          workers: among whom the cells that can be run now are shared out.
        """
        bound = self._most.get(cell.id)
        size = self._sizes.get(cell.model, 1) if bound is None else bound
        if size == 1:
            return Group((cell,))
        more = self._schedule.take_beside(
            cell,
            lambda count: min(size, -(-count // workers)),
            lambda other: self._most.get(other.id) == bound,
        )
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

    def part(self, group: Group, error: str, *, lost: bool) -> str:
        """Lets cells whose job failed as a whole be run again, fewer together; says so."""
        count = len(group.cells)
        most = -(-count // 2) if lost else 1
        for cell in group.cells:
            self._most[cell.id] = most
            self._schedule.put_back(cell)
        how = "each is tried alone" if most == 1 else f"they are tried again {most} at a time"
        return f"A job of {count} tunings failed as a whole ({error}); {how}."
