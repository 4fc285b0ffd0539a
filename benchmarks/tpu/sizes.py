"""Which T5 fits which TPU: memory, work, collectives and predicted time of an update.

``python -m benchmarks.tpu.sizes [--json FILE] [--sizes small ...] [--topologies v3-8 ...]
[--whole]``

An update of the paper's recipe (batch 32, 512 input tokens behind a prompt of 100, dropout,
bfloat16 activations, float32 prompt) is built and lowered for one core, and counted; nothing is run
and no weights are allocated. All layers of a T5 are alike, so it is counted with one and with two
of them, from which those of the whole follow; ``--whole`` also lowers each size with all its layers
once, and says how far that is off. Times are predictions by published rates, never measured on a
TPU.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from benchmarks.rows import Row, parser, report

SIZES = ("small", "base", "large", "xl", "xxl")
TOPOLOGIES = ("v3-8", "v3-32", "v4-8")
BATCH, INPUTS, TARGETS, PROMPT, DROPOUT = 32, 512, 16, 100, 0.1
ROWS = 32_128
_GIB = 2**30


@attrs.frozen(kw_only=True)
class Totals:
    """What one device does in an update, and needs for it.

    Attributes:
      flops: of matrix products.
      bytes: to and from memory.
      sent: of collectives.
      weights, activations: bytes that lie in memory.
      seconds: predicted.
    """

    flops: float
    bytes: float
    sent: float
    weights: float
    activations: float
    seconds: float

    def further(self, more: Totals, times: int) -> Totals:
        """`more` is with one layer more; the totals with `times` more."""
        values = zip(attrs.astuple(self), attrs.astuple(more), strict=True)
        names = [field.name for field in attrs.fields(Totals)]
        return Totals(**dict(zip(names, (a + (b - a) * times for a, b in values), strict=True)))


@functools.cache
def layers_of(size: str) -> int:
    """Of t5's own configuration, in the encoder and as many in the decoder."""
    from spotfw.backends.mesh.model import size_gin

    return int(re.findall(r"^num_layers = (\d+)", size_gin(size), re.MULTILINE)[-1])


def heads_of(size: str) -> int:
    """Of t5's own configuration."""
    from spotfw.backends.mesh.model import size_gin

    return int(re.findall(r"^num_heads = (\d+)", size_gin(size), re.MULTILINE)[-1])


def totals(
    size: str, topology: Any, parallelism: int, members: int = 1, layers: int | None = None
) -> Totals:
    """Counted of one core's program.

    Args:
      size: of T5 1.1.
      topology: a `spotfw.backends.mesh.tpu.hardware.Topology`.
      parallelism: devices that share a copy of the model.
      members: of a cohort, laid over as many groups of devices.
      layers: None for the size's, by way of one and two.
    """
    from spotfw.backends.mesh.layout import Layout
    from spotfw.backends.mesh.model import size_gin
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.tpu.abstract import counted
    from spotfw.backends.mesh.tpu.roofline import predict

    if layers is None:
        of = [totals(size, topology, parallelism, members, number) for number in (1, 2)]
        return of[0].further(of[1], layers_of(size) - 1)
    shapes = Shapes(
        batch=BATCH,
        inputs=INPUTS,
        targets=TARGETS,
        prompt_length=PROMPT,
        dropout=DROPOUT,
        members=members,
    )
    layout = Layout.parse(topology.mesh_of(parallelism, members))
    work = counted(size_gin(size, num_layers=layers), ROWS, shapes, layout)
    return Totals(
        flops=work.flops,
        bytes=work.bytes,
        sent=work.sent,
        weights=work.weights,
        activations=work.activations,
        seconds=predict(work, topology.generation.rates).seconds,
    )


def parallelisms(size: str, topology: Any) -> list[int]:
    """How many devices can share a copy: they divide its heads, and all batches come out even."""
    heads, devices = heads_of(size), topology.devices
    return [
        n
        for n in (1, 2, 4, 8, 16, 32)
        if heads % n == 0 and devices % n == 0 and BATCH % (devices // n) == 0
    ]


def table(sizes: Sequence[str], topologies: Sequence[str]) -> Iterator[Row]:
    """The rows of all combinations, and of a cohort over all devices of each topology."""
    from spotfw.backends.mesh.tpu.fitting import SHARE
    from spotfw.backends.mesh.tpu.hardware import Topology

    for name in topologies:
        topology = Topology.parse(name)
        room = SHARE * topology.generation.capacity / _GIB
        for size in sizes:
            for parallelism in parallelisms(size, topology):
                done = totals(size, topology, parallelism)
                what = f"{size}, {name}, model parallelism {parallelism}"
                need = (done.weights + done.activations) / _GIB
                yield Row(
                    f"{what}: memory of a device", need, room, "GiB", need / room, "", need <= room
                )
                yield Row(
                    f"{what}: of it variables", done.weights / _GIB, None, "GiB", None, "", None
                )
                yield Row(f"{what}: products", done.flops / 1e12, None, "TFLOP", None, "", None)
                yield Row(f"{what}: memory traffic", done.bytes / 1e9, None, "GB", None, "", None)
                yield Row(f"{what}: sent", done.sent / 1e6, None, "MB", None, "", None)
                yield Row(
                    f"{what}: predicted", 1e3 * done.seconds, None, "ms a step", None, "", None
                )
        members = topology.devices
        alone = totals(sizes[0], topology, 1, members)
        what = f"{sizes[0]}, {name}, a cohort of {members}, one to a device: sent"
        yield Row(what, alone.sent, None, "bytes a step", None, "0", alone.sent == 0)


def whole(sizes: Sequence[str], topology_name: str) -> Iterator[Row]:
    """Each size lowered with all its layers, beside what follows from one and two."""
    from spotfw.backends.mesh.tpu.hardware import Topology

    topology = Topology.parse(topology_name)
    for size in sizes:
        parallelism = parallelisms(size, topology)[-1]
        here = totals(size, topology, parallelism, layers=layers_of(size))
        follows = totals(size, topology, parallelism)
        for kind in ("flops", "sent", "weights", "activations"):
            ours, theirs = getattr(here, kind), getattr(follows, kind)
            what = f"{size}, {topology_name}, model parallelism {parallelism}, all layers: {kind}"
            ratio = ours / theirs
            yield Row(what, ours, theirs, "", ratio, "within 1%", abs(ratio - 1) <= 0.01)


def main() -> int:
    """Counts and prints."""
    made = parser("tpu.sizes", "Which T5 fits which TPU.")
    made.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    made.add_argument("--topologies", nargs="+", default=list(TOPOLOGIES))
    made.add_argument("--whole", action="store_true", help="also lower whole models, on the first")
    given = made.parse_args()
    rows = []
    counted = [table(given.sizes, given.topologies)]
    counted += [whole(given.sizes, given.topologies[0])] if given.whole else []
    for row in (row for part in counted for row in part):
        rows.append(row)
        print(f"{row.what}: {row.ours:.4g} {row.unit}", file=sys.stderr, flush=True)
    return report("tpu.sizes", rows, given.json, ["tensorflow", "mesh-tensorflow", "t5"])


if __name__ == "__main__":
    sys.exit(main())
