"""TPU cores as the machine that the engine's programs run on.

A program is the one of `spotfw.backends.mesh.programs`, lowered to `TpuMesh` and replicated over
the cores. An update's program does several in a loop on the device (`looping`); prompts and their
second moments stay there until a checkpoint asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.machines import Program, copies_of
from spotfw.backends.mesh.programs import Feed, Plan, Tensors
from spotfw.backends.mesh.tpu.abstract import lowered
from spotfw.backends.mesh.tpu.counting import Work, count
from spotfw.backends.mesh.tpu.fitting import check_fits
from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.backends.mesh.tpu.looping import UPDATES, classic_control_flow, looped, stacked
from spotfw.backends.mesh.tpu.simd import AbstractMesh, TpuMesh


class Connection(Protocol):
    """A way to a TPU."""

    def open(self, graph: Any, threads: int) -> tuple[Any, Any]:
        """A session on it, initialised, and TensorFlow's `Topology` of it."""


class TpuMachine:
    """See `spotfw.backends.mesh.machines.Machine`.

    Args:
      topology: what is asked for.
      layout: over its devices.
      connection: to the TPU.
      updates: that one run does on the device, at most.
    """

    def __init__(
        self, topology: Topology, layout: Layout, connection: Connection, updates: int = 100
    ) -> None:
        self.layout = layout
        self.updates = updates
        self.work: Work | None = None
        self._topology = topology
        self._connection = connection
        self._assignment: Any = None

    def session(self, graph: Any, threads: int) -> Any:
        """See `Machine`."""
        session, there = self._connection.open(graph, threads)
        self._assignment = tf.tpu.experimental.DeviceAssignment.build(
            there, computation_shape=[1, 1, 1, 1], num_replicas=self._topology.devices
        )
        return session

    def program(
        self, feeds: Mapping[str, Feed], plan: Callable[[Tensors], Plan], layout: Layout
    ) -> Program:
        """See `Machine`; an update's feeds and results have a dimension of updates in front.

        Raises:
          SpotError: the update does not fit into the devices' memory.
        """
        updates = self.updates if "seed" in feeds else 0
        slices: dict[str, list[int]] = {}
        if updates:
            slices = self._check(feeds, plan, layout)
            feeds = stacked(feeds, updates)
        fed = {name: tf.placeholder(f.dtype, f.shape, name=name) for name, f in feeds.items()}
        names = list(fed)
        once = _Once(plan, layout, self._assignment)

        def computation(*tensors: Any) -> Any:
            given = dict(zip(names, tensors, strict=True))
            if updates:
                return list(looped(once, given, updates, slices).values())
            results, update = once(given)
            with tf.control_dependencies([update]):
                return [tf.identity(result) for result in results.values()]

        with classic_control_flow():
            replicas = tf.tpu.replicate(
                computation,
                inputs=[list(fed.values())] * self._topology.devices,
                device_assignment=self._assignment,
            )
        fetches = {
            name: once.whole(name, [replica[number] for replica in replicas], updates)
            for number, name in enumerate(once.shapes)
        }
        copies = copies_of(once.lowering)
        with tf.control_dependencies([result for replica in replicas for result in replica]):
            update = tf.no_op()
        return Program(
            feeds=fed, fetches={**once.finish(fetches, fed), "update": update}, copies=copies
        )

    def _check(
        self, feeds: Mapping[str, Feed], plan: Callable[[Tensors], Plan], layout: Layout
    ) -> dict[str, list[int]]:
        """Counts an update's work without devices, which says whether it fits; the shapes of a
        device's slices of its results."""
        with tf.Graph().as_default(), tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True):
            fed = {name: tf.placeholder(f.dtype, f.shape) for name, f in feeds.items()}
            mesh = AbstractMesh(fed["seed"], fed["step"], layout)
            made = plan(fed)
            self.work = count(lowered(made, mesh))
        check_fits(self.work, self._topology, layout, feeds["inputs"].shape[1])
        return {name: mesh.slice_shape(tensor.shape) for name, tensor in made.fetches.items()}


class _Once:
    """Builds a plan on the cores' mesh; keeps of the last time what is needed around it."""

    def __init__(self, plan: Callable[[Tensors], Plan], layout: Layout, assignment: Any) -> None:
        self._plan = plan
        self._layout = layout
        self._assignment = assignment
        self._mesh: Any = None
        self.lowering: Any = None
        self.shapes: dict[str, Any] = {}
        self.finish: Callable[[Tensors, Tensors], Tensors] = lambda fetches, feeds: fetches

    def __call__(self, feeds: Tensors) -> tuple[dict[str, Any], Any]:
        """A core's slices of the fetches, and the operation that updates."""
        made = self._plan(feeds)
        seeds, steps = feeds.get("seed", (0,)), feeds.get("step", (0,))
        self._mesh = TpuMesh(seeds, steps, self._layout, self._assignment)
        self.lowering = mtf.Lowering(made.mesh.graph, {made.mesh: self._mesh}, autostack=False)
        self.shapes = {name: tensor.shape for name, tensor in made.fetches.items()}
        self.finish = made.finish
        results = {
            name: self.lowering.tensors[tensor].to_laid_out_tensor().one_slice
            for name, tensor in made.fetches.items()
        }
        update = tf.group([self.lowering.lowered_operation(op) for op in made.updates])
        return results, update

    def whole(self, name: str, slices: list[Any], updates: int) -> Any:
        """A fetch of all cores' slices, joined on the host: nothing goes between the cores."""
        shape = self.shapes[name]
        if updates:
            shape = mtf.Shape([mtf.Dimension(UPDATES, updates), *shape.dims])
        return self._mesh.combine_slices(slices, shape)
