"""Where the time goes: processor time of a training step over each of its sizes.

``python -m benchmarks.where_time_goes [--json FILE] [--figure FILE] [--page FILE]
[--engines mesh torch]``

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
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks import duel
from benchmarks.ended import EngineEnded, last_line
from benchmarks.engines import ENGINES, add_engines, installed
from benchmarks.operations import step_operations
from benchmarks.rows import Row, parser, report
from benchmarks.where_time_page import Curve, draw, page
from benchmarks.worker import Spotfw, Work, cpu_seconds, opened, random_rows
from spotfw.backends.mesh.folders.hf_names import T5Dimensions
from spotfw.cli.display import Progress, note

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
    add_engines(made)
    made.add_argument("--axes", nargs="+", choices=AXES, default=list(AXES), help="sizes (all)")
    made.add_argument("--figure", metavar="FILE", help="where to draw it, an SVG")
    made.add_argument("--page", metavar="FILE", help="where to write the page, Markdown")
    made.add_argument("--again", metavar="FILE", help="results to draw, in place of measuring")
    given = made.parse_args()
    if given.again:
        kept = json.loads(Path(given.again).read_text())
        _show([Curve(**curve) for curve in kept["curves"]], kept, given)
        return 0
    engines = installed(given.engines)
    if (given.figure or given.page) and {*engines} != {*ENGINES}:
        note("The figure and the page are about both engines: leave --figure and --page out.")
        return 1
    axes = {axis: AXES[axis] for axis in given.axes}
    seconds: dict[str, dict[Sizes, float]] = {}
    for engine in engines:
        try:
            seconds[engine] = _seconds(engine, given.rounds, axes)
        except EngineEnded as error:
            note(f"Without rows of {error}")
    if not seconds:
        return 1
    positions = MIDDLE.batch * (MIDDLE.prompt + MIDDLE.inputs)
    inner = 2 * NARROW.d_ff
    rate = duel.matrix_rate("float32", positions, NARROW.d_model, inner, [*seconds])
    curves, table = [], []
    for axis, values in axes.items():
        points = [attrs.evolve(MIDDLE, **{axis: value}) for value in values]
        products = [point.operations / rate.operations for point in points]
        lines = {engine: [seconds[engine][point] for point in points] for engine in seconds}
        lines["products"] = products
        curves.append(Curve(axis=axis, values=list(values), milliseconds=_rounded(lines)))
        table += [
            _row(axis, value, engine, lines[engine][place], products[place])
            for engine in seconds
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
    if {*seconds} == {*ENGINES}:
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


def points_by_layers(axes: Mapping[str, Sequence[int]] = AXES) -> dict[int, list[Sizes]]:
    """All points of the axes, each once, by the layers of their model."""
    by_layers: dict[int, dict[Sizes, None]] = {}
    for axis, values in axes.items():
        for value in values:
            point = attrs.evolve(MIDDLE, **{axis: value})
            by_layers.setdefault(point.layers, {})[point] = None
    return {layers: list(points) for layers, points in by_layers.items()}


def _seconds(engine: str, rounds: int, axes: Mapping[str, Sequence[int]]) -> dict[Sizes, float]:
    """CPU seconds of a step at every point.

    Raises:
      EngineEnded: the engine's process failed.
    """
    seconds: dict[Sizes, float] = {}
    for layers, points in points_by_layers(axes).items():
        note(f"{engine}, {layers} layers: {len(points)} points, {rounds} rounds")
        with (
            duel.Models.random(points[0].dimensions, [engine]) as models,
            Progress(f"{engine}, {layers} layers", len(points), unit="points", every=5.0) as bar,
        ):
            for point, taken in _measured(engine, models, points, rounds):
                seconds[point] = taken
                bar.update(len(seconds.keys() & {*points}), ms=round(1e3 * taken, 1))
    return seconds


def _measured(
    engine: str, models: duel.Models, points: Sequence[Sizes], rounds: int
) -> Iterator[tuple[Sizes, float]]:
    """Each point and the CPU seconds of its step, as a process of its own measures them."""
    folder = models.mesh if engine == "mesh" else models.hf
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    words = [sys.executable, "-W", "ignore", "-c", _MEASURE, engine, folder, str(rounds)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, **dict.fromkeys(names, "1")},
            text=True,
        )
        assert process.stdin is not None and process.stdout is not None
        with process:
            process.stdin.write(json.dumps([attrs.asdict(point) for point in points]))
            process.stdin.close()
            for point in points:
                if not (line := process.stdout.readline()):
                    break
                yield point, float(line)
        if process.returncode:
            said.seek(0)
            failed = last_line(said.read().decode(errors="replace"))
            raise EngineEnded(f"{engine}, which failed: {failed}")


def serve(engine: str, folder: str, rounds: str) -> None:
    """Measures the points that stdin gives as JSON; prints the CPU seconds of a step of each."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints comes between
    points = [Sizes(**point) for point in json.loads(sys.stdin.read())]
    model = opened(_work(engine, folder, max(points, key=lambda point: point.cohort)))
    for point in points:
        print(_step(_work(engine, folder, point), model, int(rounds)), file=out, flush=True)


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
