"""Runs of one call of the engine: what it reports between two steps is scored and taken together.

An engine that runs requests as a cohort reports their checkpoints one after the other. They wait
here until it asks, before its next step, which requests are still wanted; those on one task are
then scored by one call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

import attrs

from spotfw.contracts import FrozenModel, TuneProgress, TuneRequest
from spotfw.recipe.evaluation import VALIDATION, Scoring, evaluate_all
from spotfw.recipe.run import Run
from spotfw.tasks.scoring.purpose import scoring_a_checkpoint


class Stopwatch:
    """Time since it was last read, of all runs side by side, so that no second counts twice."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.monotonic(), time.process_time()

    def lap(self) -> tuple[float, float]:
        """Seconds of the wall clock and of this process's processors, over all its threads."""
        before = self._wall, self._cpu
        self._wall, self._cpu = time.monotonic(), time.process_time()
        return self._wall - before[0], self._cpu - before[1]


class SideBySide:
    """Hands the engine's reports to runs.

    Args:
      model: the frozen model.
      runs: that were begun, in the order of the requests.
    """

    def __init__(self, model: FrozenModel, runs: Sequence[Run]) -> None:
        self._model = model
        self._runs = runs
        self._waiting: list[tuple[Run, TuneProgress]] = []
        self._stopwatch = Stopwatch()
        for run in runs:
            run.beside = len(runs)

    def requests(self, requests: Sequence[TuneRequest]) -> list[TuneRequest]:
        """The runs' requests; whether one is still wanted is known once all reports are taken."""
        return [
            attrs.evolve(request, wanted=self._after_settling(request.wanted))
            for request in requests
        ]

    def follow(self, reports: Iterable[TuneProgress]) -> None:
        """Takes reports until they end, or nobody takes any more.

        Raises:
          Exception: the engine's; what it reported before is taken.
        """
        try:
            for progress in reports:
                run = self._runs[progress.request]
                # An engine that asked nothing between two reports of a run has made a step.
                if any(other is run for other, _ in self._waiting):
                    self.settle()
                self._waiting.append((run, progress))
                if all(run.outcome is not None for run in self._runs):
                    break
        except Exception:
            self.settle()
            raise
        self.settle()

    def settle(self) -> None:
        """Scores the checkpoints that wait, and lets each run take its reports."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        examples = [progress.examples for _, progress in waiting]
        self._share([run for run, _ in waiting], examples)
        asked: dict[int, Scoring] = {
            place: scoring
            for place, (run, progress) in enumerate(waiting)
            if (scoring := run.scoring(progress)) is not None
        }
        with scoring_a_checkpoint():
            scored = evaluate_all(self._model, list(asked.values()), VALIDATION)
        evaluations = dict(zip(asked, scored, strict=True))
        if asked:
            self._share([waiting[place][0] for place in asked], [1] * len(asked))
        for place, (run, progress) in enumerate(waiting):
            run.take(progress, evaluations.get(place))
            run.spend(*self._stopwatch.lap())

    def _share(self, runs: Sequence[Run], weights: Sequence[int]) -> None:
        """Counts the time since it was last read as the runs', by what each had done in it."""
        wall, cpu = self._stopwatch.lap()
        if not any(weights):
            weights = [1] * len(runs)
        for run, weight in zip(runs, weights, strict=True):
            share = weight / sum(weights)
            run.spend(wall * share, cpu * share)

    def _after_settling(self, wanted: Callable[[], bool]) -> Callable[[], bool]:
        def asked() -> bool:
            self.settle()
            return wanted()

        return asked
