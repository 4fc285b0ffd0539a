"""What an executor promises, check by check, with jobs that leave traces as files."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spotfw.contracts import Executor, JobEnded, JobPool, JobProgress, WorkerStart
from spotfw.testing.executor_jobs import BEAT, START, beats, still_beating
from spotfw.testing.suites import Skip, Suite, check_name, expect

#: A value of every kind that a job may have.
VALUE: Mapping[str, Any] = {
    "text": "a ä \U0001f642",
    "numbers": [0, -1, 2**40, 0.5, True, None],
    "nested": [{"empty": {}}, []],
    "prompt": np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4),
    "ids": np.arange(3, dtype=np.int64),
    "nothing": np.zeros((0, 4), np.float32),
}
#: The most workers that checks of capacity open jobs for.
_MOST = 2


@attrs.frozen(kw_only=True)
class ExecutorSubject:
    """An executor, where its workers leave traces, and how long is waited for what.

    Attributes:
      executor: the executor.
      folder: where its workers leave traces.
      seconds: without any event, until a job counts as lost.
      patience: that a job waits for another; below `seconds`, so that it gives up unlost.
      watch: how long a closed pool is watched for workers that still live.
    """

    executor: Executor
    folder: Path
    seconds: float
    patience: float
    watch: float

    @contextlib.contextmanager
    def pool(
        self, check: str, jobs: int = _MOST, **arguments: Any
    ) -> Iterator[tuple[JobPool, Path]]:
        """A pool, closed afterwards, and a folder of its own."""
        place = self.folder / check
        place.mkdir()
        arguments |= {"folder": str(place), "patience": self.patience}
        start = WorkerStart(START, arguments)
        with contextlib.closing(self.executor.open(start, jobs=jobs)) as pool:
            yield pool, place

    def until_ended(self, pool: JobPool, *keys: str) -> dict[str, list[Any]]:
        """The events of each key, once all these jobs have ended."""
        events: dict[str, list[Any]] = {key: [] for key in keys}
        last = time.monotonic()
        while not all(ended(events[key]) for key in keys):
            for event in pool.wait(0.5):
                expect(
                    isinstance(event, (JobProgress, JobEnded)),
                    f"expected JobProgress and JobEnded of wait, got {event!r:.80}.",
                )
                events.setdefault(event.key, []).append(event)
                last = time.monotonic()
            missing = [key for key in keys if not ended(events[key])]
            expect(
                not missing or time.monotonic() - last < self.seconds,
                f"expected every job to end, but {', '.join(missing)} had not after "
                f"{self.seconds:g} s without any event.",
            )
        return events

    def isolated(self) -> None:
        """Skips the check where workers are no processes of their own."""
        if not self.executor.isolated:
            raise Skip("jobs are done in the process that opened the pool.")


def ended(events: list[Any]) -> list[JobEnded]:
    """Those events that end a job."""
    return [event for event in events if isinstance(event, JobEnded)]


def echo(name: str, value: Any = None) -> dict[str, Any]:
    """A job that gives back a value."""
    return {"do": "echo", "name": name, "value": value}


SUITE: Suite[ExecutorSubject] = Suite("executor")


@SUITE.check
def name(s: ExecutorSubject) -> None:
    """Has a name, a text without spaces or colons, and says whether workers are isolated."""
    check_name(s.executor)
    isolated = s.executor.isolated
    expect(isinstance(isolated, bool), f"expected isolated to be True or False, got {isolated!r}.")


@SUITE.check
def each_once(s: ExecutorSubject) -> None:
    """Does each job once and ends each once with its own result, whatever their order."""
    names = [f"job-{number}" for number in range(7)]
    with s.pool("each_once", len(names)) as (pool, place):
        expect(pool.idle >= 1, f"expected a new pool to take a job, got idle = {pool.idle}.")
        events: dict[str, list[Any]] = {}
        waiting = list(names)
        running: list[str] = []
        while waiting or running:
            while waiting and pool.idle:
                running.append(waiting.pop())
                pool.submit(running[-1], echo(running[-1], f"value of {running[-1]}"))
            expect(running, "expected an idle worker once all jobs had ended, got none.")
            batch = s.until_ended(pool, running[0])
            for key, more in batch.items():
                events.setdefault(key, []).extend(more)
            running = [key for key in running if not ended(events.get(key, []))]
        late = pool.wait(0.2)
        expect(not late, f"expected no event after all jobs had ended, got {late!r:.120}.")
        for key in names:
            (*_, last) = events[key]
            times = len(ended(events[key]))
            expect(times == 1, f"expected each job to end once, but {key} ended {times} times.")
            expect(
                last.result == f"value of {key}" and last.error is None and not last.lost,
                f"expected the result of {key} under its key, got {last!r:.160}.",
            )
        done = sorted((place / "done").read_text().split())
        expect(done == sorted(names), f"expected each of 7 jobs to be done once, got {done}.")


@SUITE.check
def values(s: ExecutorSubject) -> None:
    """Hands texts, numbers, lists, dicts, None and arrays to a job and back as they are."""
    with s.pool("values", 1) as (pool, _):
        pool.submit("values", echo("values", dict(VALUE)))
        (end,) = ended(s.until_ended(pool, "values")["values"])
    expect(end.error is None, f"expected a result, got the error {end.error}.")
    for key, sent in VALUE.items():
        back = end.result.get(key)
        same = back == sent
        if isinstance(sent, np.ndarray):
            same = isinstance(back, np.ndarray) and back.dtype == sent.dtype
            same = same and np.array_equal(back, sent)
        expect(same, f"expected {sent!r:.80} to come back as it was, got {back!r:.80}.")


@SUITE.check
def warm_workers(s: ExecutorSubject) -> None:
    """Starts a worker once and keeps it: what it opened is at hand for its next job."""
    with s.pool("warm_workers") as (pool, place):
        capacity = pool.idle
        if capacity > 8:
            raise Skip(f"{capacity} workers were opened for {_MOST} jobs.")
        for number in range(2 * capacity + 1):
            pool.submit(f"{number}", echo("warm"))
            s.until_ended(pool, f"{number}")
        starts = len(list(place.glob("start-*")))
    expect(
        1 <= starts <= capacity,
        f"expected 1 to {capacity} starts of {capacity} workers for {2 * capacity + 1} jobs, got "
        f"{starts}.",
    )


@SUITE.check
def together(s: ExecutorSubject) -> None:
    """Runs as many jobs at the same time as it says it takes."""
    s.isolated()
    with s.pool("together") as (pool, _):
        if pool.idle < 2:
            raise Skip("the pool has one worker.")
        for own, other in (("a", "b"), ("b", "a")):
            pool.submit(own, {"do": "meet", "leave": own, "await": [other]})
        events = s.until_ended(pool, "a", "b")
    met = [ended(events[key])[0].result for key in ("a", "b")]
    expect(met == [True, True], "expected two jobs to run at the same time, but they never met.")


@SUITE.check
def job_error(s: ExecutorSubject) -> None:
    """Ends a job that raises with the error in a line and its traceback; the worker goes on."""
    with s.pool("job_error", 1) as (pool, _):
        pool.submit("fails", {"do": "fail"})
        (end,) = ended(s.until_ended(pool, "fails")["fails"])
        pool.submit("next", echo("next", 1))
        (following,) = ended(s.until_ended(pool, "next")["next"])
    _expect_error(end, "ValueError: this job fails", "in fail")
    expect(not end.lost, "expected lost to be False where a job raised, got True.")
    expect(following.result == 1, f"expected the next job to end well, got {following!r:.120}.")


@SUITE.check
def start_error(s: ExecutorSubject) -> None:
    """Ends each job of a worker that cannot start with that error."""
    with s.pool("start_error", 1, fail=True) as (pool, _):
        for key in ("first", "second"):
            pool.submit(key, echo(key))
            (end,) = ended(s.until_ended(pool, key)[key])
            _expect_error(end, "This worker cannot start.", "in start")


@SUITE.check
def progress(s: ExecutorSubject) -> None:
    """Reports a job's progress under its key, in order, before it ends."""
    steps = [[1, "first"], [20, "second"], [300, "third"]]
    with s.pool("progress", 1) as (pool, _):
        pool.submit("steps", {"do": "steps", "steps": steps})
        *reports, end = s.until_ended(pool, "steps")["steps"]
    reported = [[r.steps, r.what] for r in reports if isinstance(r, JobProgress)]
    expect(reported == steps, f"expected the progress {steps}, got {reported}.")
    expect(isinstance(end, JobEnded), f"expected the end after all progress, got {end!r:.80}.")


@SUITE.check
def live_progress(s: ExecutorSubject) -> None:
    """Reports progress while a job runs, and waits no longer than asked."""
    s.isolated()
    with s.pool("live_progress", 1) as (pool, place):
        pool.submit("long", {"do": "meet", "leave": "here", "await": ["go"]})
        reported: list[Any] = []
        end = time.monotonic() + s.seconds
        while not reported and time.monotonic() < end:
            reported += pool.wait(0.5)
        running = [event for event in reported if isinstance(event, JobProgress)]
        expect(running == reported and running, "expected progress while the job ran, got none.")
        began = time.monotonic()
        quiet = pool.wait(0.2)
        took = time.monotonic() - began
        (place / "go").touch()
        s.until_ended(pool, "long")
    expect(not quiet, f"expected no event of a job that waits, got {quiet!r:.80}.")
    soon = took < s.seconds / 2
    expect(soon, f"expected wait(0.2) to return soon, but it took {took:.0f} s.")


@SUITE.check
def prompt_end(s: ExecutorSubject) -> None:
    """Returns from a wait as soon as a job has ended, also where no other runs."""
    with s.pool("prompt_end", 1) as (pool, _):
        pool.submit("first", echo("first"))
        s.until_ended(pool, "first")
        began, events = time.monotonic(), list[Any]()
        pool.submit("second", echo("second"))
        while not ended(events) and time.monotonic() - began < s.seconds:
            events += pool.wait(s.seconds)
        took = time.monotonic() - began
    expect(
        took < s.seconds / 2,
        f"expected wait to return as soon as a job had ended, but it took {took:.0f} s.",
    )


@SUITE.check
def dead_worker(s: ExecutorSubject) -> None:
    """Ends the job of a worker that died as lost, and no other; the pool goes on."""
    s.isolated()
    with s.pool("dead_worker") as (pool, place):
        capacity = pool.idle
        beside = capacity > 1
        if beside:
            pool.submit("beside", {"do": "meet", "leave": "here", "await": ["go"]})
        pool.submit("dies", {"do": "die"})
        events = s.until_ended(pool, "dies")
        (end,) = ended(events["dies"])
        early = ended(events.get("beside", []))
        (place / "go").touch()
        if beside and not early:
            early = ended(s.until_ended(pool, "beside")["beside"])
        after = pool.idle
        expect(after == capacity, f"expected {capacity} idle workers again, got {after}.")
        pool.submit("next", echo("next", 1))
        (following,) = ended(s.until_ended(pool, "next")["next"])
    expect(end.error, "expected the error of a job whose worker died to say so, got none.")
    expect(end.lost, "expected lost to be True where the worker died, got False.")
    well = not beside or (early[0].error is None and early[0].result is True)
    expect(well, f"expected a job on another worker to end well, got {early!r:.160}.")
    expect(following.result == 1, f"expected the next job to end well, got {following!r:.120}.")


@SUITE.check
def closing(s: ExecutorSubject) -> None:
    """Ends all workers when it is closed, idle or busy, and can be closed twice."""
    with s.pool("closing", beat=True) as (pool, place):
        if s.executor.isolated:
            pool.submit("busy", {"do": "meet", "leave": "here", "await": ["never"]})
            if pool.idle:
                pool.submit("done", echo("done"))
                s.until_ended(pool, "done")
            end = time.monotonic() + s.seconds
            while not (place / "here").exists() and time.monotonic() < end:
                pool.wait(0.1)
            expect((place / "here").exists(), "expected a submitted job to begin, got none.")
        pool.close()
        if s.executor.isolated:
            time.sleep(5 * BEAT)
            before = beats(place)
            expect(before, "expected workers to have started, got none.")
            alive = still_beating(place, before, s.watch)
            expect(not alive, f"expected no worker to live after close, but {len(alive)} do.")
        pool.close()


def _expect_error(end: JobEnded, error: str, trace: str) -> None:
    expect(
        end.error is not None and error in end.error and "\n" not in end.error,
        f"expected the error {error!r} in a line, got {end.error!r:.120}.",
    )
    expect(trace in end.trace, f"expected a traceback with {trace!r}, got {end.trace!r:.120}.")
