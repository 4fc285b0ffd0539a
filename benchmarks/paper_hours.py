"""Hours that the paper's section 3 takes on T5 Base: planned steps over measured rates.

    python -m benchmarks.paper_hours [--study benchmarks/miniature/full.toml] [--json FILE]

`spotfw study plan` counts the steps. How many a device takes was measured on inputs of 64 tokens,
on a GPU by `benchmarks.cohort` with 16 rows a step, on a core of a CPU by `benchmarks.step` with
8. The paper's batch is 32 (section 2.1.4). A step of other rows is taken to cost what its matrix
products do, which is a prediction and not a measurement. Scoring checkpoints is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import rows
from benchmarks.operations import step_operations
from benchmarks.random_cohort import BATCH, LENGTH, PROMPT, SIZES, TARGETS
from benchmarks.rows import Row
from spotfw.study import plan, read_study

RESULTS = Path(__file__).parent / "results"
STUDY = Path(__file__).parent / "miniature" / "full.toml"
#: The paper's batch, and inputs as long as short sentences, a paragraph, T5's limit.
ROWS = 32
INPUTS = (64, 256, 512)
#: How tunings run on a GPU -> the figure of `benchmarks.cohort` that says how fast.
WAYS = {
    "one at a time": "base, bfloat16, cohort of 1: member steps",
    "64 together": "base, bfloat16, cohort of 64: member steps",
    "64 together, compiled": "base, bfloat16, cohort of 64, compiled: member steps",
    "64 together, dropout 0.1": (
        "base, bfloat16, cohort of 64, dropout 0.1, 16 at once: member steps"
    ),
}
#: Engines on a core of a CPU -> the figure of `benchmarks.step`: seconds of a step of 8 rows.
CORES = {
    f"a core of a CPU, {engine}, {kind}": f"base-{short}: a step of 8 x (64 + 100) tokens, {engine}"
    for engine, kind, short in (("mesh", "float32", "fp32"), ("torch", "bfloat16", "bf16"))
}


def hours(steps: int, steps_a_second: float, inputs: int, batch: int = BATCH) -> float:
    """Hours of `steps` steps of the paper's batch.

    Args:
      steps: of members of a cohort, all together.
      steps_a_second: as measured on inputs of 64 tokens.
      inputs: tokens of an example, without the prompt's 100.
      batch: examples of a step that was measured.
    """
    dims = SIZES["base"]
    work = step_operations(dims, ROWS, PROMPT, inputs, TARGETS)
    measured = step_operations(dims, batch, PROMPT, LENGTH, TARGETS)
    return steps / steps_a_second * work / measured / 3600


def predicted(
    steps: Mapping[str, int], rates: Mapping[str, float], seconds: Mapping[str, float]
) -> Iterator[Row]:
    """Hours of all steps by way and length, then by kind of cell in the fastest way.

    Args:
      steps: of the cells of each kind.
      rates: figures of `benchmarks.cohort`, steps a second.
      seconds: figures of `benchmarks.step`, CPU seconds a step.
    """
    total = sum(steps.values())
    for way, figure in WAYS.items():
        for inputs in INPUTS:
            yield _row(f"{way}, inputs of {inputs}", hours(total, rates[figure], inputs))
    for way, figure in CORES.items():
        value = hours(total, 1 / seconds[figure], INPUTS[0], batch=8)
        yield _row(f"{way}, inputs of {INPUTS[0]}", value)
    for kind, count in steps.items():
        each = hours(count, rates[WAYS["64 together, compiled"]], INPUTS[0])
        yield _row(f"{kind}: {count:,} steps, 64 together, compiled, inputs of {INPUTS[0]}", each)


def _row(what: str, value: float) -> Row:
    return Row(
        what=what, ours=value, theirs=None, unit="hours", ratio=None, goal="predicted", holds=None
    )


def main() -> int:
    """Runs the benchmark, which measures nothing."""
    parser = rows.parser("paper_hours", str(__doc__).partition("\n")[0])
    parser.add_argument("--study", default=str(STUDY))
    arguments = parser.parse_args()
    study = plan(read_study(arguments.study))
    steps = {group["kind"]: group["steps"] for group in study.groups() if group["steps"]}
    gpu, cpu = (
        json.loads((RESULTS / file).read_text()) for file in ("torch_h100.json", "step.json")
    )
    rates, seconds = ({row["what"]: row["ours"] for row in file["rows"]} for file in (gpu, cpu))
    return rows.report(
        "paper_hours",
        list(predicted(steps, rates, seconds)),
        arguments.json,
        ["torch"],
        measured_on=[gpu["machine"], cpu["machine"]],
    )


if __name__ == "__main__":
    raise SystemExit(main())
