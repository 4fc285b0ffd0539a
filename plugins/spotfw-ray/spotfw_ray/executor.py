"""The executor ``ray``: jobs done by actors on the nodes of a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.config import NONE, checked
from spotfw.contracts import Executor, WorkerStart
from spotfw.contracts.jobs import StartWorker
from spotfw.errors import WrongUse
from spotfw.hookspecs import hookimpl
from spotfw_ray.cluster import connect, refused, room
from spotfw_ray.pool import RayPool


def _at_least_1(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    checked(field.name, value, (int, NONE), "of 1 or more", lambda count: count >= 1)


def _text(_: Any, field: attrs.Attribute[Any], value: Any) -> None:
    checked(field.name, value, (str, NONE), "a text", bool)


@attrs.frozen
class Ray:
    """Jobs done by a Ray cluster.

    Attributes:
      address: ``auto`` for the cluster of this machine, ``HOST:PORT``; by default that of
        ``RAY_ADDRESS``, or else one that is begun for this on this machine alone.
      workers: how many, by default as many as the cluster has room for. More than that wait for
        nodes to join, as those of an autoscaler do.
    """

    name = "ray"
    isolated = True
    address: str | None = attrs.field(default=None, validator=_text)
    workers: int | None = attrs.field(default=None, validator=_at_least_1)

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> RayPool:
        """See `spotfw.contracts.Executor`; a worker has one CPU where `resources` says no more."""
        if not isinstance(start, WorkerStart):
            raise WrongUse("The executor ray needs a WorkerStart, which can be sent to a node.")
        needs = {"cpus": 1.0} | dict(resources or {})
        connection = connect(self.address)
        try:
            if self.workers is None and not room(connection.ray, needs):
                raise refused(connection.ray, needs)
            return RayPool(connection, start, needs, jobs=jobs, workers=self.workers)
        except BaseException:
            connection.close()
            raise


@hookimpl
def spotfw_executors() -> list[Executor]:
    return [Ray()]
