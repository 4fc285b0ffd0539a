"""A study killed with SIGKILL at random moments and resumed, against one never killed.

``python -m benchmarks.study_kills [--json FILE] [--kills N] [--seed S] [--study STUDY.toml]``

``spotfw study run`` is killed at moments drawn from the time that the undisturbed run took,
all of its processes by the death of the first, and begun again; then it is let end. The rows
of both must be the same apart from times, and so must the similarities.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from benchmarks import rows
from benchmarks.engines import need
from benchmarks.rows import Row
from spotfw import study
from spotfw.cli.display import waiting

DISTRIBUTIONS = ("spotfw", "tensorflow", "mesh-tensorflow", "t5", "numpy")

#: Two sources, a target, every strategy: some minutes.
SMALL = """
name = "killed"
model = "playground"
sources = ["film_reviews", "topic_news"]
targets = ["hotel_reviews"]
seeds = [0]
strategies = ["best_of_top_k", "top_k_weighted_average", "top_k_multitask_mixture"]
ks = [1, 2]
oracle = true
[settings]
steps = 20
checkpoint_every = 10
embedding_step = 10
max_eval_examples = 32
[[generic]]
name = "both"
tasks = ["film_reviews", "topic_news"]
"""


def start(declared: Path, out: Path, *options: str, verb: str = "run") -> subprocess.Popen[str]:
    """A process that begins the study in `out`, or goes on with it."""
    words = ["study", verb, str(declared), "--out", str(out), *options]
    return subprocess.Popen(
        [sys.executable, "-m", "spotfw", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def until_ended(process: subprocess.Popen[str]) -> None:
    """Waits for a process of `start`.

    Raises:
      RuntimeError: it failed.
    """
    _, errors = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the study ended with {process.returncode}: {errors[-2000:]}")


def end(declared: Path, out: Path, *options: str) -> float:
    """Runs the study to its end; returns the seconds it took.

    Raises:
      RuntimeError: it failed.
    """
    began = time.monotonic()
    until_ended(start(declared, out, *options))
    return time.monotonic() - began


def kill(declared: Path, out: Path, *options: str, moment: float) -> bool:
    """Kills a run after `moment` seconds; returns whether it was still running."""
    process = start(declared, out, *options)
    try:
        process.communicate(timeout=moment)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    return False


def differing(first: Path, second: Path) -> list[str]:
    """What of two finished studies is not the same, times aside."""
    differences = []
    mine, theirs = timeless(first), timeless(second)
    if mine != theirs:
        count = sum(a != b for a, b in zip(mine, theirs, strict=False))
        differences.append(f"{count or 'number of'} rows")
    if study.read_similarities(str(first)) != study.read_similarities(str(second)):
        differences.append("similarities")
    return differences


def timeless(folder: Path) -> list[Any]:
    """A study's rows without what differs from run to run."""
    return [
        attrs.evolve(row, wall_seconds=None, cpu_seconds=None, created="")
        for row in study.read_rows(str(folder))
    ]


def trial(declared: Path, folder: Path, kills: int, seed: int, workers: int) -> Iterator[Row]:
    """Runs the study once undisturbed and once killed `kills` times."""
    options = ("--workers", str(workers))
    with waiting("The study, undisturbed ..."):
        whole = end(declared, folder / "undisturbed", *options)
    moments = random.Random(seed)
    hit = 0
    for _ in range(kills):
        # Ten such together are no more than the whole, so that each finds something to kill.
        moment = moments.uniform(0.02, 0.2) * whole
        with waiting(f"The study, killed after {moment:.1f} s ..."):
            hit += kill(declared, folder / "killed", *options, moment=moment)
    with waiting("The study, to its end ..."):
        end(declared, folder / "killed", *options)
    wrong = differing(folder / "undisturbed", folder / "killed")
    if hit < kills:
        wrong.append("fewer kills than asked for")
    yield rows.difference(
        f"study of {len(timeless(folder / 'killed'))} rows killed {hit} of {kills} times",
        wrong,
        "rows as never killed, times aside",
    )


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = rows.parser("study_kills", "A killed and resumed study against one never killed.")
    parser.add_argument("--kills", type=int, default=10, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--study", metavar="STUDY.toml", help="by default a small one")
    given = parser.parse_args()
    need("mesh", "torch")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        declared = Path(given.study) if given.study else folder / "killed.toml"
        if not given.study:
            declared.write_text(SMALL)
        results = trial(declared, folder, given.kills, given.seed, given.workers)
        return rows.report("study_kills", results, given.json, DISTRIBUTIONS, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
