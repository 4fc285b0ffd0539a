"""Worker processes: results in order, errors told, a killed one replaced."""

from __future__ import annotations

import functools
import os
import signal
from typing import Any

import pytest

from spotfw.contracts.jobs import Ended, Tell, Told, Work
from spotfw.errors import SpotError
from spotfw.plugins.builtin.executors import InProcess, Processes
from spotfw.study.work.jobs import do_all


def start(add: int) -> Work:
    def work(job: int, tell: Tell) -> int:
        if job < 0:
            os.kill(os.getpid(), -job)
        if job == 0:
            raise ValueError("not nothing")
        tell(job, "counting")
        return job + add

    return work


def test_results_in_order_and_steps_told() -> None:
    told: list[int] = []
    with Processes(2, functools.partial(start, 100)) as pool:
        found = do_all(pool, [3, 1, 2], lambda steps, what: told.append(steps))
        assert found == [103, 101, 102] and sorted(told) == [1, 2, 3]
        with pytest.raises(SpotError, match="ValueError: not nothing"):
            do_all(pool, [0])


def test_a_killed_worker_takes_only_its_job_with_it() -> None:
    with Processes(1, functools.partial(start, 100)) as pool:
        pool.submit("a", -int(signal.SIGKILL))
        (event,) = _events(pool)
        assert isinstance(event, Ended) and "SIGKILL" in (event.error or "")
        assert do_all(pool, [5]) == [105]


def test_in_this_process_the_same() -> None:
    pool = InProcess(start(100))
    pool.submit("a", 4)
    assert _events(pool) == [Told("a", 4, "counting"), Ended("a", 104)]
    pool.submit("b", 0)
    (event,) = _events(pool)
    assert isinstance(event, Ended) and "in work" in event.trace


def test_a_long_error_is_cut_and_its_traceback_is_not() -> None:
    def work(job: int, tell: Tell) -> int:
        raise ValueError("x" * 200_000)

    pool = InProcess(work)
    pool.submit("a", 1)
    (event,) = _events(pool)
    assert len(event.error) < 3000 and len(event.trace) > 200_000


def _events(pool: Any) -> list[Any]:
    for _ in range(60):
        if found := pool.wait(1.0):
            return list(found)
    raise AssertionError("nothing happened in a minute")
