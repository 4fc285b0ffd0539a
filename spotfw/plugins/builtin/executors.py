"""Executors that come along: jobs done by processes of this machine, or in this one.

A tuning of a small model gains little from more threads, so work is spread over processes. When
the first process is killed, its workers end by themselves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.config import NONE, checked
from spotfw.contracts.jobs import (
    WORKER_NUMBER,
    Executor,
    JobEnded,
    JobEvent,
    StartWorker,
    Worker,
)
from spotfw.errors import SpotError, WrongUse
from spotfw.hookspecs import hookimpl

#: Seconds that an idle worker gets to tidy up when its pool is closed.
_PATIENCE = 10.0


def _at_least_1(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    checked(field.name, value, (int, NONE), "of 1 or more", lambda count: count >= 1)


@attrs.frozen
class Processes:
    """Jobs done by processes of this machine.

    Attributes:
      workers: how many, by default one for each core that this process may use.
    """

    name = "processes"
    isolated = True
    workers: int | None = attrs.field(default=None, validator=_at_least_1)

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> _ProcessPool:
        """See `spotfw.contracts.Executor`; resources cannot be set aside."""
        _refuse_resources(self.name, resources)
        count = self.workers or len(os.sched_getaffinity(0))
        return _ProcessPool(max(1, min(count, jobs)), start)


@attrs.frozen
class InProcess:
    """Jobs done in this process, one after the other."""

    name = "in_process"
    isolated = False

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> _InProcessPool:
        """See `spotfw.contracts.Executor`; resources cannot be set aside."""
        _refuse_resources(self.name, resources)
        return _InProcessPool(start)


@hookimpl
def spotfw_executors() -> list[Executor]:
    return [Processes(), InProcess()]


def _refuse_resources(name: str, resources: Mapping[str, float] | None) -> None:
    if resources:
        raise WrongUse(
            f"The executor {name!r} shares this machine as it is and cannot set aside "
            f"{', '.join(sorted(resources))} for a worker. Leave the resources out, or use another "
            "executor."
        )


class _InProcessPool:
    """A worker that is this process."""

    def __init__(self, start: StartWorker) -> None:
        self._worker = Worker(start)
        self._jobs: list[tuple[str, Any]] = []

    @property
    def idle(self) -> int:
        return 1 - len(self._jobs)

    def submit(self, key: str, job: Any) -> None:
        self._jobs.append((key, job))

    def wait(self, seconds: float) -> list[JobEvent]:
        if not self._jobs:
            return []
        key, job = self._jobs.pop()
        events: list[JobEvent] = []
        events.append(self._worker.do(key, job, events.append))
        return events

    def close(self) -> None:
        self._jobs.clear()


class _ProcessPool:
    """Processes, each with a pipe; a process is started for the first job that it gets."""

    def __init__(self, count: int, start: StartWorker) -> None:
        self._start = start
        #: Beside each worker's number; None stands for a process that is not started yet, or
        #: has died.
        self._idle: list[tuple[int, _Process | None]] = [(n, None) for n in reversed(range(count))]
        self._busy: dict[str, _Process] = {}

    @property
    def idle(self) -> int:
        return len(self._idle)

    def submit(self, key: str, job: Any) -> None:
        number, process = self._idle.pop()
        try:
            process = process or _Process(self._start, number)
            with contextlib.suppress(OSError):  # it has died: `wait` reports it
                process.pipe.send((key, job))
        except BaseException:
            self._idle.append((number, process))
            raise
        self._busy[key] = process

    def wait(self, seconds: float) -> list[JobEvent]:
        by_pipe = {process.pipe: (key, process) for key, process in self._busy.items()}
        events: list[JobEvent] = []
        for pipe in multiprocessing.connection.wait(list(by_pipe), seconds):
            key, process = by_pipe[pipe]  # type: ignore[index]
            still: _Process | None = process
            try:
                event = process.pipe.recv()
            except (EOFError, OSError):
                event = JobEnded(key, error=process.death(), lost=True)
                still = None
            events.append(event)
            if isinstance(event, JobEnded):
                del self._busy[key]
                self._idle.append((process.number, still))
        return events

    def close(self) -> None:
        idle = [process for _, process in self._idle if process is not None]
        for process in idle:
            process.pipe.close()  # which tells it to tidy up and end
        for process in self._busy.values():
            process.end(patience=0.0)
        for process in idle:
            process.end(patience=_PATIENCE)
        self._idle.clear()
        self._busy.clear()


class _Process:
    """A worker process and the pipe to it.

    Attributes:
      number: among the pool's workers, from 0; one that takes a dead one's place has its number.
    """

    def __init__(self, start: StartWorker, number: int) -> None:
        self.number = number
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, start, number), daemon=True)
        try:
            self._process.start()
        except OSError as error:
            self.pipe.close()
            raise SpotError(
                f"No worker process can be started: {error.strerror or error}. Use fewer workers, "
                "or end other programs."
            ) from error
        finally:
            # Only the worker holds it now, so that its death closes the pipe.
            theirs.close()

    def death(self) -> str:
        """Why the process is gone."""
        self.pipe.close()
        self._process.join()
        code = self._process.exitcode or 0
        if code < 0:
            name = signal.Signals(-code).name
            hint = " The machine may be out of memory: use fewer workers." if code == -9 else ""
            return f"The worker process was ended by {name}.{hint}"
        return f"The worker process ended with status {code} before it could say why."

    def end(self, patience: float) -> None:
        self.pipe.close()
        self._process.join(patience)
        self._process.kill()
        self._process.join()


def _serve(pipe: Any, start: StartWorker, number: int) -> None:
    """What a worker process does until its pipe is closed."""
    os.environ[WORKER_NUMBER] = str(number)
    # Ctrl-C goes to all processes of a terminal; the first one closes the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(start)
    while True:
        try:
            key, job = pipe.recv()
        except (EOFError, OSError):
            return
        ended = worker.do(key, job, pipe.send)
        try:
            pipe.send(ended)
        except OSError:
            return
        except Exception as error:  # the result is no plain value
            pipe.send(JobEnded.from_exception(key, error))


def _end_with_parent() -> None:
    """A first process killed by -9 leaves nobody behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
