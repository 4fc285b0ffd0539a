"""Built-in executors: a killed worker is replaced, errors are reported, resources are refused.

What every executor promises is checked by its suite in tests/testing/test_executor_suite.py.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from spotfw.contracts.jobs import JobEnded, JobProgress, ReportProgress, Work, WorkerStart
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.executors import InProcess, Processes


def start(add: int) -> Work:
    def work(job: int, report: ReportProgress) -> Any:
        if job < 0:
            os.kill(os.getpid(), -job)
        if job == 0:
            raise ValueError("not nothing")
        if job == 7:
            return lambda: None  # no plain value
        if job == 9:
            return os.environ["SPOTFW_WORKER"]
        if job == 8:
            sys.exit(3)
        report(job, "counting")
        return job + add

    return work


START = WorkerStart(f"{__name__}:start", {"add": 100})


@contextmanager
def processes(count: int) -> Iterator[Any]:
    with closing(Processes(workers=count).open(START, jobs=count)) as pool:
        yield pool


def test_they_are_asked_for_by_name() -> None:
    plugins = Plugins(entry_points=False)
    assert plugins.executor() == plugins.executor("processes") == Processes()
    assert plugins.executor("processes:workers=3") == Processes(workers=3)
    assert plugins.executor("processes", workers=None).open(START, jobs=1).idle == 1
    assert [part.name for part in plugins.executors()] == ["in_process", "processes"]
    with pytest.raises(
        WrongUse, match="workers must be a whole number of 1 or more or none, but is 0"
    ):
        plugins.executor("processes:workers=0")


def test_each_worker_knows_its_number_and_so_does_its_successor() -> None:
    with processes(2) as pool:
        pool.submit("first", 9)
        pool.submit("second", 9)
        ended = _ended(pool, 2)
        assert {key: event.result for key, event in ended.items()} == {"first": "0", "second": "1"}
        pool.submit("first", -signal.SIGKILL)
        pool.submit("second", 9)
        assert _ended(pool, 2)["second"].result in ("0", "1")
        pool.submit("first", 9)
        pool.submit("second", 9)
        assert {event.result for event in _ended(pool, 2).values()} == {"0", "1"}
    assert "SPOTFW_WORKER" not in os.environ


def _ended(pool: Any, count: int) -> dict[str, JobEnded]:
    ended: dict[str, JobEnded] = {}
    while len(ended) < count:
        ended |= {e.key: e for e in pool.wait(10.0) if isinstance(e, JobEnded)}
    return ended


def test_a_killed_worker_takes_only_its_job_with_it() -> None:
    with processes(1) as pool:
        pool.submit("a", -int(signal.SIGKILL))
        (event,) = _events(pool)
        assert isinstance(event, JobEnded) and "SIGKILL" in (event.error or "") and event.lost
        pool.submit("b", 5)
        assert _events(pool) + _events(pool) == [
            JobProgress("b", 5, "counting"),
            JobEnded("b", 105),
        ]


def test_a_worker_that_ends_by_itself_is_lost_too() -> None:
    with processes(1) as pool:
        pool.submit("a", 8)
        (event,) = _events(pool)
        assert "status 3" in event.error and event.lost


def test_a_result_that_cannot_be_sent_is_an_error_of_its_job() -> None:
    with processes(1) as pool:
        pool.submit("a", 7)
        (event,) = _events(pool)
        assert event.error and not event.lost
        pool.submit("b", 0)
        (event,) = _events(pool)
        assert event.error == "ValueError: not nothing"


def test_in_this_process_the_same() -> None:
    pool = InProcess().open(START, jobs=1)
    pool.submit("a", 4)
    assert _events(pool) == [JobProgress("a", 4, "counting"), JobEnded("a", 104)]
    pool.submit("b", 0)
    (event,) = _events(pool)
    assert isinstance(event, JobEnded) and "in work" in event.trace


def test_a_long_error_is_cut_and_its_traceback_is_not() -> None:
    def work(job: int, report: ReportProgress) -> int:
        raise ValueError("x" * 200_000)

    pool = InProcess().open(lambda: work, jobs=1)
    pool.submit("a", 1)
    (event,) = _events(pool)
    assert len(event.error) < 3000 and len(event.trace) > 200_000


@pytest.mark.parametrize("executor", [InProcess(), Processes()])
def test_resources_that_cannot_be_set_aside_are_refused(executor: Any) -> None:
    with pytest.raises(WrongUse, match="cannot set aside gpus for a worker"):
        executor.open(START, jobs=1, resources={"gpus": 1})


def test_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", refuse)
    with processes(1) as pool, pytest.raises(SpotError, match=r"temporarily .* Use fewer workers"):
        pool.submit("a", 1)


def _events(pool: Any) -> list[Any]:
    # A worker that never answers is ended by whoever runs the tests, not by a clock.
    while not (events := pool.wait(60.0)):
        pass
    return list(events)
