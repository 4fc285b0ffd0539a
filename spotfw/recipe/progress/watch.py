"""Shows the progress of tunings, one after another or as one whole, on stderr."""

from __future__ import annotations

from types import TracebackType

from spotfw.recipe.progress.bars import Progress
from spotfw.recipe.tuned import Report


class Watch:
    """An observer of tunings: a bar (or lines) for each, with where it started and its scores."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._last: tuple[str, str, int] | None = None
        self._step = 0

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __call__(self, report: Report) -> None:
        # Another task or start, or a step that goes back: another tuning has begun.
        key = report.task, report.source, report.steps
        if key != self._last or report.step < self._step:
            self.close()
            self._bar = Progress(title(report), report.steps).__enter__()
        self._last, self._step = key, report.step
        if self._bar is not None:
            self._bar.update(report.step, loss=report.loss, score=report.score, best=report.best)
        if report.step >= report.steps:
            self.close()
            self._last = None

    def close(self) -> None:
        """Ends the bar that is shown, if any."""
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
            tuning=f"{self._number} of {self._tunings}{report.source and f' {report.source}'}",
            loss=report.loss,
            score=report.score,
            best=report.best,
        )


def title(report: Report) -> str:
    """``tune super_glue_cb from glue_mnli (seed 0)``."""
    return f"tune {report.task} {report.source}".rstrip()
