"""Jobs that wait for nothing, done by a pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spotfw.contracts.jobs import Pool, Tell, Told
from spotfw.errors import SpotError
from spotfw.recipe.tuning import Report


def do_all(pool: Pool, jobs: Sequence[Any], tell: Tell = lambda steps, what: None) -> list[Any]:
    """Does jobs that wait for nothing, and gives their results in order.

    Raises:
      SpotError: one failed; those that wait are not begun.
    """
    waiting = list(enumerate(jobs))[::-1]
    results: dict[int, Any] = {}
    while len(results) < len(jobs):
        while waiting and pool.idle:
            place, job = waiting.pop()
            pool.submit(str(place), job)
        for event in pool.wait(1.0):
            if isinstance(event, Told):
                tell(event.steps, event.what)
            elif event.error is not None:
                raise SpotError(event.error)
            else:
                results[int(event.key)] = event.result
    return [results[place] for place in range(len(jobs))]


class StepsTold:
    """An observer of tunings that passes on how many steps were done."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._step = 0

    def __call__(self, report: Report) -> None:
        # A step that does not rise: another tuning has begun.
        last = self._step if report.step > self._step else 0
        self._tell(report.step - last, report.task)
        self._step = 0 if report.step == report.steps else report.step
