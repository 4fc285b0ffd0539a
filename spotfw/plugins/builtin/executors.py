"""Executors that come along: jobs done here, or by processes of this machine.

A tuning of a small model gains little from more threads, so work is spread over
processes. Each opens what it needs once. A process that is killed takes only its own job
with it; when the first process is killed, however, the others end by themselves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import traceback
from typing import Any

from spotfw.contracts.jobs import Ended, Start, Tell, Told, Work
from spotfw.errors import SpotError

#: Characters of an error that go into rows and onto the page.
_LONGEST = 2000


class InProcess:
    """Jobs done here, one after the other."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._jobs: list[tuple[str, Any]] = []

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._jobs.clear()

    @property
    def idle(self) -> int:
        return 1 - len(self._jobs)

    def submit(self, key: str, job: Any) -> None:
        self._jobs.append((key, job))

    def wait(self, seconds: float) -> list[Told | Ended]:
        if not self._jobs:
            return []
        key, job = self._jobs.pop()
        events: list[Told | Ended] = []
        events.append(_do(self._work, key, job, lambda *said: events.append(Told(key, *said))))
        return events


class Processes:
    """Jobs done by `count` processes.

    Args:
      count: how many.
      start: called in each, gives what does a job.
    """

    def __init__(self, count: int, start: Start) -> None:
        self._start = start
        self._idle = [self._new() for _ in range(count)]
        self._busy: dict[str, _Worker] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._idle:
            worker.pipe.close()  # what tells it to tidy up and go
        # All they wrote is whole or absent, so that they may be ended at any moment.
        for worker in self._busy.values():
            worker.end(patience=0.0)
        for worker in self._idle:
            worker.end(patience=10.0)

    @property
    def idle(self) -> int:
        return len(self._idle)

    def submit(self, key: str, job: Any) -> None:
        worker = self._idle.pop()
        self._busy[key] = worker
        with contextlib.suppress(OSError):  # it has died: `wait` tells
            worker.pipe.send((key, job))

    def wait(self, seconds: float) -> list[Told | Ended]:
        by_pipe = {worker.pipe: (key, worker) for key, worker in self._busy.items()}
        events: list[Told | Ended] = []
        for pipe in multiprocessing.connection.wait(list(by_pipe), seconds):
            key, worker = by_pipe[pipe]  # type: ignore[index]
            try:
                event = worker.pipe.recv()
            except (EOFError, OSError):
                event = Ended(key, error=worker.why())
                worker = self._new()
            events.append(event)
            if isinstance(event, Ended):
                del self._busy[key]
                self._idle.append(worker)
        return events

    def _new(self) -> _Worker:
        return _Worker(self._start)


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, start: Start) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, start), daemon=True)
        self._process.start()
        # Only the worker holds it now, so that its death closes the pipe.
        theirs.close()

    def why(self) -> str:
        """Why the process is gone."""
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


def _serve(pipe: Any, start: Start) -> None:
    """What a worker process does until nobody is there any more."""
    # Ctrl-C goes to all processes of a terminal; the first one says when it is over.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work: Work | None = None
    while True:
        try:
            key, job = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            work = work or start()
        except Exception as error:
            pipe.send(_failure(key, error))
            continue
        pipe.send(_do(work, key, job, lambda steps, what: pipe.send(Told(key, steps, what))))  # noqa: B023


def _end_with_parent() -> None:
    """A first process killed by -9 leaves nobody behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _do(work: Work, key: str, job: Any, tell: Tell) -> Ended:
    try:
        return Ended(key, result=work(job, tell))
    except Exception as error:
        return _failure(key, error)


def _failure(key: str, error: Exception) -> Ended:
    text = " ".join(str(error).split())
    if not isinstance(error, SpotError):
        text = f"{type(error).__name__}: {text}"
    if len(text) > _LONGEST:  # TensorFlow's go on for pages; the traceback has them whole
        text = f"{text[:_LONGEST]} ..."
    return Ended(key, error=text, trace="".join(traceback.format_exception(error)))
