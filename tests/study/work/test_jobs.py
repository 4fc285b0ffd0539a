"""Jobs that wait for nothing: results in order, progress and errors passed on."""

from __future__ import annotations

from contextlib import closing

import pytest

from spotfw.contracts.jobs import ReportProgress, Work, WorkerStart
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.study.work.jobs import do_all


def start() -> Work:
    def work(job: int, report: ReportProgress) -> int:
        if job == 0:
            raise ValueError("not nothing")
        report(job, "counting")
        return job + 100

    return work


@pytest.mark.parametrize("executor", ["processes:workers=2", "in_process"])
def test_results_in_order_and_steps_reported(executor: str) -> None:
    steps: list[int] = []
    start_here = WorkerStart(f"{__name__}:start")
    part = Plugins(entry_points=False).executor(executor)
    with closing(part.open(start_here, jobs=3)) as pool:
        results = do_all(pool, [3, 1, 2], lambda done, what: steps.append(done))
        assert results == [103, 101, 102] and sorted(steps) == [1, 2, 3]
        with pytest.raises(SpotError, match="ValueError: not nothing"):
            do_all(pool, [0])
        assert do_all(pool, [5]) == [105]
