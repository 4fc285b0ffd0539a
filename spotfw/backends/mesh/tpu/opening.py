"""The machine that a model's options ask for: devices of this process, or a TPU."""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.devices_asked import DevicesAsked
from spotfw.backends.mesh.machines import LocalMachine, Machine
from spotfw.backends.mesh.tpu.connecting import DryConnection, TpuConnection
from spotfw.backends.mesh.tpu.machine import TpuMachine

#: The name of a TPU that is not there: programs are built for it and not run.
DRY = "dry"

#: Updates of a run on a TPU, where nothing else is asked.
UPDATES = 100


def open_machine(**options: Any) -> Machine:
    """See `DevicesAsked.of` on the options.

    Raises:
      WrongUse: options do not go together, or a device is not there.
    """
    asked = DevicesAsked.of(**options)
    if asked.tpu is None or asked.topology is None:
        return LocalMachine(asked.layout, asked.devices)
    connection = (
        DryConnection(asked.topology)
        if asked.tpu == DRY
        else TpuConnection(asked.tpu, asked.topology)
    )
    return TpuMachine(
        asked.topology, asked.layout, connection, asked.iterations_per_loop or UPDATES
    )
