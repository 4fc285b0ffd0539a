"""One training step: both engines and PEFT's prompt tuning, beside the machine's matrix products.

``python -m benchmarks.step [--json FILE] [--rounds 5] [--only NAME ...]
[--engines mesh torch peft]``

A step is one update: forward, the prompt's gradient, Adafactor. Random weights, batch 16, inputs
of 64 tokens, targets of 4, no dropout. Processor seconds, the median of `--rounds`, engines taking
turns, each in its own process with one thread (more threads spin where cores are shared). PEFT is
the benchmark's own extra: ``pip install 'spotfw[bench]'``, or into a folder of its own,
``pip install --target FOLDER --no-deps peft accelerate psutil`` and ``--peft FOLDER``.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator

import attrs

from benchmarks import duel
from benchmarks.engines import installed
from benchmarks.operations import step_operations
from benchmarks.rows import Row, parser, report
from benchmarks.worker import random_rows
from spotfw.cli.display import note_wait

BATCH, LENGTH, TARGETS = 16, 64, 4

#: Name -> dimensions, type, prompt tokens, batch, goal against PEFT, goal of the ceiling's share.
CASES = {
    "small-fp32": (duel.SMALL, "float32", 100, 16, 0.55, 0.85),
    "small-bf16": (duel.SMALL, "bfloat16", 100, 16, 0.50, 0.30),
    "english-20": (duel.ENGLISH, "float32", 20, 16, 0.5, None),
    "english-100": (duel.ENGLISH, "float32", 100, 16, 0.5, None),
    "english-20-bf16": (duel.ENGLISH, "bfloat16", 20, 16, 0.5, None),
    "playground": (duel.PLAYGROUND, "float32", 20, 16, 0.35, None),
    "base-fp32": (duel.BASE, "float32", 100, 8, 0.6, None),
    "base-bf16": (duel.BASE, "bfloat16", 100, 8, 0.6, None),
}
#: Most memory of a step against PEFT's, T5 Small in float32.
MEMORY = 0.8


def main() -> int:
    """Runs the benchmark."""
    made = duel.options(parser("step", "A training step of both engines and of PEFT."), rounds=5)
    made.add_argument("--only", nargs="+", choices=CASES, default=list(CASES))
    given = made.parse_args()
    given.engines = installed(given.engines, duel.folders(given))
    more = {"rounds": given.rounds, "load": duel.load}
    return report("step", _rows(given), given.json, duel.DISTRIBUTIONS, **more)


def _rows(given: Namespace) -> Iterator[Row]:
    """The rows of each case, as they come."""
    for name in given.only:
        dims, dtype, prompt, batch, goal, share = CASES[name]
        inputs, targets = random_rows(batch, LENGTH, TARGETS, dims.vocabulary_size - 200)
        contest = duel.Contest(
            what=f"{name}: a step of {batch} x ({LENGTH} + {prompt}) tokens",
            dtype=dtype,
            prompt_length=prompt,
            batch_size=batch,
            inputs=inputs,
            targets=targets,
            rounds=given.rounds,
            goal=goal,
        )
        if dims is duel.PLAYGROUND:  # so short that a call of one step measures the call
            contest = attrs.evolve(contest, call=("steps", 20))
        note_wait(f"{name}: writing a model of random weights ...")
        with duel.Models.random(dims, given.engines) as models:
            costs = duel.compete(contest, models, given)
        yield from duel.duel_rows(contest, costs)
        yield from _memory(name, costs, MEMORY if name == "small-fp32" else None)
        if not costs:
            continue
        note_wait(f"{name}: the rate of matrix products ...")
        inner = 2 * dims.d_ff
        rate = duel.matrix_rate(dtype, batch * (LENGTH + prompt), dims.d_model, inner, [*costs])
        steps = contest.call[1]
        operations = steps * step_operations(dims, batch, prompt, LENGTH, TARGETS)
        least = operations / rate.operations
        for engine, cost in costs.items():
            yield _ceiling(name, engine, cost["cpu"], least, rate, share)


def _ceiling(
    name: str, engine: str, seconds: float, least: float, rate: duel.Rate, goal: float | None
) -> Row:
    reached = least / seconds
    judged = goal is not None and engine != "peft"
    return Row(
        what=f"{name}: of {rate.library}'s matrix products ({rate.operations / 1e9:.0f} GFLOP/s)"
        f", {engine}",
        ours=round(100 * reached, 1),
        theirs=None,
        unit="%",
        ratio=None,
        goal=f"at least {100 * goal:g}" if judged and goal else "",
        holds=reached >= goal if judged and goal else None,
    )


def _memory(name: str, costs: dict[str, dict[str, float]], goal: float | None) -> list[Row]:
    theirs = costs.get("peft", {}).get("peak_mb")
    table = []
    for engine, cost in costs.items():
        if engine == "peft":
            continue
        ratio = None if theirs is None else cost["peak_mb"] / theirs
        table.append(
            Row(
                what=f"{name}: peak memory of the process, {engine}",
                ours=round(cost["peak_mb"]),
                theirs=None if theirs is None else round(theirs),
                unit="MB",
                ratio=None if ratio is None else round(ratio, 3),
                goal=f"at most {goal:g}" if goal else "",
                holds=ratio <= goal if goal and ratio is not None else None,
            )
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
