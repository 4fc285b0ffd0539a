"""Jobs that wait for nothing, done by a pool; and a tuning's steps as a job's progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spotfw.contracts.jobs import JobPool, JobProgress, ReportProgress
from spotfw.errors import SpotError
from spotfw.recipe.tuning import Report


def do_all(
    pool: JobPool, jobs: Sequence[Any], report: ReportProgress = lambda steps, what: None
) -> list[Any]:
    """Does jobs that wait for nothing, and gives their results in order.

    Args:
      pool: what does them.
      jobs: plain values.
      report: called as they advance.

    Raises:
      SpotError: one of them failed; those that wait are not begun.
    """
    waiting = list(enumerate(jobs))[::-1]
    results: dict[int, Any] = {}
    while len(results) < len(jobs):
        while waiting and pool.idle:
            place, job = waiting.pop()
            pool.submit(str(place), job)
        for event in pool.wait(1.0):
            if isinstance(event, JobProgress):
                report(event.steps, event.what)
            elif event.error is not None:
                raise SpotError(event.error)
            else:
                results[int(event.key)] = event.result
    return [results[place] for place in range(len(jobs))]


class StepReporter:
    """An observer of tunings that reports how many steps were done."""

    def __init__(self, report: ReportProgress) -> None:
        self._report = report
        self._steps: dict[str, int] = {}

    def __call__(self, report: Report) -> None:
        # A step that does not rise: the run has begun again, to more steps.
        last = self._steps.get(report.run, 0)
        last = last if report.step > last else 0
        self._steps[report.run] = report.step
        self._report(report.step - last, report.task)
