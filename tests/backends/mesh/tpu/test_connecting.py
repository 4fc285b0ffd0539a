"""What a user reads when a TPU is not as it was asked for; no TPU is needed."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from spotfw.errors import SpotError, WrongUse


class Resolver:
    """A cluster resolver of one worker."""

    def __init__(self, address: str) -> None:
        self._address = address

    def master(self) -> str:
        return f"grpc://{self._address}"

    def cluster_spec(self) -> Any:
        from spotfw.backends.mesh.compat import tf

        return tf.train.ClusterSpec({"worker": [self._address]})


def opened(resolve: Any, topology: str = "v3-8") -> Any:
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.tpu.connecting import TpuConnection
    from spotfw.backends.mesh.tpu.hardware import Topology

    return TpuConnection("my-tpu", Topology.parse(topology), resolve).open(tf.Graph(), 1)


def test_a_tpu_that_is_not_there() -> None:
    def resolve(name: str) -> Any:
        raise ValueError(f"Could not lookup TPU metadata from name '{name}'.\nMore lines")

    with pytest.raises(SpotError, match=r"no TPU 'my-tpu' that can be looked up.*--tpu local") as e:
        opened(resolve)
    assert "\n" not in str(e.value)


def test_on_the_tpu_vm_itself_no_worker_is_looked_for() -> None:
    from spotfw.backends.mesh.tpu.connecting import TpuConnection
    from spotfw.backends.mesh.tpu.hardware import Topology

    master, config, addresses = TpuConnection("local", Topology.parse("v3-8"))._address(1)
    assert (master, addresses) == ("", []) and not config.HasField("cluster_def")


def test_a_tpu_that_does_not_answer() -> None:
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SpotError, match=f"cannot be reached: nothing answers at {address}"):
            opened(lambda name: Resolver(address))


def test_a_worker_without_a_tpu_is_told_from_one_with() -> None:
    """TensorFlow's own server stands for a worker: it takes the session, and has no TPU."""
    from spotfw.backends.mesh.compat import tf

    server = tf.train.Server.create_local_server()
    address = server.target.removeprefix("grpc://")
    with pytest.raises(SpotError, match=r"starts at my-tpu: [^.]*ConfigureDistributedTPU"):
        opened(lambda name: Resolver(address))


def test_a_tpu_of_another_topology() -> None:
    from spotfw.backends.mesh.tpu.connecting import TpuConnection, physical
    from spotfw.backends.mesh.tpu.hardware import Topology

    connection = TpuConnection("my-tpu", Topology.parse("v3-8"))
    connection._check(physical(Topology.parse("v3-8")))
    with pytest.raises(SpotError, match="has 32 devices as 4x4x1x2, but v3-8 has 8 as 2x2x1x2"):
        connection._check(physical(Topology.parse("v3-32")))


def test_a_session_that_ends_is_told_as_a_tpu_that_was_taken_away() -> None:
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.tpu.watching import TpuSession

    class Ended:
        def run(self, fetches: Any) -> Any:
            raise tf.errors.UnavailableError(None, None, "Socket closed\nmore")

        def close(self) -> None:
            pass

    session = TpuSession(Ended(), "my-tpu")
    with pytest.raises(SpotError, match=r"my-tpu is gone: Socket closed.*is kept.*--resu"):
        session.run(["loss"])
    session.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_parallelism": 2}, "--model-parallelism is of a TPU, and none is named"),
        ({"tpu": "local"}, "needs its topology"),
        ({"tpu": "local", "tpu_topology": "v3-8", "devices": "GPU:0"}, "Leave --devices out"),
        ({"tpu": "local", "tpu_topology": "v3-8", "model_parallelism": 3}, "cannot be 3 to a"),
        ({"tpu": "local", "tpu_topology": "v3-8", "mesh_shape": "batch:4"}, "v3-8 has 8"),
        (
            {"tpu": "x", "tpu_topology": "v3-8", "mesh_shape": "batch:8", "model_parallelism": 1},
            "Leave --model-parallelism out",
        ),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    from spotfw.backends.mesh.tpu.opening import open_machine

    with pytest.raises(WrongUse, match=message):
        open_machine(**options)
