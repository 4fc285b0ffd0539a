"""The way to a TPU: its address, a session on it, and what to say when there is none."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.backends.mesh.tpu.watching import TpuSession, first_line, knock
from spotfw.errors import SpotError

#: Milliseconds that its TPU system may take to come up.
_UP = 300_000


class TpuConnection:
    """A TPU by its name, by ``grpc://HOST:PORT``, or ``local`` on a TPU VM.

    Args:
      name: of it.
      topology: that it must have.
      resolve: gives TensorFlow's cluster resolver for a name.
    """

    def __init__(
        self, name: str, topology: Topology, resolve: Callable[[str], Any] | None = None
    ) -> None:
        self._name = name
        self._topology = topology
        self._resolve = resolve or _resolver

    def open(self, graph: Any, threads: int) -> tuple[Any, Any]:
        """See `Connection`.

        Raises:
          SpotError: there is no such TPU, it cannot be reached, or it has another topology.
        """
        master, config, addresses = self._address(threads)
        with graph.as_default():
            start = tf.tpu.initialize_system()
        session = tf.Session(master, graph=graph, config=config)
        try:
            serialized = session.run(start, options=tf.RunOptions(timeout_in_ms=_UP))
        except (tf.errors.OpError, RuntimeError) as error:
            session.close()
            why = first_line(error)
            if "OpKernel" in str(error):
                why = "TensorFlow has no TPU there, and no ConfigureDistributedTPU"
            raise SpotError(
                f"No TPU system starts at {self._name}: {why}. Whatever answers "
                "there has no TPU, or another process holds it. Look at `gcloud compute tpus "
                "tpu-vm list`, and for other programs on the TPU VM."
            ) from error
        there = tf.tpu.experimental.Topology(serialized=serialized)
        try:
            self._check(there)
        except SpotError:
            session.close()
            raise
        return TpuSession(session, self._name, addresses), there

    def _address(self, threads: int) -> tuple[str, Any, list[str]]:
        config = tf.ConfigProto(
            intra_op_parallelism_threads=threads,
            inter_op_parallelism_threads=threads,
            allow_soft_placement=True,
        )
        try:
            resolver = self._resolve(self._name)
            master, cluster = resolver.master(), resolver.cluster_spec()
        except Exception as error:  # the client's libraries raise their own of many kinds
            raise SpotError(
                f"There is no TPU {self._name!r} that can be looked up from here: "
                f"{first_line(error)}. List them with `gcloud compute tpus tpu-vm list --zone "
                "ZONE`. On a TPU VM itself, give --tpu local; elsewhere, its address, --tpu grpc://HOST:8470."
            ) from error
        if not cluster:  # on the TPU VM itself there are no workers to go to
            return "", config, []
        config.cluster_def.CopyFrom(cluster.as_cluster_def())
        addresses = [address for job in cluster.jobs for address in cluster.job_tasks(job)]
        for address in addresses:
            _answers(self._name, address)
        return master, config, addresses

    def _check(self, there: Any) -> None:
        shape = tuple(int(size) for size in there.mesh_shape)
        if shape != self._topology.mesh_shape:
            raise SpotError(
                f"The TPU {self._name} has {int(np.prod(shape))} devices as "
                f"{'x'.join(map(str, shape))}, but {self._topology.name} has "
                f"{self._topology.devices} as {'x'.join(map(str, self._topology.mesh_shape))}. "
                "Give the --tpu-topology that it was made with."
            )


class DryConnection:
    """No TPU: everything is built for the topology, and nothing is run."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology

    def open(self, graph: Any, threads: int) -> tuple[Any, Any]:
        """See `Connection`."""
        return _DrySession(), physical(self._topology)


class _DrySession:
    def run(self, fetches: Any, *arguments: Any, **options: Any) -> Any:
        return [None] * len(fetches) if isinstance(fetches, Sequence) else None

    def close(self) -> None:
        pass


def physical(topology: Topology) -> Any:
    """TensorFlow's `Topology`, as a TPU of that kind gives it."""
    x, y, z, cores = topology.mesh_shape
    per_host = topology.generation.chips_a_host
    by_host = [
        [
            (bx + i, by + j, k, core)
            for i, j, core in itertools.product(range(2), range(2), range(cores))
        ]
        for k, by, bx in itertools.product(range(z), range(0, y, 2), range(0, x, 2))
    ]
    assert len(by_host) == topology.hosts and len(by_host[0]) == per_host * cores
    return tf.tpu.experimental.Topology(
        mesh_shape=[x, y, z, cores], device_coordinates=np.array(by_host, np.int32)
    )


def _resolver(name: str) -> Any:
    return tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)


def _answers(name: str, address: str) -> None:
    """Makes sure that somebody listens: TensorFlow would wait for ever.

    Raises:
      SpotError: nobody does.
    """
    try:
        knock(address)
    except (OSError, ValueError) as error:
        raise SpotError(
            f"The TPU {name} cannot be reached: nothing answers at {address} "
            f"({first_line(error)}). Look whether it is READY (`gcloud compute tpus tpu-vm list`), "
            "and whether this machine is in its network and may connect to that port."
        ) from error
