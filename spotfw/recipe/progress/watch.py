"""Shows the progress of tunings, one after another or as one whole, on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

from spotfw.recipe.progress.bars import Progress
from spotfw.recipe.tuned import Report


class _Heard:
    """The last report of each of several tunings."""

    def __init__(self) -> None:
        self.reports: dict[str, Report] = {}

    def show(self, report: Report, bar: Progress, **facts: str) -> None:
        """Hears of one, and shows how far all are together, with the best score of any."""
        self.reports[_key(report)] = report
        scores = [r.best for r in self.reports.values() if r.best is not None]
        bar.update(
            sum(heard.step for heard in self.reports.values()),
            **facts,
            loss=report.loss,
            score=report.score,
            best=max(scores, default=None),
        )


class Watch:
    """An observer of tunings: a bar (or lines) for each, with where it started and its scores.

    Those that advance together have a bar in common.
    """

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._heard = _Heard()

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
        if self._bar is None or self._is_another(report):
            self.close()
            self._heard = _Heard()
            self._bar = Progress(title(report), report.beside * report.steps).__enter__()
        if report.beside > 1:
            known = {**self._heard.reports, _key(report): report}
            self._bar.name(titles(known.values(), report.beside))
        self._heard.show(report, self._bar)
        if sum(r.step >= r.steps for r in self._heard.reports.values()) == report.beside:
            self.close()

    def _is_another(self, report: Report) -> bool:
        """Whether it is of a tuning that the bar is not of: a new run, or one that goes back."""
        heard = self._heard.reports
        before = heard.get(_key(report))
        if before is None:
            any_heard = next(iter(heard.values()))
            return len(heard) >= report.beside or any_heard.beside != report.beside
        return report.step < before.step or report.beside != before.beside

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
        self._heard_of = _Heard()

    @property
    def heard(self) -> bool:
        """Whether anything was tuned."""
        return bool(self._heard_of.reports)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            # Those that were done before, or not chosen, do not leave the bar short of its end.
            self._total = sum(report.steps for report in self._heard_of.reports.values())
        super().__exit__(kind, error, trace)

    def __call__(self, report: Report) -> None:
        count = len({*self._heard_of.reports, _key(report)})
        tuning = f"{report.beside} side by side"
        if report.beside == 1:
            tuning = f"{count} of {self._tunings} {report.source}".rstrip()
        self._heard_of.show(report, self, tuning=tuning)


def _key(report: Report) -> str:
    """What tells a tuning from others."""
    return report.run or title(report)


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
