"""The conformance suite of executors, run on jobs that need no model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from spotfw.contracts import Executor
from spotfw.testing.executor_promises import SUITE, ExecutorSubject
from spotfw.testing.suites import Outcome, name_of


def check_executor(
    executor: Executor, *, folder: str | Path | None = None, seconds: float = 120.0
) -> None:
    """Checks an executor against `spotfw.contracts.Executor` and `JobPool`.

    Args:
      executor: the executor.
      folder: a place that all of its workers can write to; by default a temporary one of this
        machine.
      seconds: how long a job may take until it counts as lost.

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
    only: tuple[str, ...] = (),
) -> list[Outcome]:
    """As `check_executor`, but returns the outcomes instead of raising."""
    with tempfile.TemporaryDirectory(prefix="spotfw-", dir=folder) as place:
        subject = ExecutorSubject(executor=executor, folder=Path(place), seconds=seconds)
        return SUITE.outcomes(subject, only)
