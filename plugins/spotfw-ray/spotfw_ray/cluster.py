"""The connection to a Ray cluster, and how many workers it has room for."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.errors import SpotError, WrongUse

#: Seconds until a cluster that does not answer counts as absent.
_ANSWERS_WITHIN = 10.0
#: spotfw's labels of what a worker needs -> Ray's own name of that resource.
_NAMES = {"cpus": "CPU", "gpus": "GPU", "memory": "memory"}
#: Part of a worker for which there is room only because numbers are rounded.
_ROUNDING = 1e-6


@attrs.frozen
class Connection:
    """A connected Ray.

    Attributes:
      ray: the module.
      own: whether this process connected, so that it also disconnects.
    """

    ray: Any
    own: bool

    def close(self) -> None:
        """Disconnects; a cluster that was begun for this ends."""
        if self.own:
            self.ray.shutdown()


def connect(address: str | None) -> Connection:
    """Connects to a cluster, unless this process is connected.

    Args:
      address: ``auto`` for the one of this machine, or ``HOST:PORT``; None for that of
        ``RAY_ADDRESS``, or else a new one of this machine alone.

    Raises:
      SpotError: Ray is not installed, or the cluster cannot be reached.
      WrongUse: it is the address of a Ray client's server, which has no streams of events.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise SpotError(
            "The executor ray needs Ray, which is not installed here: pip install spotfw-ray."
        ) from error
    if ray.is_initialized():
        return Connection(ray, own=False)
    options: dict[str, Any] = {}
    wanted = address or os.environ.get("RAY_ADDRESS") or None
    if wanted is None:
        options["include_dashboard"] = False
    elif "://" in wanted:
        raise WrongUse(
            f"The executor ray cannot use the address {wanted}: a client of Ray gets no events "
            "while a tuning runs. Run the study on a machine of the cluster, with --executor "
            "ray:address=HOST:6379."
        )
    try:
        _check_reachable(wanted)
        ray.init(
            # Without "local" Ray would join whatever cluster a file in /tmp names.
            address=wanted or "local",
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            namespace="spotfw",
            **options,
        )
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        why = " ".join(str(error).split())[:300]
        raise SpotError(
            f"The Ray cluster {wanted or 'of this machine'} cannot be reached: "
            f"{why} Start one with `ray start --head`, join it from this machine with `ray start "
            "--address HOST:6379`, or name another: --executor ray:address=HOST:6379."
        ) from error
    return Connection(ray, own=True)


def _check_reachable(address: str | None) -> None:
    """Ray itself asks an absent cluster for minutes, and then ends the process."""
    host, _, port = (address or "").rpartition(":")
    if host and "/" not in host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=_ANSWERS_WITHIN).close()


def worker_class(ray: Any, worker: type, resources: Mapping[str, float]) -> Any:
    """A class of actors for each of which Ray sets so much aside.

    Raises:
      WrongUse: Ray cannot set that aside, as one and a half GPUs.
    """
    own = {label: amount for label, amount in resources.items() if label not in _NAMES}
    options: dict[str, Any] = {
        "num_cpus": resources.get("cpus", 1),
        "num_gpus": resources.get("gpus", 0),
        "resources": own,
    }
    if "memory" in resources:
        options["memory"] = resources["memory"]
    try:
        if options["num_gpus"] > 1 and options["num_gpus"] % 1:  # Ray says so at the first worker
            raise ValueError("More than one GPU must be a whole number of them.")
        return ray.remote(worker).options(**options, max_restarts=0, max_task_retries=0)
    except (TypeError, ValueError) as error:
        raise WrongUse(
            f"Ray cannot set {_text(resources)} aside for a worker: "
            f"{' '.join(str(error).split())[:300]} Ask for something else; CPUs, GPUs and bytes of "
            "memory are called cpus, gpus and memory."
        ) from error


def room(ray: Any, resources: Mapping[str, float]) -> int:
    """How many workers the cluster's nodes have room for, each on one node."""
    needs = {_NAMES.get(label, label): amount for label, amount in resources.items() if amount}
    needs.setdefault("CPU", 1)
    return sum(
        min(int(node["Resources"].get(name, 0) / need + _ROUNDING) for name, need in needs.items())
        for node in ray.nodes()
        if node["Alive"]
    )


def refused(ray: Any, resources: Mapping[str, float]) -> SpotError:
    """Why no worker can be placed."""
    there = ", ".join(
        f"{amount:g} {name}"
        for name, amount in sorted(ray.cluster_resources().items())
        if not name.startswith(("node:", "object_store"))
    )
    return SpotError(
        f"No node of the Ray cluster has room for a worker that needs {_text(resources)}; the "
        f"cluster has {there or 'nothing'}. Ask for less, or add nodes; with a cluster that grows "
        "by itself, say how many workers are wanted: ray:workers=N."
    )


def _text(resources: Mapping[str, float]) -> str:
    amounts = (f"{amount:g} {label}" for label, amount in sorted(resources.items()))
    return ", ".join(amounts) or "1 cpus"
