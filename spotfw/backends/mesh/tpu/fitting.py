"""Whether a model fits into the memory of a topology's devices, by what is counted."""

from __future__ import annotations

from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.tpu.counting import Work
from spotfw.backends.mesh.tpu.hardware import Topology
from spotfw.errors import SpotError

#: The share of a device's memory for a program's variables and results; the rest is the runtime's.
SHARE = 0.9
_GIB = 2**30


def fits(work: Work, topology: Topology) -> bool:
    """Whether an update's variables and results fit into each device's memory."""
    return work.memory <= SHARE * topology.generation.capacity


def check_fits(work: Work, topology: Topology, layout: Layout, batch: int) -> None:
    """Refuses what does not fit.

    Args:
      work: of an update.
      topology: with the devices.
      layout: over them.
      batch: examples of each member.

    Raises:
      SpotError: it does not, with what each device would need and has.
    """
    if fits(work, topology):
        return
    shared = layout.parts("heads")
    advice = [f"--batch-size below {batch}", "a shorter --max-input-length"]
    if shared < topology.devices:
        advice.insert(0, f"--model-parallelism above {shared}")
    capacity = topology.generation.capacity / _GIB
    raise SpotError(
        f"An update does not fit into {topology.name}: each of its {topology.devices} devices "
        f"would need {work.weights / _GIB:.1f} GiB of variables and "
        f"{work.activations / _GIB:.1f} GiB of results at once (mesh {layout.shape_text}, batch "
        f"{batch}), and has {capacity:.0f} GiB, of which the runtime keeps {1 - SHARE:.0%}. Take "
        f"{', '.join(advice)}, or a larger topology."
    )
