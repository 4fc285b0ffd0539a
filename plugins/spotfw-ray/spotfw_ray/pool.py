"""A pool of actors, each a worker, and the streams of their events."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.contracts import JobEnded, JobProgress, WorkerStart
from spotfw.errors import SpotError
from spotfw.version import __version__
from spotfw_ray.cluster import Connection, room, worker_class
from spotfw_ray.plain import Packed, pack, unpack, unpack_event
from spotfw_ray.worker import RemoteWorker

#: Seconds that a job waits for a worker to be placed before another worker takes it.
_PLACED_WITHIN = 30.0
#: Seconds between two looks at how many workers the cluster has room for.
_LOOK = 5.0
#: Seconds that a killed worker gets to be gone.
_PATIENCE = 20.0


@attrs.define(eq=False)
class _Busy:
    """A job on its worker.

    Attributes:
      actor: the worker.
      job: packed, so that another worker can take it before it has begun.
      stream: of events.
      since: when it was submitted, seconds.
      begun: whether the worker has taken it.
    """

    actor: Any
    job: Packed
    stream: Any
    since: float
    begun: bool = False


class RayPool:
    """See `spotfw.contracts.JobPool`. A worker is placed for the first job that it gets.

    Args:
      connection: to the cluster; closed with the pool.
      start: of each worker.
      needs: of each worker, by label.
      jobs: the most that run at the same time.
      workers: how many are wanted; None for as many as there is room for, now and later.
    """

    def __init__(
        self,
        connection: Connection,
        start: WorkerStart,
        needs: Mapping[str, float],
        *,
        jobs: int,
        workers: int | None,
    ) -> None:
        self._connection, self._ray = connection, connection.ray
        self._start = pack(attrs.asdict(start, recurse=False))
        self._needs, self._most, self._wanted = dict(needs), max(1, jobs), workers
        self._class = worker_class(self._ray, RemoteWorker, needs)
        self._idle: list[Any] = []
        self._busy: dict[str, _Busy] = {}
        self._closed = False
        self._looked, self._size = -_LOOK, 1
        self._look()

    @property
    def idle(self) -> int:
        return 0 if self._closed else max(0, self._size - len(self._busy))

    def submit(self, key: str, job: Any) -> None:
        self._begin(key, pack(job))

    def wait(self, seconds: float) -> list[JobProgress | JobEnded]:
        self._look()
        events: list[JobProgress | JobEnded] = []
        end = time.monotonic() + seconds
        while not events:
            left = max(0.0, end - time.monotonic())
            events += self._arrived(left)
            self._place_elsewhere()
            if left == 0.0:
                break
            if not self._busy and not events:
                time.sleep(left)
        while more := self._arrived(0.0):
            events += more
        return events

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        actors = [*self._idle, *(busy.actor for busy in self._busy.values())]
        self._idle.clear()
        self._busy.clear()
        try:
            for actor in actors:
                self._ray.kill(actor)
            end = time.monotonic() + _PATIENCE
            for actor in actors:
                self._until_gone(actor, end)
        finally:
            self._connection.close()

    def _begin(self, key: str, job: Packed) -> None:
        actor = self._idle.pop() if self._idle else self._class.remote(self._start)
        stream = actor.do.remote(key, job)
        self._busy[key] = _Busy(actor, job, stream, time.monotonic())

    def _arrived(self, seconds: float) -> list[JobProgress | JobEnded]:
        """The next event of each job that has any."""
        streams = {busy.stream: key for key, busy in self._busy.items()}
        if not streams:
            return []
        ready, _ = self._ray.wait(list(streams), num_returns=1, timeout=seconds)
        if ready:  # and whichever others are ready with it
            ready, _ = self._ray.wait(list(streams), num_returns=len(streams), timeout=0)
        events = (self._next(streams[stream]) for stream in ready)
        return [event for event in events if event is not None]

    def _next(self, key: str) -> JobProgress | JobEnded | None:
        """The event of a job that has arrived; None for the first, which says where it is done."""
        busy = self._busy[key]
        errors = self._ray.exceptions
        try:
            packed = self._ray.get(next(busy.stream))
        except errors.RayTaskError as error:  # not of the job, whose errors are values
            return self._lost(key, f"The worker failed: {error.cause}", again=False)
        except (errors.RayError, StopIteration) as error:
            if getattr(error, "actor_init_failed", False):
                raise SpotError(_no_start(error)) from error
            return self._lost(key, _death(error), again=True)
        if not busy.begun:
            busy.begun = True
            _check_version(packed)
            return None
        event = unpack_event(packed)
        if isinstance(event, JobEnded):
            del self._busy[key]
            if event.lost:
                self._ray.kill(busy.actor)
            else:
                self._idle.append(busy.actor)
        return event

    def _lost(self, key: str, why: str, again: bool) -> JobEnded:
        busy = self._busy.pop(key)
        with contextlib.suppress(Exception):
            self._ray.kill(busy.actor)
        self._looked = -_LOOK  # the node may be gone
        return JobEnded(key, error=" ".join(why.split())[:500], lost=again)

    def _look(self) -> None:
        """Takes as many workers as the cluster has room for now."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        size = self._wanted or room(self._ray, self._needs)
        self._size = max(1, min(size, self._most))

    def _place_elsewhere(self) -> None:
        """Gives a job, whose worker no node has room for, to a worker that is idle."""
        now = time.monotonic()
        for key, busy in list(self._busy.items()):
            if self._idle and not busy.begun and now - busy.since > _PLACED_WITHIN:
                self._ray.kill(busy.actor)
                del self._busy[key]
                self._begin(key, busy.job)

    def _until_gone(self, actor: Any, end: float) -> None:
        with contextlib.suppress(self._ray.exceptions.RayError):
            while time.monotonic() < end:
                self._ray.get(actor.where.remote(), timeout=max(0.1, end - time.monotonic()))
                time.sleep(0.05)


def _death(error: Exception) -> str:
    first = " ".join(str(error).split())[:300]
    return f"The worker or its node is gone ({type(error).__name__}: {first})."


def _no_start(error: Exception) -> str:
    last = [line for line in str(error).splitlines() if line.strip()][-1]
    return (
        f"A worker cannot begin on its node: {last.strip()[:300]} Install spotfw and spotfw-ray on "
        "all nodes, the same as here, and go on; nothing is lost."
    )


def _check_version(where: Packed) -> None:
    """Refuses a node with another spotfw, to which one job after the other would be lost.

    Raises:
      SpotError: the versions differ.
    """
    there = unpack(where)
    if there["spotfw"] != __version__:
        raise SpotError(
            f"The node {there['host']} has spotfw {there['spotfw']}, and this process "
            f"{__version__}. Install the same on all nodes and go on; nothing is lost."
        )
