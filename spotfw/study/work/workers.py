"""The executor of a study, and how its workers begin."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import attrs

from spotfw import files
from spotfw.contracts.jobs import Executor, JobEvent, JobPool, StartWorker, Work, WorkerStart
from spotfw.errors import WrongUse
from spotfw.files import locked
from spotfw.plugins import Plugins
from spotfw.study.grid.planning import Plan
from spotfw.study.work.tuner import start_tuner

_LOGS = "logs"

#: In a study's folder: what all of its workers hold together. A file, for folders of network file
#: systems are locked on one machine alone.
_WORKERS = ".workers"
#: A worker's hold of it, until its process ends.
_HELD: list[AbstractContextManager[None]] = []


def choose_executor(
    plugins: Plugins, executor: str | Executor | None, workers: int | None
) -> Executor:
    """The executor that was asked for, by default processes of this machine.

    Args:
      plugins: where it is looked up.
      executor: ``NAME[:key=value,...]``, or an executor.
      workers: processes, where no executor is named; 0 for this process.

    Raises:
      UnknownName: there is no such executor.
      WrongUse: both are given, or the executor does not take such settings.
    """
    if executor is None:
        if workers == 0:
            return plugins.executor("in_process")
        return plugins.executor(workers=workers)
    if workers is not None:
        raise WrongUse(
            "Both an executor and a number of workers were given. Write the number behind the "
            "executor's name, as in processes:workers=2, or leave the executor out."
        )
    if isinstance(executor, str):
        blame = functools.partial(plugins.blaming, "executor", executor)
        return _BlamedExecutor(plugins.executor(executor), blame)
    return executor


def workers_for(opening: Mapping[str, Any], workers: int | None) -> int | None:
    """How many processes of this machine do the work: a TPU belongs to one, which is this one.

    Args:
      opening: how models are opened; with ``tpu``, on a TPU.
      workers: as asked for; None where nothing was.

    Returns:
      As asked for; 0, for this process, with a TPU.

    Raises:
      WrongUse: others were asked for beside a TPU.
    """
    if opening.get("tpu") is None:
        return workers
    if workers:
        raise WrongUse(
            f"The TPU {opening['tpu']} belongs to the process that opens it, and {workers} worker "
            f"{'process was' if workers == 1 else 'processes were'} asked for. Leave the workers "
            "out, or ask for 0: this process then does all tunings."
        )
    return 0


def bundle(
    worker: Mapping[str, float] | None, tuning: Mapping[str, float] | None, together: int
) -> dict[str, float]:
    """What is set aside for a worker, by label.

    Args:
      worker: for itself, as for a model's weights.
      tuning: besides, for each tuning.
      together: tunings that an engine runs at the same time.
    """
    needs = dict(worker or {})
    for label, amount in (tuning or {}).items():
        needs[label] = needs.get(label, 0.0) + amount * together
    return needs


@contextlib.contextmanager
def open_pool(
    plan: Plan,
    executor: Executor,
    plugins: Plugins | None,
    resources: Mapping[str, float] | None,
) -> Iterator[JobPool]:
    """Workers for what is left of a study; they have ended when the context is left.

    Args:
      plan: the study, with something to do.
      executor: whose workers.
      plugins: those of a worker in this process, None for everything installed.
      resources: of each worker, by label.
    """
    arguments: dict[str, Any] = {
        "folder": plan.folder,
        "references": list(plan.resolved.tasks),
        "opening": dict(plan.study.open),
        "by_hand": plan.study.settings_by_hand,
    }
    start: StartWorker
    if executor.isolated:
        with locked(plan.folder, shared=False, file=_WORKERS):
            pass  # workers of a run that was killed just now have let go of their tunings
        start = WorkerStart(f"{__name__}:start_isolated", arguments)
    else:
        start = functools.partial(start_tuner, **arguments, plugins=plugins)
    pool = executor.open(start, jobs=len(plan.todo), resources=resources)
    with contextlib.closing(pool):
        yield pool


def start_isolated(
    folder: str, references: list[str], opening: Mapping[str, Any], by_hand: Sequence[str]
) -> Work:
    """What does jobs in a process of its own, which is known to live as long as it does."""
    held = locked(folder, shared=True, file=_WORKERS)
    held.__enter__()
    _HELD.append(held)
    _log_to(folder)
    return start_tuner(folder, references, opening, by_hand)


def _log_to(folder: str) -> None:
    """Warnings and errors of this worker, its libraries' too, go to ``logs`` in the study."""
    if files.is_remote(folder):
        return  # nothing is appended to in a bucket
    path = Path(folder, _LOGS, f"{socket.gethostname()}-{os.getpid()}.log")
    path.parent.mkdir(parents=True, exist_ok=True)
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.WARNING)
    logging.getLogger().addHandler(handler)


Blame = Callable[[], AbstractContextManager[None]]


@attrs.frozen
class _BlamedExecutor:
    """An executor whose errors say which plugin it is of."""

    executor: Executor
    blame: Blame

    @property
    def name(self) -> str:
        return self.executor.name

    @property
    def isolated(self) -> bool:
        return self.executor.isolated

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> JobPool:
        with self.blame():
            return _BlamedPool(
                self.executor.open(start, jobs=jobs, resources=resources), self.blame
            )


@attrs.frozen
class _BlamedPool:
    """A pool of such an executor."""

    pool: JobPool
    blame: Blame

    @property
    def idle(self) -> int:
        with self.blame():
            return self.pool.idle

    def submit(self, key: str, job: Any) -> None:
        with self.blame():
            self.pool.submit(key, job)

    def wait(self, seconds: float) -> list[JobEvent]:
        with self.blame():
            return self.pool.wait(seconds)

    def close(self) -> None:
        with self.blame():
            self.pool.close()
