"""The prediction of a step's time, checked where a step can be timed: on this processor.

``python -m benchmarks.tpu.roofline [--json FILE] [--rounds 5] [--only NAME ...]``

What predicts a TPU's step (`spotfw.backends.mesh.tpu.roofline`) is given this processor's rates in
place of a chip's: those of TensorFlow's own matrix products at the sizes of the step's, of an
elementwise product of as many numbers as an activation has, and of an operation on almost nothing.
Nothing is compiled together here, so that every operation's traffic counts. There is no dropout,
and models are those whose step is products: of a toy's, half is the session's own.
Seconds are of the processor, with one thread, rates and steps taken in turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from benchmarks.rows import Row, parser, report

#: Name -> dimensions that differ from t5.1.1.small's, rows of the table, prompt tokens, batch.
CASES: dict[str, tuple[dict[str, int], int, int, int]] = {
    "english": (
        {"d_model": 384, "d_ff": 1024, "d_kv": 64, "num_heads": 8, "num_layers": 6},
        8192,
        20,
        16,
    ),
    "small": ({}, 32_128, 100, 16),
}
INPUTS, TARGETS = 64, 4
#: The prediction may be off by this share.
OFF = 0.3


@attrs.frozen(kw_only=True)
class Timed:
    """One round: this processor's rates, and the step's seconds."""

    products: float
    memory: float
    each: float
    step: float


def _seconds(run: Callable[[], object], least: float = 0.3) -> float:
    """Processor seconds of a call, the median of as many as take `least` seconds, after one."""
    run()
    taken: list[float] = []
    while sum(taken) < least or len(taken) < 3:
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


class Bench:
    """A step and the operations that rates are taken of, in one session each."""

    def __init__(self, name: str) -> None:
        from spotfw.backends.mesh.compat import tf
        from spotfw.backends.mesh.model import size_gin
        from spotfw.backends.mesh.programs import Shapes
        from spotfw.backends.mesh.runtime import LivePrompts, Runtime
        from spotfw.backends.mesh.tpu.counting import count

        dims, rows, length, batch = CASES[name]
        self.shapes = Shapes(batch=batch, inputs=INPUTS, targets=TARGETS, prompt_length=length)
        config = size_gin("small", **dims)
        width = dims.get("d_model", 512)
        self._runtime = Runtime(
            name, config, rows=rows, width=width, activations="float32", threads=1
        )
        self._program = self._runtime.program("update", self.shapes)
        random = np.random.default_rng(0)
        for variable, value in self._runtime.frozen_variables().items():
            drawn = random.standard_normal(value.shape.as_list(), np.float32)
            self._runtime.write(variable, drawn * np.float32(0.05))
        self._prompts = LivePrompts.of(random.standard_normal((length, width), np.float32))
        self._fed = {
            "inputs": random.integers(3, rows - 200, (1, batch, INPUTS)),
            "targets": random.integers(3, rows - 200, (1, batch, TARGETS)),
            **{"seed": [0], "step": [0], "learning_rate": [0.1], "weight_decay": [1e-5]},
            **{"beta": [0.5], "going": [1.0]},
        }
        self.work = count(self._program.fetches.values())
        graph = tf.Graph()
        self._products = []
        with graph.as_default():
            sizes = Counter(attrs.astuple(product)[:4] for product in self.work.products)
            for (many, m, n, k), times in sizes.items():
                left = tf.Variable(tf.random.normal([many, m, k]), use_resource=True)
                right = tf.Variable(tf.random.normal([many, k, n]), use_resource=True)
                self._products.append((tf.matmul(left, right).op, times))
            count_of = batch * (INPUTS + length) * dims.get("d_ff", 1024)
            many = tf.Variable(tf.random.normal([count_of]), use_resource=True)
            self._bytes = 3 * 4 * count_of * 8
            value = many.read_value()
            for _ in range(8):
                value = value * many
            self._moved = value.op
            value = tf.Variable(1.0, use_resource=True).read_value()
            for _ in range(1000):
                value = tf.negative(value)
            self._small = value.op
            from tensorflow.core.protobuf import rewriter_config_pb2 as rewriter

            # Else chains of like operations become one.
            options = tf.GraphOptions(
                rewrite_options=rewriter.RewriterConfig(disable_meta_optimizer=True)
            )
            session = tf.ConfigProto(
                intra_op_parallelism_threads=1,
                inter_op_parallelism_threads=1,
                graph_options=options,
            )
            self._session = tf.Session(graph=graph, config=session)
            self._session.run(tf.global_variables_initializer())

    def _step(self) -> None:
        self._runtime.run(self._program, ["loss", "update"], prompts=self._prompts, **self._fed)

    def round(self) -> Timed:
        """Times rates and the step once."""

        def run(op: Any) -> Callable[[], object]:
            return lambda: self._session.run(op)

        return Timed(
            products=self.work.flops
            / sum(times * _seconds(run(op), 0.05) for op, times in self._products),
            memory=self._bytes / _seconds(run(self._moved)),
            each=_seconds(run(self._small)) / 1000,
            step=_seconds(self._step, 1.0),
        )


def checked(name: str, rounds: int) -> list[Row]:
    """The rows of one case."""
    from spotfw.backends.mesh.tpu.hardware import Rates
    from spotfw.backends.mesh.tpu.roofline import predict

    bench = Bench(name)
    pairs, kept = [], []
    for _ in range(rounds):
        timed = bench.round()
        rates = Rates(products=timed.products, memory=timed.memory, links=1.0, each=timed.each)
        prediction = predict(bench.work, rates, fused=False)
        pairs.append((prediction.seconds, timed.step))
        kept.append((timed, prediction))
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(pair[side] for pair in pairs) for side in (0, 1))
    timed, prediction = kept[0]
    what = f"{name}: a step of {bench.shapes.batch} x ({INPUTS} + {bench.shapes.prompt_length})"
    goal = f"within {OFF:.0%} of the measured"
    return [
        Row(
            f"{what}, predicted and measured",
            ours,
            theirs,
            "CPU s",
            ratio,
            goal,
            abs(ratio - 1) <= OFF,
        ),
        Row(f"{name}: matrix products", bench.work.flops / 1e9, None, "GFLOP", None, "", None),
        Row(f"{name}: rate of products", timed.products / 1e9, None, "GFLOP/s", None, "", None),
        Row(
            f"{name}: traffic between products",
            bench.work.unfused / 1e9,
            None,
            "GB",
            None,
            "",
            None,
        ),
        Row(f"{name}: rate of memory", timed.memory / 1e9, None, "GB/s", None, "", None),
        Row(
            f"{name}: predicted, products alone", prediction.products, None, "CPU s", None, "", None
        ),
        Row(
            f"{name}: predicted, between products",
            prediction.between,
            None,
            "CPU s",
            None,
            "",
            None,
        ),
    ]


def main() -> int:
    """Runs the benchmark."""
    made = parser("tpu.roofline", "The prediction of a step's time, checked on this processor.")
    made.add_argument("--rounds", type=int, default=5)
    made.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    given = made.parse_args()
    rows = [row for name in given.only for row in checked(name, given.rounds)]
    return report("tpu.roofline", rows, given.json, ["tensorflow", "mesh-tensorflow", "numpy"])


if __name__ == "__main__":
    sys.exit(main())
