"""`check_executor` passes the built-in executors and names what is wrong with broken ones."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import attrs
import pytest

from spotfw.contracts import JobEnded, JobProgress
from spotfw.plugins.builtin import executors
from spotfw.plugins.builtin.executors import InProcess, Processes
from spotfw.testing import check_executor
from spotfw.testing.executor_promises import SUITE
from spotfw.testing.executors import outcomes


def test_jobs_in_this_process_conform():
    check_executor(InProcess())


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_processes_conform(workers):
    executor = Processes(workers=workers)
    check_executor(executor)
    skipped = {o.check for o in outcomes(executor, only=("together",)) if o.status == "skipped"}
    assert skipped == ({"together"} if workers == 1 else set())


def test_every_check_says_its_promise():
    assert all(text.endswith(".") for text in SUITE.promises.values())


Here = executors._InProcessPool
Apart = executors._ProcessPool


@attrs.frozen
class Broken:
    """An executor with a broken pool."""

    make: Callable[..., Any]
    isolated: Any = False
    name: str = "broken"

    def open(self, start, *, jobs, resources=None):
        return self.make(start)


def _ends(events: list[Any], **changes: Any) -> list[Any]:
    return [attrs.evolve(e, **changes) if isinstance(e, JobEnded) else e for e in events]


class Twice(Here):
    """Does each job a second time, to be sure."""

    def wait(self, seconds):
        jobs = list(self._jobs)
        super().wait(seconds)
        self._jobs = jobs
        return super().wait(seconds)


class EndedTwice(Here):
    """Ends each job twice."""

    def wait(self, seconds):
        return [event for event in super().wait(seconds) for _ in range(2)]


class Mixed(Here):
    """Loses which result is whose."""

    def wait(self, seconds):
        return _ends(super().wait(seconds), result="some result")


class Silent(Here):
    """Never ends a job."""

    def wait(self, seconds):
        super().wait(seconds)
        return []


class Json(Here):
    """Sends values as JSON, which has no arrays."""

    def wait(self, seconds):
        return [
            attrs.evolve(
                e, result=json.loads(json.dumps(e.result, default=lambda array: array.tolist()))
            )
            if isinstance(e, JobEnded)
            else e
            for e in super().wait(seconds)
        ]


class Cold(Here):
    """Starts its worker again for each job."""

    def __init__(self, start):
        super().__init__(start)
        self._start = start

    def wait(self, seconds):
        self._worker = executors.Worker(self._start)
        return super().wait(seconds)


class Raising(Here):
    """Raises what a job raised."""

    def wait(self, seconds):
        events = super().wait(seconds)
        if events and events[-1].error:
            raise RuntimeError(events[-1].error)
        return events


class Traceless(Here):
    """Keeps no traceback."""

    def wait(self, seconds):
        return _ends(super().wait(seconds), trace="")


class Blaming(Here):
    """Calls every failure a lost worker."""

    def wait(self, seconds):
        events = super().wait(seconds)
        return _ends(events, lost=bool(events and events[-1].error))


class Eager(Here):
    """Starts its worker before there is a job."""

    def __init__(self, start):
        super().__init__(start)
        start()


class Quiet(Here):
    """Reports no progress."""

    def wait(self, seconds):
        return [e for e in super().wait(seconds) if isinstance(e, JobEnded)]


class Backwards(Here):
    """Reports progress in the wrong order."""

    def wait(self, seconds):
        *reports, end = super().wait(seconds) or [None]
        return [e for e in (*reversed(reports), end) if e is not None]


class Slow(Here):
    """Waits for as long as it may."""

    def wait(self, seconds):
        events = super().wait(seconds)
        time.sleep(seconds)
        return events


class Full(Here):
    """Takes no job."""

    idle = 0


@pytest.mark.parametrize(
    ("pool", "check", "said"),
    [
        (Twice, "each_once", "of 7 jobs to be done once"),
        (EndedTwice, "each_once", "ended 2 times"),
        (Mixed, "each_once", "under its key"),
        (Silent, "each_once", "had not after 1 s"),
        (Full, "each_once", "got idle = 0"),
        (Slow, "prompt_end", "it took 1 s"),
        (Json, "values", "as it was"),
        (Cold, "warm_workers", "1 to 1 starts"),
        (Raising, "job_error", "RuntimeError: ValueError: this job fails"),
        (Traceless, "job_error", "traceback with 'in fail'"),
        (Blaming, "job_error", "lost to be False"),
        (Eager, "start_error", "SpotError: This worker cannot start."),
        (Quiet, "progress", "got []"),
        (Backwards, "progress", "got [[300, 'third']"),
    ],
)
def test_what_is_wrong_is_said(pool, check, said):
    (outcome,) = outcomes(Broken(pool), seconds=1.0, only=(check,))
    assert outcome.status == "failed"
    assert said in outcome.said


class Serial(Apart):
    """Takes two jobs and runs one after the other."""

    def __init__(self, start):
        super().__init__(1, start)
        self._queue = []

    @property
    def idle(self):
        return 2 - len(self._queue) - len(self._busy)

    def submit(self, key, job):
        self._queue.append((key, job))
        self._next()

    def wait(self, seconds):
        events = super().wait(seconds)
        self._next()
        return events

    def _next(self):
        if self._queue and super().idle:
            super().submit(*self._queue.pop(0))


class Two(Apart):
    def __init__(self, start):
        super().__init__(2, start)


class Late(Two):
    """Reports progress only once a job has ended."""

    def __init__(self, start):
        super().__init__(start)
        self._kept = []

    def wait(self, seconds):
        events = super().wait(seconds)
        self._kept += [e for e in events if isinstance(e, JobProgress)]
        ends = [e for e in events if isinstance(e, JobEnded)]
        return [*self._kept, *ends] if ends else []


class Unlost(Two):
    """Does not say that a worker died."""

    def wait(self, seconds):
        return _ends(super().wait(seconds), lost=False)


class Shrinking(Two):
    """Does not replace a worker that died."""

    def wait(self, seconds):
        events = super().wait(seconds)
        for event in events:
            if isinstance(event, JobEnded) and event.lost:
                self._idle.pop()
        return events


class Spreading(Two):
    """Ends all jobs when a worker dies."""

    def wait(self, seconds):
        events = super().wait(seconds)
        if any(isinstance(e, JobEnded) and e.lost for e in events):
            for key in list(self._busy):
                process = self._busy.pop(key)
                process.end(patience=0.0)
                self._idle.append((process.number, None))
                events.append(JobEnded(key, error="Another worker died.", lost=True))
        return events


class Lasting(Two):
    """Leaves its workers when it is closed."""

    made: ClassVar[list[Any]] = []

    def __init__(self, start):
        super().__init__(start)
        self.made.append(self)

    def close(self):
        pass


@pytest.fixture
def no_worker_left() -> Iterator[None]:
    yield
    for pool in Lasting.made:
        Two.close(pool)


@pytest.mark.slow
@pytest.mark.usefixtures("no_worker_left")
@pytest.mark.parametrize(
    ("pool", "check", "waits", "said"),
    [
        (Serial, "together", {"patience": 1.0}, "never met"),
        (Late, "live_progress", {"patience": 1.0}, "got none"),
        (Unlost, "dead_worker", {}, "lost to be True"),
        (Shrinking, "dead_worker", {}, "2 idle workers again, got 1"),
        (Spreading, "dead_worker", {}, "on another worker to end well"),
        (Lasting, "closing", {"watch": 120.0}, "2 do"),
    ],
)
def test_what_is_wrong_with_processes_is_said(pool, check, waits, said):
    # Whoever waits here for what never comes gives up soon; whatever does come may take minutes.
    (outcome,) = outcomes(Broken(pool, isolated=True), only=(check,), **waits)
    assert outcome.status == "failed"
    assert said in outcome.said


@pytest.mark.parametrize(
    ("executor", "said"),
    [
        (Broken(Here, name="two words"), "without spaces"),
        (Broken(Here, isolated="yes"), "isolated to be True or False"),
        (InProcess, "got the class InProcess"),
    ],
)
def test_what_it_says_of_itself(executor, said):
    (outcome,) = outcomes(executor, only=("name",))
    assert said in outcome.said
