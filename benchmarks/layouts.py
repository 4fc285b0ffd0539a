"""Layouts over several devices against a single one: the same losses, prompts and decodings.

``python -m benchmarks.layouts [--json FILE] [--steps 50]``

Devices are eight that TensorFlow makes of this machine's processor, so that what is shown is that
a layout computes the same, not that it is quick. The model is a T5 1.1 of eight heads with random
weights, tuned with dropout on random ids; each member of a cohort has ids, a seed and a rate of its
own. With a split vocabulary the look-up is a product with one-hot rows, as `mtf.gather`'s.

Sums over devices round otherwise than sums on one, and Adafactor divides a gradient's element by
its own size: in float32 an element that is almost nothing takes a step of the full rate either way,
so that a layout's prompts part from one device's as any other order of sums would make them.
Whether a layout computes the same is seen in float64 (prompts and their optimizer float32 as
always), which is the default here; ``--precision float32`` shows the other.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import attrs
import numpy as np

from benchmarks.engines import need
from benchmarks.rows import Row, parser, report

#: Eight devices each: the mesh's shape, the layout (None for t5's own) and the cohort's size.
LAYOUTS: tuple[tuple[str, str | None, int], ...] = (
    ("batch:8", None, 1),
    ("model:8", None, 1),
    ("batch:4,model:2", None, 1),
    ("cohort:8", None, 8),
    ("model:8", "d_ff:model,heads:model", 1),
    ("cohort:4,model:2", None, 8),
)
DIMENSIONS = {"d_model": 64, "d_ff": 128, "d_kv": 8, "num_heads": 8, "num_layers": 1}
ROWS, BATCH, INPUTS, TARGETS, LENGTH = 512, 8, 24, 4, 8
#: Losses in nats and elements of prompts may differ by this.
NEAR = 1e-5


@attrs.frozen(kw_only=True, eq=False)
class Course:
    """What a cohort went through.

    Attributes:
      losses: float32 [steps, members], nats per target token.
      prompts: float32 [members, L, E], the last.
      decoded: int32 [members, batch, targets], with these.
      moved: how far an element of a prompt went, on average.
    """

    losses: Any
    prompts: Any
    decoded: Any
    moved: float


def course(
    steps: int,
    members: int,
    rate: float,
    shape: str | None,
    layout: str | None,
    precision: str = "float64",
) -> Course:
    """Tunes on a layout.

    Args:
      steps: updates.
      members: of the cohort.
      rate: the first member's learning rate; each has a lower one than that before it.
      shape: of the mesh, None for a single device.
      layout: None for t5's own.
      precision: of everything but the prompts.
    """
    from spotfw.backends.mesh.layout import Layout
    from spotfw.backends.mesh.machines import LocalMachine
    from spotfw.backends.mesh.model import size_gin
    from spotfw.backends.mesh.optimizer import second_moment_decay
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.runtime import LivePrompts, Runtime

    runtime = Runtime(
        "a T5 of eight heads",
        size_gin("tiny", **DIMENSIONS),
        rows=ROWS,
        width=DIMENSIONS["d_model"],
        activations=precision,
        threads=1,
        machine=LocalMachine(Layout.parse(shape, layout)),
    )
    shapes = Shapes(
        batch=BATCH,
        inputs=INPUTS,
        targets=TARGETS,
        prompt_length=LENGTH,
        dropout=0.1,
        members=members,
    )
    update = runtime.program("update", shapes)
    weights = np.random.default_rng(7)
    for name, variable in runtime.frozen_variables().items():
        size = variable.shape.as_list()
        scale = 1.0 if len(size) == 1 or "embedding" in name else size[0] ** -0.5
        runtime.write(name, (scale * weights.standard_normal(size)).astype(np.float32))
    draw = np.random.default_rng(1)
    start = draw.standard_normal((members, LENGTH, DIMENSIONS["d_model"])).astype(np.float32)
    prompts = LivePrompts(array=start)
    losses = []
    for step in range(steps):
        inputs = draw.integers(3, ROWS - 100, (members, BATCH, INPUTS))
        inputs[:, :2, -5:] = 0
        loss, _ = runtime.run(
            update,
            ["loss", "update"],
            prompts=prompts,
            inputs=inputs,
            targets=draw.integers(3, ROWS - 100, (members, BATCH, TARGETS)),
            seed=np.arange(members),
            step=np.full(members, step),
            learning_rate=rate / np.arange(1, members + 1),
            weight_decay=np.full(members, 1e-5),
            beta=np.full(members, second_moment_decay(step, 0.8)),
            going=np.ones(members),
        )
        losses.append(loss)
    decode = runtime.program("decode", attrs.evolve(shapes, dropout=0.0))
    (decoded,) = runtime.run(decode, ["ids"], prompts=prompts, inputs=inputs)
    runtime.fetch(prompts)
    runtime.close()
    moved = float(np.abs(prompts.array - start).mean())
    return Course(losses=np.array(losses), prompts=prompts.array, decoded=decoded, moved=moved)


def compared(steps: int, rate: float, precision: str) -> Iterator[Row]:
    """The rows of each layout."""
    alone: dict[int, Course] = {}
    for shape, layout, members in LAYOUTS:
        if members not in alone:
            alone[members] = course(steps, members, rate, None, None, precision)
        here, there = alone[members], course(steps, members, rate, shape, layout, precision)
        what = f"{shape}{f', {layout}' if layout else ''}: {members} x {steps} steps, {precision}"
        for kind, unit in (("losses", "nats apart, most"), ("prompts", "apart, most")):
            apart = float(np.abs(getattr(there, kind) - getattr(here, kind)).max())
            yield Row(f"{what}, {kind}", apart, None, unit, None, f"<= {NEAR:g}", apart <= NEAR)
        other = float((there.decoded != here.decoded).sum())
        yield Row(f"{what}, decoded ids", other, None, "others", None, "0", other == 0)
    for members, first in alone.items():
        what = f"one device: {members} x {steps} steps, {precision}"
        yield Row(f"{what}, prompts went", first.moved, None, "an element", None, "", None)


def main() -> int:
    """Runs the benchmark."""
    made = parser("layouts", "Layouts over eight devices against a single device.")
    made.add_argument("--steps", type=int, default=50)
    made.add_argument("--rate", type=float, default=0.1, help="the learning rate (0.1)")
    made.add_argument("--precision", choices=["float64", "float32"], default="float64")
    given = made.parse_args()
    need("mesh")
    rows = compared(given.steps, given.rate, given.precision)
    return report("layouts", rows, given.json, ["spotfw", "tensorflow", "mesh-tensorflow", "numpy"])


if __name__ == "__main__":
    sys.exit(main())
