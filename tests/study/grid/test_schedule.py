"""The order of cells: needs first, a failure's dependants named, lanes kept free of rivals."""

from __future__ import annotations

from spotfw.study.grid.cell import Cell
from spotfw.study.grid.cells import BaselineCell
from spotfw.study.grid.schedule import Schedule


def _cell(task: str, **more: object) -> Cell:
    return BaselineCell(model="m", task=task, seed=0, settings={}, **more)  # type: ignore[arg-type]


def test_needs_come_first_and_lanes_are_kept() -> None:
    first, second = _cell("a"), _cell("b")
    third = _cell("c", needs=(first.id,), lane="x")
    fourth = _cell("d", after=(second.id,), lane="x")
    schedule = Schedule([first, second, third, fourth])
    assert [schedule.take(), schedule.take(), schedule.take()] == [first, second, None]
    schedule.ended(second, well=True)
    schedule.ended(first, well=True)
    assert schedule.take() == third
    assert schedule.take() is None  # the lane is busy
    schedule.ended(third, well=True)
    assert schedule.take() == fourth


def test_a_failure_is_handed_down_by_needs_only() -> None:
    first = _cell("a")
    needing, following = _cell("b", needs=(first.id,)), _cell("c", after=(first.id,))
    last = _cell("d", needs=(needing.id,))
    schedule = Schedule([first, needing, following, last])
    schedule.ended(_taken(schedule), well=False)
    assert _taken(schedule) == needing and schedule.failed_need(needing) == first.id
    assert _taken(schedule) == following and schedule.failed_need(following) is None
    schedule.ended(needing, well=False)
    assert _taken(schedule) == last and schedule.failed_need(last) == needing.id


def _taken(schedule: Schedule) -> Cell:
    cell = schedule.take()
    assert cell is not None
    return cell
