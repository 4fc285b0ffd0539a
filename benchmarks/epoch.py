"""An epoch of real text of ragged lengths, against PEFT with batches padded to their longest row.

``python -m benchmarks.epoch [--json FILE] [--examples 256] [--rounds 1]`` needs ``../shared``.

The first rows of SST-2, MRPC and BoolQ, batch 16, T5 1.1 Small's dimensions with random weights,
100 prompt tokens, one thread, processor seconds; engines take turns. A first epoch (in which
graphs are built) does not count.
"""

from __future__ import annotations

import sys

from benchmarks import duel, real_rows
from benchmarks.rows import Row, parser, report

BATCH, PROMPT, GOAL = 16, 100, 0.5


def main() -> int:
    """Runs the benchmark."""
    made = duel.options(parser("epoch", "An epoch of real text, against PEFT."), rounds=1)
    made.add_argument("--examples", type=int, default=128)
    made.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    given = made.parse_args()
    if missing := real_rows.absent():
        print(f"This needs {missing}, which is not here.", file=sys.stderr)
        return 1
    table: list[Row] = []
    with duel.Models.random(duel.SMALL) as models:
        for name in real_rows.NAMES:
            inputs, targets = real_rows.rows(name, "train", given.examples)
            for dtype in given.dtypes:
                contest = duel.Contest(
                    what=f"{name}, {dtype}: {len(inputs)} examples",
                    dtype=dtype,
                    prompt_length=PROMPT,
                    batch_size=BATCH,
                    inputs=inputs,
                    targets=targets,
                    call=("steps", len(inputs) // BATCH),
                    rounds=given.rounds,
                    goal=GOAL,
                )
                costs = duel.compete(contest, models, given)
                table += duel.duel_rows(contest, costs)
    return report("epoch", table, given.json, duel.DISTRIBUTIONS, rounds=given.rounds)


if __name__ == "__main__":
    sys.exit(main())
