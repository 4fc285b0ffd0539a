"""Tunings killed with SIGKILL at random moments, resumed, and compared bit for bit.

``python -m benchmarks.kills [--json FILE] [--kills N] [--model M] [--task T] [--steps N]``

One run is left alone. Each other one is a real ``spotfw tune`` in a process of its own, which
is killed at a moment drawn from all of its tuning, and again while it resumes; a third
process ends it. What counts as different: any bit of the last prompt, of the optimizer's
state, of the best prompt or the task embedding, and any score.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import numpy as np

from benchmarks import rows
from benchmarks.engines import need
from benchmarks.rows import Row
from spotfw.cli.display import waiting
from spotfw.prompts import load_prompt
from spotfw.recipe.run_folder import RunFolder

DISTRIBUTIONS = ("spotfw", "tensorflow", "mesh-tensorflow", "t5", "numpy")

#: A moment is waited for in steps of this many seconds.
_TICK = 0.005
#: Longer than any start of a process; a run that has not begun by then is an error.
_PATIENCE = 600.0


@attrs.frozen(kw_only=True)
class Trial:
    """What is run, again and again.

    Attributes:
      model, task: names or paths, as ``spotfw tune`` takes them.
      options: further words for ``spotfw tune``.
    """

    model: str
    task: str
    options: Sequence[str]

    def start(self, out: Path) -> subprocess.Popen[str]:
        """A process that begins the run in `out`, or goes on with it."""
        words = ["tune", self.task, "--model", self.model, "--out", str(out), "--resume", "--json"]
        return subprocess.Popen(
            [sys.executable, "-m", "spotfw", *words, *self.options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, out: Path) -> None:
        """Runs to the end.

        Raises:
          RuntimeError: the process failed.
        """
        process = self.start(out)
        _, errors = process.communicate()
        if process.returncode:
            raise RuntimeError(f"spotfw tune ended with {process.returncode}: {errors[-1000:]}")

    def kill(self, out: Path, mark: str, moment: float) -> bool:
        """Kills a run `moment` seconds after a file matching `mark` has appeared in `out`.

        Returns:
          whether it was still running.
        """
        known = set(out.glob(mark))
        process = self.start(out)
        began = time.monotonic()
        while not set(out.glob(mark)) - known and process.poll() is None:
            if time.monotonic() - began > _PATIENCE:
                process.kill()
                raise RuntimeError(f"no {mark} in {out} after {_PATIENCE:.0f} s")
            time.sleep(_TICK)
        until = time.monotonic() + moment
        while time.monotonic() < until and process.poll() is None:
            time.sleep(_TICK)
        process.kill()
        process.communicate()
        return process.returncode == -signal.SIGKILL


def differing(first: Path, second: Path) -> list[str]:
    """What of two finished runs is not the same, bit for bit; the time they took aside."""
    differences = []
    mine, theirs = RunFolder(str(first)).load(), RunFolder(str(second)).load()
    if mine is None or theirs is None:
        return ["a run without a state"]
    (state, history), (other, others) = mine, theirs
    if state.step != other.step or state.prompt.tobytes() != other.prompt.tobytes():
        differences.append("last prompt")
    if {k: v.tobytes() for k, v in state.slots.items()} != {
        k: v.tobytes() for k, v in other.slots.items()
    }:
        differences.append("optimizer state")
    if [(h.step, h.score, h.metrics) for h in history] != [
        (h.step, h.score, h.metrics) for h in others
    ]:
        differences.append("scores")
    for name in ("best", "embedding"):
        a, b = (load_prompt(run / f"{name}.safetensors") for run in (first, second))
        if a.array.tobytes() != b.array.tobytes():
            differences.append(name)
    return differences


def trials(trial: Trial, folder: Path, kills: int, seed: int) -> Iterator[Row]:
    """One row for each kill (every second run is killed twice)."""
    undisturbed = folder / "undisturbed"
    with waiting("A tuning, undisturbed ..."):
        trial.end(undisturbed)
    ended = (undisturbed / "best.safetensors").stat().st_mtime
    seconds = ended - (undisturbed / "run.json").stat().st_mtime
    random = np.random.default_rng(seed)
    done = 0
    while done < kills:
        out = folder / f"killed-{done}"
        moments = random.uniform(0, seconds, size=1 + done % 2)[: kills - done]
        labels = []
        for turn, moment in enumerate(moments):
            # The curves' file appears when a process begins to tune.
            mark = "events.out.tfevents.*" if turn else "run.json"
            with waiting(f"kill {done}: after {moment:.2f} s ..."):
                killed = trial.kill(out, mark, float(moment))
            labels.append(f"{moment:.2f} s, step {_step(out)}{'' if killed else ', had ended'}")
        with waiting(f"kill {done}: to its end ..."):
            trial.end(out)
        wrong = differing(undisturbed, out)
        for text in labels:
            yield rows.difference(f"kill {done}: at {text}", wrong, "as never killed, bit for bit")
            done += 1


def _step(out: Path) -> int:
    """The last step that was kept."""
    loaded = RunFolder(str(out)).load()
    return loaded[0].step if loaded else 0


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = rows.parser("kills", "Killed and resumed tunings against one never killed.")
    parser.add_argument("--kills", type=int, default=10, help="how many")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--model", default="playground", help="name or folder")
    parser.add_argument("--task", default="film_reviews", help="name or TOML file")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--checkpoint-every", type=int, default=20)
    given = parser.parse_args()
    need("mesh", "torch")
    trial = Trial(
        model=given.model,
        task=given.task,
        options=[
            *("--steps", str(given.steps), "--checkpoint-every", str(given.checkpoint_every)),
            *("--embedding-step", str(given.steps // 2), "--max-eval-examples", "64"),
        ],
    )
    with tempfile.TemporaryDirectory() as folder:
        results = trials(trial, Path(folder), given.kills, given.seed)
        return rows.report("kills", results, given.json, DISTRIBUTIONS, seed=given.seed)


if __name__ == "__main__":
    sys.exit(main())
