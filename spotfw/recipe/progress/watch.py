"""Shows the progress of tunings, one after another or as one whole, on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

from spotfw.recipe.progress.bars import Progress
from spotfw.recipe.tuned import Report


class Watch:
    """An observer of tunings: a bar (or lines) for each, with where it started and its scores."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._last: tuple[str, str, int] | None = None
        self._step = 0
        self._beside: dict[str, Report] = {}

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
        if report.beside > 1:
            self._side_by_side(report)
            return
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

    def _side_by_side(self, report: Report) -> None:
        """One bar for tunings that advance together."""
        others = report.run not in self._beside and len(self._beside) >= report.beside
        before = self._beside.get(report.run)
        again = before is not None and report.step < before.step
        if self._bar is None or self._last is not None or others or again:
            self.close()
            self._last, self._beside = None, {}
            self._bar = Progress(title(report), report.beside * report.steps).__enter__()
        self._beside[report.run] = report
        self._bar.name(titles(self._beside.values(), report.beside))
        self._bar.update(
            sum(heard.step for heard in self._beside.values()),
            loss=report.loss,
            score=report.score,
            best=report.best,
        )
        ended = sum(heard.step >= heard.steps for heard in self._beside.values())
        if ended == report.beside:
            self.close()

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
        self._steps: dict[str, int] = {}

    def __call__(self, report: Report) -> None:
        self._steps[report.run] = report.step
        number = f"{len(self._steps)} of {self._tunings}"
        self.update(
            sum(self._steps.values()),
            tuning=f"{number}{report.source and f' {report.source}'}"
            if report.beside == 1
            else f"{report.beside} side by side",
            loss=report.loss,
            score=report.score,
            best=report.best,
        )


def title(report: Report) -> str:
    """``tune super_glue_cb from glue_mnli (seed 0)``."""
    return f"tune {report.task} {report.source}".rstrip()


def titles(reports: Iterable[Report], count: int) -> str:
    """The same of tunings side by side: ``tune cb from mnli (seed 0) and snli (seed 1)``.

    Args:
      reports: of those that were heard of.
      count: of all.
    """
    heard = list(reports)
    tasks = list(dict.fromkeys(report.task for report in heard))
    sources = [report.source.removeprefix("from ") or "scratch" for report in heard]
    if len(tasks) > 1:
        return f"tune {_listed([title(report).removeprefix('tune ') for report in heard])}"
    if not any(report.source for report in heard):
        return f"tune {tasks[0]}, {count} side by side"
    return f"tune {tasks[0]} from {_listed(sources)}"


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
