"""Tunes the study's whole grid with the torch engine, within a time that is given.

    python -m benchmarks.english.gpu_grid --export FOLDER --model FOLDER --out FOLDER \\
        --device cuda --seconds 400

The cells most worth having come first: source prompts of all seeds; then, target by target,
signals of every source prompt before tuning, and the target from scratch and from every
source prompt of its own seed; then decoding of a sample, weighted averages, from scratch with
as many steps as nine candidates have, mixtures, and source prompts of other seeds. How many
steps a tuning has is chosen by the engine's measured rate. Rows are written as they come;
with the same --out it goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.english import stages
from benchmarks.english.cohorts import target_batches
from benchmarks.english.grid import Grid, Limits, open_grid


def main() -> None:
    """Reads the command line and runs the stages."""
    grid = open_grid(_options())
    try:
        run(grid)
    finally:
        grid.out.save()
        grid.say(f"written; {grid.peak_memory():.1f} GiB of the device at most")


def run(grid: Grid) -> None:
    """All stages, in the order of their worth; each leaves off when its time is over.

    A stage that fails is reported and the next one goes on with what there is: time on a device is
    not to end without rows.
    """
    _guarded(grid, stages.tune_sources)
    steps = stages.target_steps(grid)
    for targets in target_batches(grid):
        _guarded(grid, stages.tune_targets, targets, steps)
    _guarded(grid, stages.decode_sample)
    _guarded(grid, stages.tune_averages, steps)
    _guarded(grid, stages.tune_longer, steps)
    _guarded(grid, stages.tune_mixtures, steps)
    _guarded(grid, stages.tune_other_seeds, steps)


def _guarded(grid: Grid, stage: Callable[..., None], *given: Any) -> None:
    try:
        stage(grid, *given)
    except Exception:
        grid.say(f"{stage.__name__} failed\n{traceback.format_exc()}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("export", "model", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, required=True, help="until all is written")
    parser.add_argument("--dtype", default="auto", help="auto, float32, tf32 or bfloat16")
    parser.add_argument("--attention", default="any", help="any or efficient: cuDNN's plans apart")
    for field, kind in Limits.__annotations__.items():
        of = {"int": int, "float": float, "str": str}[kind]
        default = getattr(Limits, field)
        parser.add_argument(f"--{field.replace('_', '-')}", type=of, default=default)
    options = parser.parse_args()
    options.started = time.monotonic()
    options.command = " ".join(sys.argv[1:])
    return options


if __name__ == "__main__":
    main()
