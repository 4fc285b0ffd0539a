"""Shows the progress of tunings, one after another or as one whole, on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from spotfw.cli.display import Progress, note

if TYPE_CHECKING:
    from spotfw.recipe.tuning import Report


class Watch:
    """An observer of tunings: a bar (or lines) for each, with loss and scores."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._last: tuple[str, int, int] | None = None

    def __enter__(self) -> Watch:
        note("Opening the model ...")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def __call__(self, report: Report) -> None:
        # Another task, or a step that goes back: another tuning has begun.
        begun = self._last is None or (
            (report.task, report.steps) != self._last[:2] or report.step < self._last[2]
        )
        if begun:
            self._close()
            self._bar = Progress(f"tune {report.task}", report.steps).__enter__()
        self._last = (report.task, report.steps, report.step)
        if self._bar is not None:
            self._bar.update(report.step, loss=report.loss, score=report.score, best=report.best)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


class WatchAll(Progress):
    """An observer of a known number of tunings: one bar for all, with the time left.

    Args:
      what: what is going on.
      tunings: how many there are; those that were done before are passed over.
      steps: of each.
    """

    def __init__(self, what: str, tunings: int, steps: int) -> None:
        super().__init__(what, tunings * steps)
        self._tunings = tunings
        self._number = 0
        self._last = steps

    def __call__(self, report: Report) -> None:
        if report.step <= self._last:  # a step that goes back: another tuning has begun
            self._number += 1
        self._last = report.step
        self.update(
            (self._number - 1) * report.steps + report.step,
            tuning=f"{self._number} of {self._tunings}",
            loss=report.loss,
            score=report.score,
            best=report.best,
        )
