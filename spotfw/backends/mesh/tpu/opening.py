"""The machine that a model's options ask for: devices of this process, or a TPU."""

from __future__ import annotations

from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.machines import LocalMachine, Machine
from spotfw.backends.mesh.tpu.connecting import DryConnection, TpuConnection
from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.backends.mesh.tpu.machine import TpuMachine
from spotfw.errors import WrongUse

#: The name of a TPU that is not there: programs are built for it and not run.
DRY = "dry"

#: Updates of a run on a TPU, where nothing else is asked.
UPDATES = 100


def open_machine(
    *,
    mesh_shape: str | None = None,
    layout: str | None = None,
    devices: str | None = None,
    tpu: str | None = None,
    tpu_topology: str | None = None,
    model_parallelism: int | None = None,
    iterations_per_loop: int | None = None,
) -> Machine:
    """See `spotfw.backends.mesh.engine.open_model` on the options.

    Raises:
      WrongUse: options do not go together.
    """
    if tpu is None:
        for name, value in (
            ("tpu_topology", tpu_topology),
            ("model_parallelism", model_parallelism),
            ("iterations_per_loop", iterations_per_loop),
        ):
            if value is not None:
                option = name.replace("_", "-")
                raise WrongUse(
                    f"--{option} is of a TPU, and none is named. Give --tpu NAME too, or, on "
                    "devices of this machine, --mesh-shape batch:4,model:2."
                )
        names = [name.strip() for name in devices.split(",")] if devices else []
        return LocalMachine(Layout.parse(mesh_shape, layout), names)
    if tpu_topology is None:
        raise WrongUse("A TPU needs its topology: give --tpu-topology, e.g. v3-8.")
    if devices is not None:
        raise WrongUse("A TPU's devices are all used. Leave --devices out.")
    topology = Topology.parse(tpu_topology)
    if mesh_shape is not None and model_parallelism is not None:
        raise WrongUse(
            "--mesh-shape says how devices share a model. Leave --model-parallelism out."
        )
    shape = mesh_shape or topology.mesh_of(model_parallelism or 1)
    over = Layout.parse(shape, layout)
    if over.size != topology.devices:
        raise WrongUse(
            f"The mesh {over.shape_text} has {over.size} devices, but {topology.name} has "
            f"{topology.devices}. Give a --mesh-shape of {topology.devices}."
        )
    connection = DryConnection(topology) if tpu == DRY else TpuConnection(tpu, topology)
    return TpuMachine(topology, over, connection, iterations_per_loop or UPDATES)
