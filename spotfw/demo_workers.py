"""The demo on several processes: tunings of one small model gain little from more threads.

Each process opens the model once, on one thread, and tunes what it is handed; all share
the demo's run folders and library, which are safe to share.
"""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

from spotfw import demo
from spotfw.contracts import DemoPlan
from spotfw.demo import DemoResult, Row, Source
from spotfw.errors import SpotError
from spotfw.session import Session
from spotfw.tuning import Report

T = TypeVar("T")

#: Steps done since the last word, and of which task.
_Told = tuple[int, str]

# A worker's own; set once by `_open`.
_session: Session
_told: Any


def run_on_workers(
    opening: Mapping[str, Any],
    plan: DemoPlan,
    *,
    seeds: Sequence[int],
    metric: str,
    workers: int,
    tell: Callable[[int, str], None] = lambda steps, what: None,
) -> DemoResult:
    """Runs a plan like `demo.run_demo`, sources first, on several processes.

    Args:
      opening: keyword arguments of each process's `Session`; a library is among them.
      plan: sources, targets and settings.
      seeds: of the target tunings.
      metric: how sources are ranked.
      workers: processes.
      tell: called now and then with all steps done and the task worked on.

    Raises:
      SpotError: a tuning failed; what was finished stays in the run folders.
    """
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    told: Any = context.Queue()
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_open, initargs=(dict(opening), told)
    )
    done = 0

    def collect(jobs: Sequence[Future[T]]) -> list[T]:
        nonlocal done
        while not all(job.done() for job in jobs):
            try:
                steps, what = told.get(timeout=0.5)
            except queue.Empty:
                if any(job.done() and job.exception() for job in jobs):
                    break
                continue
            done += steps
            tell(done, what)
        return [job.result() for job in jobs]

    try:
        sources = collect([pool.submit(_source, plan, name) for name in plan.sources])
        rows = collect(
            [
                pool.submit(_target, plan, name, seed, metric)
                for name in plan.targets
                for seed in seeds
            ]
        )
    finally:
        # After an error what waits is dropped and what runs is finished; Ctrl-C ends both.
        pool.shutdown(wait=True, cancel_futures=True)
    return DemoResult(rows=tuple(rows), sources=tuple(sources), seconds=time.monotonic() - began)


def _open(opening: dict[str, Any], told: Any) -> None:
    global _session, _told
    _session = Session(**opening, threads=1)
    _told = told


def _source(plan: DemoPlan, name: str) -> Source:
    return _plainly(lambda: demo.tune_source(_session, plan, name, _Observer()))


def _target(plan: DemoPlan, name: str, seed: int, metric: str) -> Row:
    return _plainly(lambda: demo.tune_target(_session, plan, name, seed, metric, _Observer()))


def _plainly(job: Callable[[], T]) -> T:
    """Errors for people, made so that they can be sent to the first process."""
    try:
        return job()
    except SpotError as error:
        raise SpotError(str(error)) from None


class _Observer:
    """Sends on how many steps were done."""

    def __init__(self) -> None:
        self._step = 0

    def __call__(self, report: Report) -> None:
        last = self._step if report.step > self._step else 0
        _told.put((report.step - last, report.task))
        self._step = 0 if report.step == report.steps else report.step
