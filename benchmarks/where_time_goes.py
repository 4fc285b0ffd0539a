"""Where the time goes: processor time of a training step over each of its sizes.

``python -m benchmarks.where_time_goes [--json FILE] [--figure FILE] [--page FILE]``

One size at a time is varied around a middle step (`MIDDLE`): prompt tokens, input tokens, rows of a
batch, prompts of a cohort, layers of encoder and decoder. The model is half as wide as T5 1.1 Small
with random weights, so that all of it takes some minutes. A point is the median of `--rounds`
tunings of some steps, once the programs are built, by both engines, with one thread, in processes
of their own. Beside it is what the step's matrix products alone would take, at the rate that this
machine's faster library reaches on a product of the middle step's size.

``--again FILE`` draws the figure and writes the page from such a ``--json`` file, and measures
nothing. `benchmarks.where_time_page` makes both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks import duel
from benchmarks.operations import step_operations
from benchmarks.rows import Row, parser, report
from benchmarks.where_time_page import Curve, draw, page
from benchmarks.worker import Spotfw, Work, cpu_seconds, opened, random_rows
from spotfw.backends.mesh.folders.hf_names import T5Dimensions
from spotfw.cli.display import note

ENGINES = ("mesh", "torch")
TARGETS = 4
#: CPU seconds that a point's steps take at least, so that what a call takes hardly counts.
_LEAST = 0.3

NARROW = attrs.evolve(
    duel.SMALL, d_model=256, d_ff=512, num_heads=4, encoder_layers=4, decoder_layers=4,
    vocabulary_size=2_048,
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Sizes:
    """Of a step: tokens of a prompt and an input, rows, prompts at once, layers of either part."""

    prompt: int = 100
    inputs: int = 64
    batch: int = 8
    cohort: int = 1
    layers: int = 4

    @property
    def dimensions(self) -> T5Dimensions:
        """Of the model."""
        return attrs.evolve(NARROW, encoder_layers=self.layers, decoder_layers=self.layers)

    @property
    def operations(self) -> float:
        """Of all matrix products."""
        rows = self.batch * self.cohort
        return step_operations(self.dimensions, rows, self.prompt, self.inputs, TARGETS)


MIDDLE = Sizes()
#: What is varied, and over what.
AXES: Mapping[str, Sequence[int]] = {
    "prompt": (1, 20, 50, 100, 200),
    "inputs": (16, 32, 64, 128, 256, 512),
    "batch": (1, 2, 4, 8, 16, 32, 64),
    "cohort": (1, 2, 4, 8, 16),
    "layers": (2, 4, 8, 12),
}

_MEASURE = "from benchmarks.where_time_goes import serve; serve(*__import__('sys').argv[1:])"


def main() -> int:
    """Runs the benchmark."""
    made = parser("where_time_goes", "Processor time of a step over each of its sizes.")
    made.add_argument("--rounds", type=int, default=3)
    made.add_argument("--figure", metavar="FILE", help="where to draw it, an SVG")
    made.add_argument("--page", metavar="FILE", help="where to write the page, Markdown")
    made.add_argument("--again", metavar="FILE", help="results to draw, in place of measuring")
    given = made.parse_args()
    if given.again:
        kept = json.loads(Path(given.again).read_text())
        _show([Curve(**curve) for curve in kept["curves"]], kept, given)
        return 0
    seconds = {engine: _seconds(engine, given.rounds) for engine in ENGINES}
    positions = MIDDLE.batch * (MIDDLE.prompt + MIDDLE.inputs)
    rate = duel.matrix_rate("float32", positions, NARROW.d_model, 2 * NARROW.d_ff)
    curves, table = [], []
    for axis, values in AXES.items():
        points = [attrs.evolve(MIDDLE, **{axis: value}) for value in values]
        products = [point.operations / rate.operations for point in points]
        lines = {engine: [seconds[engine][point] for point in points] for engine in ENGINES}
        lines["products"] = products
        curves.append(Curve(axis=axis, values=list(values), milliseconds=_rounded(lines)))
        table += [
            _row(axis, value, engine, lines[engine][place], products[place])
            for engine in ENGINES
            for place, value in enumerate(values)
        ]
    more = {
        "rounds": given.rounds,
        "load": duel.load(),
        "middle": attrs.asdict(MIDDLE),
        "model": attrs.asdict(NARROW),
        "rate": {"library": rate.library, "gflops": round(rate.operations / 1e9)},
        "curves": [attrs.asdict(curve) for curve in curves],
    }
    status = report("where_time_goes", table, given.json, duel.DISTRIBUTIONS, **more)
    _show(curves, more, given)
    return status


def _show(curves: Sequence[Curve], facts: Mapping[str, Any], given: Any) -> None:
    if given.figure:
        draw(curves, Path(given.figure))
    if given.page:
        page(curves, facts, Path(given.page))


def _rounded(lines: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    return {name: [round(1e3 * s, 2) for s in seconds] for name, seconds in lines.items()}


def _row(axis: str, value: int, engine: str, seconds: float, products: float) -> Row:
    return Row(
        what=f"{axis} {value}, {engine}, beside its matrix products",
        ours=round(1e3 * seconds, 2),
        theirs=round(1e3 * products, 2),
        unit="CPU ms a step",
        ratio=round(seconds / products, 2),
        goal="",
        holds=None,
    )


def points_by_layers() -> dict[int, list[Sizes]]:
    """All points, each once, by the layers of their model."""
    by_layers: dict[int, dict[Sizes, None]] = {}
    for axis, values in AXES.items():
        for value in values:
            point = attrs.evolve(MIDDLE, **{axis: value})
            by_layers.setdefault(point.layers, {})[point] = None
    return {layers: list(points) for layers, points in by_layers.items()}


def _seconds(engine: str, rounds: int) -> dict[Sizes, float]:
    """CPU seconds of a step at every point."""
    seconds: dict[Sizes, float] = {}
    for layers, points in points_by_layers().items():
        note(f"{engine}, {layers} layers: {len(points)} points, {rounds} rounds")
        with duel.Models.random(points[0].dimensions) as models:
            folder = models.mesh if engine == "mesh" else models.hf
            names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
            words = [sys.executable, "-W", "ignore", "-c", _MEASURE, engine, folder, str(rounds)]
            done = subprocess.run(
                words,
                input=json.dumps([attrs.asdict(point) for point in points]),
                capture_output=True,
                env={**os.environ, **dict.fromkeys(names, "1")},
                text=True,
            )
        if done.returncode:
            raise RuntimeError(f"{engine}: {done.stderr[-3000:]}")
        seconds |= dict(zip(points, json.loads(done.stdout.splitlines()[-1]), strict=True))
    return seconds


def serve(engine: str, folder: str, rounds: str) -> None:
    """Measures the points that stdin gives as JSON; prints the CPU seconds of a step of each."""
    points = [Sizes(**point) for point in json.loads(sys.stdin.read())]
    model = opened(_work(engine, folder, max(points, key=lambda point: point.cohort)))
    print(json.dumps([_step(_work(engine, folder, p), model, int(rounds)) for p in points]))


def _work(engine: str, folder: str, sizes: Sizes) -> Work:
    words = sizes.dimensions.vocabulary_size - 200
    inputs, targets = random_rows(sizes.batch, sizes.inputs, TARGETS, words)
    return Work(
        engine=engine,
        folder=folder,
        dtype="float32",
        threads=1,
        prompt_length=sizes.prompt,
        batch_size=sizes.batch,
        inputs=inputs,
        targets=targets,
        members=sizes.cohort,
    )


def _step(work: Work, model: Any, rounds: int) -> float:
    """CPU seconds of a step, the median of so many tunings."""
    engine = Spotfw(work, model)

    def tuning(steps: int) -> float:
        before = cpu_seconds()
        engine.steps(steps)
        return cpu_seconds() - before

    tuning(1)  # builds the programs
    steps = max(1, round(_LEAST / tuning(1)))
    return statistics.median(tuning(steps) / steps for _ in range(rounds))


if __name__ == "__main__":
    sys.exit(main())
