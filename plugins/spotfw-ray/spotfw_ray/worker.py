"""What a Ray actor does: a worker of spotfw, whose events stream back as they arise."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Iterator
from typing import Any

from spotfw.contracts import JobEnded, JobProgress, Worker, WorkerStart
from spotfw.version import __version__
from spotfw_ray.plain import Packed, pack, pack_event, unpack


class RemoteWorker:
    """A worker in a process of its own, on some node; it opens a model once and keeps it.

    Args:
      start: the packed fields of a `WorkerStart`.
    """

    def __init__(self, start: Packed) -> None:
        self._worker = Worker(WorkerStart(**unpack(start)))

    def where(self) -> Packed:
        """The node's name, the process and the version of spotfw there."""
        return pack({"host": socket.gethostname(), "pid": os.getpid(), "spotfw": __version__})

    def do(self, key: str, job: Packed) -> Iterator[Packed]:
        """Does a job in a thread; yields `where` as it begins, then its events."""
        events: queue.SimpleQueue[JobProgress | JobEnded] = queue.SimpleQueue()
        yield self.where()
        threading.Thread(target=self._do, args=(key, job, events), daemon=True).start()
        while True:
            event = events.get()
            yield pack_event(event)
            if isinstance(event, JobEnded):
                return

    def _do(self, key: str, job: Packed, events: queue.SimpleQueue[Any]) -> None:
        try:
            events.put(self._worker.do(key, unpack(job), events.put))
        except BaseException as error:  # a job that ends its process, such as sys.exit
            text = f"The job ended its worker by {type(error).__name__}: {error}"
            events.put(JobEnded(key, error=" ".join(text.split()), lost=True))
