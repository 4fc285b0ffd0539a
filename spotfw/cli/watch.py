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
        self._beside: dict[str, int] = {}

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
        if report.beside > 1:
            self._side_by_side(report)
            return
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

    def _side_by_side(self, report: Report) -> None:
        """One bar for tunings that advance together."""
        others = report.run not in self._beside and len(self._beside) >= report.beside
        again = report.step < self._beside.get(report.run, 0)
        if self._bar is None or self._last is not None or others or again:
            self._close()
            self._last, self._beside = None, {}
            what = f"tune {report.task} and {report.beside - 1} beside it"
            self._bar = Progress(what, report.beside * report.steps).__enter__()
        self._beside[report.run] = report.step
        self._bar.update(
            sum(self._beside.values()), loss=report.loss, score=report.score, best=report.best
        )

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
        self._steps: dict[str, int] = {}

    def __call__(self, report: Report) -> None:
        self._steps[report.run] = report.step
        number = f"{len(self._steps)} of {self._tunings}"
        self.update(
            sum(self._steps.values()),
            tuning=number if report.beside == 1 else f"{report.beside} side by side",
            loss=report.loss,
            score=report.score,
            best=report.best,
        )
