"""Where a tuning's processor seconds go: updates, waiting for input, scoring, and the rest.

``python -m benchmarks.shares [--json FILE] [--steps 500] [--engines mesh torch]``

One task of the playground, a checkpoint every 500 steps as in the paper, one thread. A tuning of
one step, in which programs are built, comes before and does not count. Waiting for input is what
making a batch takes; the rest is saving, reporting and choosing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import duel
from benchmarks.engines import add_engines, installed
from benchmarks.rows import Row, parser, report
from spotfw import Session
from spotfw.cli.display import note_wait

TASK, INPUT, BESIDE = "film_reviews", 0.02, 0.15


def main() -> int:
    """Runs the benchmark."""
    made = parser("shares", "Where a tuning's processor seconds go.")
    made.add_argument("--steps", type=int, default=500)
    add_engines(made)
    given = made.parse_args()
    table = (row for engine in installed(given.engines) for row in _rows(engine, given.steps))
    return report("shares", table, given.json, duel.DISTRIBUTIONS, load=duel.load)


def _rows(engine: str, steps: int) -> Iterator[Row]:
    spent: Counter[str] = Counter()
    note_wait(f"{engine}: opening the playground, building the programs ...")
    with tempfile.TemporaryDirectory() as place:
        session = Session("playground", backend=engine, progress=False, threads=1)
        _watch(session.model, spent)
        session.tune(TASK, steps=1, checkpoint_every=1, out=f"{place}/first")
        spent.clear()
        note_wait(f"{engine}: {steps} steps ...")
        began = time.process_time()
        session.tune(TASK, steps=steps, checkpoint_every=500, out=f"{place}/run")
        whole = time.process_time() - began
        session.model.close()
    what = f"playground, {engine}: {steps} steps"
    yield Row(f"{what}, in all", round(whole, 2), None, "CPU s", None, "", None)
    beside = whole - spent["tune"]
    for part, seconds, goal in (
        ("waiting for input", spent["input"], INPUT),
        ("scoring", spent["evaluate"], None),
        ("scoring, saving, reporting", beside, BESIDE),
    ):
        share = seconds / whole
        yield Row(
            f"{what}, {part}",
            round(100 * share, 2),
            None,
            "%",
            None,
            f"under {100 * goal:g}" if goal else "",
            share < goal if goal else None,
        )


def _watch(model: Any, spent: Counter[str]) -> None:
    """Counts the seconds that a model takes to tune and score, and to make batches."""
    tune, kind = model.tune, type(model).__name__

    def tuning(requests: Any) -> Iterator[Any]:
        steps = iter(tune(requests))
        while (progress := _timed(lambda: next(steps, None), "tune", spent)()) is not None:
            yield progress

    model.tune = tuning
    model.evaluate = _timed(model.evaluate, "evaluate", spent)
    if kind == "MeshModel":
        from spotfw.backends.mesh.cohort import Member as source

        source.next_batch = _timed(source.next_batch, "input", spent)
    else:
        from spotfw_torch.pool import Pool

        Pool.batch = _timed(Pool.batch, "input", spent)


def _timed(function: Callable[..., Any], name: str, spent: Counter[str]) -> Callable[..., Any]:
    def timed(*given: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return function(*given, **named)
        finally:
            spent[name] += time.process_time() - began  # type: ignore[assignment]

    return timed


if __name__ == "__main__":
    sys.exit(main())
