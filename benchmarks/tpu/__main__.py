"""The update on a TPU: built, timed, and held against what is predicted of it.

``python -m benchmarks.tpu --tpu NAME --topology v3-8 [--sizes small ...] [--json FILE]``
``python -m benchmarks.tpu --dry-run --topology v3-8``

``--dry-run`` does everything but execute: each size's programs (update and decoding) are built for
every core, counted and checked to fit, and the table holds the predictions. With ``--tpu`` the
weights are random, so that no checkpoint is needed; each size does three loops of ``--updates``
updates, the first of which compiles. `README.md` here says how to get a TPU, and which studies give
the paper's tables.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from benchmarks.engines import need
from benchmarks.rows import Row, parser, report
from benchmarks.tpu import sizes
from benchmarks.tpu.runs import PRICES, TABLES, hours

_GIB = 2**30


def smallest_parallelism(size: str, topology: Any, layers: int | None) -> int:
    """The fewest devices to a copy of the model with which an update fits.

    Raises:
      SpotError: it fits with none.
    """
    from spotfw.backends.mesh.tpu.fitting import SHARE
    from spotfw.errors import SpotError

    needed = {}
    for parallelism in sizes.parallelisms(size, topology):
        done = sizes.totals(size, topology, parallelism, layers=layers)
        needed[parallelism] = done.weights + done.activations
        if needed[parallelism] <= SHARE * topology.generation.capacity:
            return parallelism
    shown = ", ".join(f"{bytes_ / _GIB:.1f} GiB with {n}" for n, bytes_ in needed.items())
    raise SpotError(
        f"T5 {size} does not fit into {topology.name}, whose devices have "
        f"{topology.generation.capacity / _GIB:.0f} GiB each: an update of {sizes.BATCH} examples "
        f"needs {shown or 'more'} to a model. Take a larger topology, or a smaller batch."
    )


class Opened:
    """A size's programs on a TPU, or built for one."""

    def __init__(self, size: str, tpu: str, topology: Any, updates: int, layers: int | None):
        from spotfw.backends.mesh.model import size_gin
        from spotfw.backends.mesh.programs import Shapes
        from spotfw.backends.mesh.runtime import Runtime
        from spotfw.backends.mesh.tpu.opening import open_machine

        self.parallelism = smallest_parallelism(size, topology, layers)
        self.updates = updates
        self.machine: Any = open_machine(
            tpu=tpu,
            tpu_topology=topology.name,
            model_parallelism=self.parallelism,
            iterations_per_loop=updates,
        )
        config = size_gin(size, **({} if layers is None else {"num_layers": layers}))
        self.shapes = Shapes(
            batch=sizes.BATCH,
            inputs=sizes.INPUTS,
            targets=sizes.TARGETS,
            prompt_length=sizes.PROMPT,
            dropout=sizes.DROPOUT,
        )
        # Only the checkpoint's folder would know the width; nothing here reads a prompt.
        self.width = int(_macro(size_gin(size), "d_model"))
        self.runtime = Runtime(
            f"T5 {size}",
            config,
            rows=sizes.ROWS,
            width=self.width,
            activations="bfloat16",
            threads=0,
            machine=self.machine,
        )
        self.update = self.runtime.program("update", self.shapes)
        self.decode = self.runtime.program("decode", attrs.evolve(self.shapes, dropout=0.0))

    def seconds(self, loops: int) -> list[float]:
        """Of each loop, the first with what it takes to compile."""
        from spotfw.backends.mesh.runtime import LivePrompts

        random = np.random.default_rng(0)
        for name, variable in self.runtime.frozen_variables().items():
            drawn = random.standard_normal(variable.shape.as_list(), np.float32)
            self.runtime.write(name, drawn * np.float32(0.05))
        start = random.standard_normal((sizes.PROMPT, self.width), np.float32)
        prompts = LivePrompts.of(start)
        shape = (self.updates, 1, sizes.BATCH)
        fed = {
            "inputs": random.integers(3, 32_000, (*shape, sizes.INPUTS)),
            "targets": random.integers(3, 32_000, (*shape, sizes.TARGETS)),
            "seed": np.zeros(shape[:2]),
            "learning_rate": np.full(shape[:2], 0.3),
            "weight_decay": np.full(shape[:2], 1e-5),
            "beta": np.full(shape[:2], 0.9),
            "going": np.ones(shape[:2]),
            "updates": self.updates,
        }
        taken = []
        for loop in range(loops):
            fed["step"] = loop * self.updates + np.arange(self.updates)[:, None]
            began = time.perf_counter()
            (losses,) = self.runtime.run(self.update, ["loss"], prompts=prompts, **fed)
            taken.append(time.perf_counter() - began)
            if not np.isfinite(losses).all():
                raise RuntimeError(f"a loss is no number in loop {loop}")
        return taken


def _macro(config: str, name: str) -> str:
    lines = [line for line in config.splitlines() if line.startswith(f"{name} = ")]
    return lines[-1].partition(" = ")[2]


def rows_of(size: str, tpu: str, topology: Any, updates: int, layers: int | None) -> Iterator[Row]:
    """The rows of one size; with the TPU ``dry`` without what is measured."""
    from spotfw.backends.mesh.tpu.roofline import predict

    began = time.perf_counter()
    opened = Opened(size, tpu, topology, updates, layers)
    built = time.perf_counter() - began
    work = opened.machine.work
    predicted = predict(work, topology.generation.rates)
    what = f"{size}, {topology.name}, model parallelism {opened.parallelism}"
    room = topology.generation.capacity / _GIB
    need = work.memory / _GIB
    yield Row(f"{what}: programs built", built, None, "s", None, "", None)
    yield Row(f"{what}: memory of a device", need, room, "GiB", need / room, "fits", need <= room)
    yield Row(f"{what}: sent in a step", work.sent / 1e6, None, "MB", None, "", None)
    measured = None
    if tpu != "dry":
        first, *others = opened.seconds(3)
        measured = statistics.median(others) / updates
        compiling = first - updates * measured
        yield Row(f"{what}: compiling", compiling, None, "s", None, "", None)
    step = predicted.seconds if measured is None else measured
    kind = "predicted" if measured is None else "measured (theirs: predicted)"
    theirs = None if measured is None else 1e3 * predicted.seconds
    ratio = None if measured is None else measured / predicted.seconds
    yield Row(f"{what}: a step, {kind}", 1e3 * step, theirs, "ms", ratio, "", None)
    price = PRICES.get(topology.name)
    for tunings in TABLES:
        taken = hours(tunings, step)
        cost = None if price is None else price * taken
        yield Row(
            f"{size}, {topology.name}: {tunings.what}", taken, cost, "h, theirs: $", None, "", None
        )


def main() -> int:
    """Runs the benchmark."""
    from spotfw.backends.mesh.tpu.hardware import Topology
    from spotfw.errors import SpotError

    made = parser("tpu", "The update on a TPU, or everything but executing it.")
    made.add_argument("--tpu", metavar="NAME", help="a name, grpc://HOST:PORT, or local")
    made.add_argument("--dry-run", action="store_true", help="build, count, and run nothing")
    made.add_argument("--topology", default="v3-8", help="(v3-8)")
    made.add_argument("--sizes", nargs="+", choices=sizes.SIZES, default=["small", "base"])
    made.add_argument("--updates", type=int, default=100, help="of a loop on the device (100)")
    made.add_argument("--layers", type=int, help="another number of layers, for a quick look")
    given = made.parse_args()
    if given.dry_run == bool(given.tpu):
        made.error("give --tpu NAME, or --dry-run")
    rows = []
    try:
        topology = Topology.parse(given.topology)
        need("mesh")
        for size in given.sizes:
            tpu = "dry" if given.dry_run else given.tpu
            for row in rows_of(size, tpu, topology, given.updates, given.layers):
                rows.append(row)
                print(f"{row.what}: {row.ours:.4g} {row.unit}", file=sys.stderr, flush=True)
    except SpotError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    packages = ["spotfw", "tensorflow", "mesh-tensorflow", "t5"]
    return report("tpu", rows, given.json, packages, executed=not given.dry_run)


if __name__ == "__main__":
    sys.exit(main())
