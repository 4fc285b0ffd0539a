"""The conformance suite of executors, run on jobs that need no model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from spotfw.contracts import Executor
from spotfw.testing.executor_jobs import BEAT
from spotfw.testing.executor_promises import SUITE, ExecutorSubject
from spotfw.testing.suites import Outcome, name_of


def check_executor(
    executor: Executor, *, folder: str | Path | None = None, seconds: float = 120.0
) -> None:
    """Checks an executor against `spotfw.contracts.Executor` and `JobPool`.

    Args:
      executor: the executor.
      folder: a place that all of its workers can write to; by default one of this machine that
        goes afterwards.
      seconds: without any sign of a job until it counts as lost; a job that waits for another
        gives up after half of it.

    Raises:
      AssertionError: a promise is not kept; a sentence for each.
    """
    __tracebackhide__ = True
    SUITE.demand(name_of(executor), outcomes(executor, folder=folder, seconds=seconds))


def outcomes(
    executor: Any,
    *,
    folder: str | Path | None = None,
    seconds: float = 120.0,
    patience: float | None = None,
    watch: float = 10 * BEAT,
    only: tuple[str, ...] = (),
) -> list[Outcome]:
    """As `check_executor`, but returns what came of each check.

    Args:
      executor, folder, seconds: as there.
      patience: of a job that waits for another, by default half of `seconds`.
      watch: seconds that a closed pool is watched for workers that still live.
      only: names of checks; by default all.
    """
    # A worker that was left behind, which is a finding, may write while the folder is removed.
    with tempfile.TemporaryDirectory(
        prefix="spotfw-", dir=folder, ignore_cleanup_errors=True
    ) as place:
        subject = ExecutorSubject(
            executor=executor,
            folder=Path(place),
            seconds=seconds,
            patience=seconds / 2 if patience is None else patience,
            watch=watch,
        )
        return SUITE.outcomes(subject, only)
