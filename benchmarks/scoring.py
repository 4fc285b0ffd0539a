"""Scoring a validation set by greedy decoding, against PEFT's ``generate``.

``python -m benchmarks.scoring [--json FILE] [--examples 256] [--rounds 3]`` needs ``../shared``.

Validation rows of SST-2 and MRPC, T5 1.1 Small's dimensions with random weights, 100 prompt tokens,
at most 4 decoded tokens (labels of 1 to 3 tokens and their end), 64 at once, one thread. Random
weights rarely decode an end id, so that nobody gains by stopping early. Processor seconds, engines
taking turns.
"""

from __future__ import annotations

import sys

from benchmarks import duel, real_rows
from benchmarks.rows import Row, parser, report

PROMPT, GOAL = 100, 0.4


def main() -> int:
    """Runs the benchmark."""
    made = duel.options(
        parser("scoring", "Scoring by decoding, against PEFT's generate."), rounds=3
    )
    made.add_argument("--examples", type=int, default=128)
    made.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    given = made.parse_args()
    if missing := real_rows.absent():
        print(f"This needs {missing}, which is not here.", file=sys.stderr)
        return 1
    table: list[Row] = []
    with duel.Models.random(duel.SMALL) as models:
        for name in ("glue_sst2", "glue_mrpc"):
            inputs, targets = real_rows.rows(name, "validation", given.examples)
            for dtype in given.dtypes:
                contest = duel.Contest(
                    what=f"{name}, {dtype}: {len(inputs)} examples decoded",
                    dtype=dtype,
                    prompt_length=PROMPT,
                    batch_size=16,
                    inputs=inputs,
                    targets=targets,
                    call=("score",),
                    rounds=given.rounds,
                    goal=GOAL,
                )
                costs = duel.compete(contest, models, given)
                table += duel.duel_rows(contest, costs)
    return report("scoring", table, given.json, duel.DISTRIBUTIONS, rounds=given.rounds)


if __name__ == "__main__":
    sys.exit(main())
