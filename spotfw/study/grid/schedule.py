"""Which cell can run next: all it waits for has ended, and its lane is free."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence

from spotfw.study.grid.cell import Cell


class Schedule:
    """Hands out cells in their order; each step takes time in the number of its neighbours.

    Args:
      todo: the cells to run, in an order in which they can be.
    """

    def __init__(self, todo: Sequence[Cell]) -> None:
        self._cells = list(todo)
        self._places = {cell.id: place for place, cell in enumerate(todo)}
        self._waits = [0] * len(todo)
        self._dependents: dict[str, list[int]] = {}
        self._ready: list[int] = []
        self._busy: set[str] = set()
        self._parked: dict[str, list[int]] = {}
        self._failed_needs: dict[int, str] = {}
        for place, cell in enumerate(todo):
            for other in {*cell.needs, *cell.after}:
                if other in self._places:
                    self._waits[place] += 1
                    self._dependents.setdefault(other, []).append(place)
            if not self._waits[place]:
                heapq.heappush(self._ready, place)

    def take(self) -> Cell | None:
        """The next cell that can run now; `ended` must be called when it has ended."""
        while self._ready:
            place = heapq.heappop(self._ready)
            cell = self._cells[place]
            if cell.lane and cell.lane in self._busy:
                self._parked.setdefault(cell.lane, []).append(place)
                continue
            if cell.lane:
                self._busy.add(cell.lane)
            return cell
        return None

    def take_beside(
        self, first: Cell, most: Callable[[int], int], fits: Callable[[Cell], bool]
    ) -> list[Cell]:
        """More cells that can run now in one job with a cell that was taken.

        Those of one shape can; several of a lane too, for one job tunes what they share once.

        Args:
          first: the cell.
          most: how many cells such a job has at most, of so many that there are.
          fits: whether a cell may be in it.
        """
        if first.shape is None:
            return []
        like, others = list[int](), list[int]()
        for place in self._ready:
            cell = self._cells[place]
            can = cell.shape == first.shape and place not in self._failed_needs and fits(cell)
            free = not cell.lane or cell.lane == first.lane or cell.lane not in self._busy
            (like if can and free else others).append(place)
        like.sort()
        count = most(1 + len(like)) - 1
        self._ready = others + like[count:]
        heapq.heapify(self._ready)
        taken = [self._cells[place] for place in like[:count]]
        self._busy.update(cell.lane for cell in taken if cell.lane)
        return taken

    def put_back(self, cell: Cell) -> None:
        """A cell that was taken and has not ended can be taken again."""
        self._leave_lane(cell)
        heapq.heappush(self._ready, self._places[cell.id])

    def failed_need(self, cell: Cell) -> str | None:
        """The id of a failed cell without which this one cannot be run."""
        return self._failed_needs.get(self._places[cell.id])

    def ended(self, cell: Cell, *, well: bool) -> None:
        """Notes that a cell has ended, and whether it has a result."""
        self._leave_lane(cell)
        for place in self._dependents.pop(cell.id, []):
            if not well and cell.id in self._cells[place].needs:
                self._failed_needs.setdefault(place, cell.id)
            self._waits[place] -= 1
            if not self._waits[place]:
                heapq.heappush(self._ready, place)

    def _leave_lane(self, cell: Cell) -> None:
        if cell.lane:
            self._busy.discard(cell.lane)
            for place in self._parked.pop(cell.lane, []):
                heapq.heappush(self._ready, place)
