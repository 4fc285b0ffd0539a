"""What programs run on: the session's devices, and how a plan is lowered to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.devices_asked import device_names
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.placement import LocalMesh
from spotfw.backends.mesh.programs import Feed, Plan, Tensors
from spotfw.backends.mesh.pruning import prune
from spotfw.errors import WrongUse


@attrs.frozen(kw_only=True)
class Copies:
    """Operations that copy a variable from its master to the devices' slices, and back."""

    out: Any
    back: Any


@attrs.frozen(kw_only=True)
class Program:
    """Place holders to feed and tensors to fetch, by name.

    Attributes:
      feeds: place holders.
      fetches: tensors; ``update`` is an operation.
      copies: by the names of variables that lie on the devices as slices; a variable that is not
        there is where it is computed with.
    """

    feeds: Tensors
    fetches: Tensors
    copies: Mapping[str, Copies] = attrs.field(factory=dict)


class Machine(Protocol):
    """Devices that programs are built for and run on."""

    @property
    def layout(self) -> Layout:
        """What is split over the devices."""

    @property
    def updates(self) -> int:
        """Most updates of a run; 0 where a program does one, without that dimension in front."""

    def session(self, graph: Any, threads: int) -> Any:
        """A session of TensorFlow with the devices."""

    def program(
        self, feeds: Mapping[str, Feed], plan: Callable[[Tensors], Plan], layout: Layout
    ) -> Program:
        """Builds a program in the default graph.

        Args:
          feeds: what it is fed.
          plan: gives it for the fed tensors, in Mesh TF's operations.
          layout: of the program: the machine's, or with fewer rules.
        """


class LocalMachine:
    """Devices of this process.

    Args:
      layout: over them; by default there is one.
      devices: TensorFlow's names of them (``GPU:0``, ``CPU:3``), by default as many GPUs as the
        layout has devices where there are so many, else processors of this process's threads.

    Raises:
      WrongUse: there are more or fewer names than the layout has devices, the same twice, or one
        that is no device of this machine.
    """

    def __init__(self, layout: Layout | None = None, devices: Sequence[str] = ()) -> None:
        self.layout = layout or Layout()
        self.updates = 0
        size = self.layout.size
        named = list(device_names(list(devices), self.layout))
        for device in named:
            _check_there(device)
        self._devices = named or ([""] if size == 1 else _devices(size))

    def session(self, graph: Any, threads: int) -> Any:
        """See `Machine`; processors are as many as are named."""
        config = tf.ConfigProto(
            intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads
        )
        # Its passes over a graph take as long as building it, and then spare an update nothing.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        numbers = [int(d.rpartition(":")[2]) for d in self._devices if ":CPU:" in d]
        if numbers:
            config.device_count["CPU"] = max(numbers) + 1
        return tf.Session(graph=graph, config=config)

    def program(
        self, feeds: Mapping[str, Feed], plan: Callable[[Tensors], Plan], layout: Layout
    ) -> Program:
        """See `Machine`."""
        fed = {name: tf.placeholder(f.dtype, f.shape, name=name) for name, f in feeds.items()}
        made = plan(fed)
        prune(made.mesh.graph, made.fetches.values(), made.updates)
        mesh = LocalMesh(fed.get("seed", (0,)), fed.get("step", (0,)), layout, self._devices)
        lowering = mtf.Lowering(made.mesh.graph, {made.mesh: mesh}, autostack=False)
        update = tf.group([lowering.lowered_operation(op) for op in made.updates])
        fetches = {name: lowering.export_to_tf_tensor(t) for name, t in made.fetches.items()}
        fetches = {**made.finish(fetches, fed), "update": update}
        return Program(feeds=fed, fetches=fetches, copies=copies_of(lowering))


def copies_of(lowering: Any) -> dict[str, Copies]:
    """The copies of a lowered program's variables, but for those whose slice is the master."""
    return {
        variable.get_master().op.name: Copies(
            out=laid_out.copy_master_to_slices, back=laid_out.copy_slices_to_master
        )
        for variable, laid_out in lowering.variables.items()
        if not getattr(laid_out, "slice_is_master", False)
    }


def _check_there(device: str) -> None:
    """Whether TensorFlow sees a GPU of that full name; processors are made.

    Raises:
      WrongUse: it does not.
    """
    _, kind, number = device.rsplit(":", 2)
    gpus = len(tf.config.list_physical_devices("GPU")) if kind == "GPU" else 0
    if kind == "GPU" and int(number) >= gpus:
        there = f"GPU:0 to GPU:{gpus - 1}" if gpus > 1 else "GPU:0 alone" if gpus else "none"
        raise WrongUse(
            f"TensorFlow finds no GPU:{number} here, but {there}. Name others with --devices, "
            "or leave it out."
        )


def _devices(size: int) -> list[str]:
    """As many of one kind: GPUs where there are enough."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    kind = "GPU" if gpus >= size else "CPU"
    return [f"/device:{kind}:{number}" for number in range(size)]
