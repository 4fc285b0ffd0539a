"""Engines against each other on rows of real text; needs ``../shared``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs

from benchmarks import duel, real_rows
from benchmarks.engines import installed
from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note_wait

BATCH, PROMPT = 16, 100


@attrs.frozen(kw_only=True)
class RealWork:
    """What engines with T5 1.1 Small's dimensions are asked to do with real rows.

    Attributes:
      benchmark: its name.
      about: one sentence of it.
      data_sets: of `real_rows.NAMES`.
      split: of them.
      call: the worker's method and its argument, if any, for so many examples.
      goal: ratio of our better engine to PEFT's.
      rounds: calls that count, where nothing else is given.
    """

    benchmark: str
    about: str
    data_sets: Sequence[str]
    split: str
    call: Callable[[int], tuple[Any, ...]]
    goal: float
    rounds: int

    def main(self) -> int:
        """Runs the benchmark by its command line."""
        made = duel.options(parser(self.benchmark, self.about), rounds=self.rounds)
        made.add_argument("--examples", type=int, default=128)
        made.add_argument("--data", nargs="+", choices=self.data_sets, default=self.data_sets)
        made.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
        given = made.parse_args()
        if missing := real_rows.absent():
            print(f"This needs {missing}, which is not here.", file=sys.stderr)
            return 1
        given.engines = installed(given.engines, duel.folders(given))
        more = {"rounds": given.rounds, "load": duel.load}
        return report(self.benchmark, self._rows(given), given.json, duel.DISTRIBUTIONS, **more)

    def _rows(self, given: Namespace) -> Iterator[Row]:
        """The rows of each data set and type, as they come."""
        note_wait("Writing a model of random weights ...")
        with duel.Models.random(duel.SMALL, given.engines) as models:
            for name in given.data:
                inputs, targets = real_rows.rows(name, self.split, given.examples)
                for dtype in given.dtypes:
                    contest = duel.Contest(
                        what=f"{name}, {dtype}: {len(inputs)} examples",
                        dtype=dtype,
                        prompt_length=PROMPT,
                        batch_size=BATCH,
                        inputs=inputs,
                        targets=targets,
                        call=self.call(len(inputs)),
                        rounds=given.rounds,
                        goal=self.goal,
                    )
                    yield from duel.duel_rows(contest, duel.compete(contest, models, given))
