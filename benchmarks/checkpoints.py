"""Scoring the checkpoints of a prompt: ours, and t5's own `MtfModel.eval` of the same.

``python -m benchmarks.checkpoints [--json FILE] [--checkpoints 100] [--theirs 5 10]``

A prompt of the playground is tuned with a checkpoint every second step. Ours is a process that
opens the model, reads the prompts' files and scores them with one call. Theirs is a process that
calls `MtfModel.eval` with the steps of checkpoints that t5 can read: all weights, with the prompt
among them (`benchmarks.t5_eval`). Both decode the same validation rows greedily with the same
model and prompt, and give their accuracy; scores are compared. All that a process does counts,
imports too. Writing the checkpoints does not, though one of t5's is some thousand times larger.

t5 builds its graph and opens its session anew for every checkpoint, which takes seconds each. With
``--theirs 5 10`` two calls are timed, and what all checkpoints take follows from the line through
them; with ``--theirs 100`` all of them are. One thread, processor and wall-clock seconds.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np

from benchmarks import duel
from benchmarks.ended import EngineEnded, last_line
from benchmarks.engines import add_engines, installed, need
from benchmarks.rows import Row, parser, report
from benchmarks.t5_eval import PROMPT, STEP
from spotfw import Session
from spotfw.cli.display import note, note_wait
from spotfw.prompts import load_prompt

TASK, SPLIT, MODEL = "film_reviews", "validation", "playground"
#: Updates from checkpoint to checkpoint.
EVERY = 2
#: Of t5's time.
GOAL = 0.1

_OURS = "from benchmarks.checkpoints import ours; ours(*__import__('sys').argv[1:])"


@attrs.frozen
class Cost:
    """What a process took, and the score of each step that it gave."""

    cpu: float
    wall: float
    scores: Mapping[str, float]


def main() -> int:
    """Runs the benchmark."""
    made = parser("checkpoints", "Scoring checkpoints of a prompt, against t5's MtfModel.eval.")
    made.add_argument("--checkpoints", type=int, default=100)
    made.add_argument("--theirs", type=int, nargs="+", default=[5, 10], metavar="COUNT")
    made.add_argument("--batch", type=int, default=125, help="rows that t5 decodes at once (125)")
    add_engines(made)
    given = made.parse_args()
    need("mesh")  # for t5's side, whatever engine is compared with it
    given.engines = installed(given.engines)
    more = {"load": duel.load, "theirs": how_known([*given.theirs], given.checkpoints)}
    rows = _rows(given)
    return report("checkpoints", rows, given.json, ("t5", *duel.DISTRIBUTIONS), **more)


def _rows(given: Namespace) -> Iterator[Row]:
    """The rows, once all processes have ended; then what each took has been said."""
    with tempfile.TemporaryDirectory() as place:
        steps = [EVERY * number for number in range(1, given.checkpoints + 1)]
        rows, length = _prepared(Path(place), steps, max(given.theirs))
        prompts = f"{place}/run/checkpoints"
        spent: dict[str, Cost] = {}
        for engine in given.engines:
            try:
                spent[engine] = _timed(engine, ["-c", _OURS, engine, prompts])
            except EngineEnded as error:
                note(f"Without rows of {error}")
        theirs: dict[int, Cost] = {}
        for count in sorted({*given.theirs}):
            words = ["-m", "benchmarks.t5_eval", f"{place}/t5", f"{place}/rows.jsonl"]
            words += map(str, [length, given.batch, *steps[:count]])
            theirs[count] = _timed(f"t5, {count} checkpoints", words)
            what = f"t5, {count} checkpoints"
            yield Row(what, None, round(theirs[count].cpu, 2), "CPU s", None, "", None)
            shutil.rmtree(f"{place}/t5/eval")
    what = f"{given.checkpoints} checkpoints of a prompt, {rows} rows"
    whole, how = whole_cost(theirs, given.checkpoints)
    better = min((cost.cpu for cost in spent.values()), default=None)
    for of in ("cpu", "wall"):
        for engine, cost in spent.items():
            yield _row(f"{what}, {engine}{how}", cost, whole, judged=cost.cpu == better, of=of)
    for engine, cost in spent.items():
        yield _apart(engine, cost, theirs[max(theirs)])
    yield Row("tokens of the prompt", length, None, "tokens", None, "", None)


def ours(engine: str, folder: str) -> None:
    """Scores all prompts in a folder; prints the scores by step, as JSON."""
    session = Session(MODEL, backend=engine, progress=False, threads=1)
    files = sorted(Path(folder).glob("step-*.safetensors"))
    steps = [str(int(file.stem.removeprefix("step-"))) for file in files]
    evaluations = session.evaluate_all(list(map(str, files)), TASK, SPLIT)
    print(json.dumps({step: e.score for step, e in zip(steps, evaluations, strict=True)}))


def _prepared(place: Path, steps: Sequence[int], count: int) -> tuple[int, int]:
    """Tunes a prompt; writes t5's checkpoints of the first so many, and the rows.

    Returns:
      rows of the split, and tokens of the prompt.
    """
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint, write_checkpoint

    note_wait(f"Tuning a prompt with {len(steps)} checkpoints ...")
    session = Session(MODEL, backend="mesh", progress=False, threads=1)
    # What it is scored on meanwhile is of no interest.
    few = {"checkpoint_every": EVERY, "max_eval_examples": 16}
    session.tune(TASK, steps=steps[-1], out=f"{place}/run", **few)
    model = Path(session.model.name)
    session.close()
    (place / "t5").mkdir()
    for name in ("operative_config.gin", "spiece.model"):
        shutil.copy(model / name, place / "t5" / name)
    checkpoint = Checkpoint(str(model))
    weights = {name: checkpoint.read(name) for name in checkpoint.variables}
    for step in steps[:count]:
        prompt = load_prompt(f"{place}/run/checkpoints/step-{step:06d}.safetensors").array
        added = {PROMPT: prompt, STEP: np.array(step, np.int64)}
        write_checkpoint(f"{place}/t5", step, (weights | added).items())
    task: Any = session.task(TASK)
    examples = list(task.examples(SPLIT))
    lines = [json.dumps({"inputs": e.inputs, "targets": e.targets}) for e in examples]
    (place / "rows.jsonl").write_text("\n".join(lines) + "\n")
    return len(examples), len(prompt)


def _timed(what: str, words: Sequence[str]) -> Cost:
    """A process of Python whose last line are its scores."""
    note_wait(f"Scoring by {what} ...")
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = {**os.environ, **dict.fromkeys(names, "1")}
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-W", "ignore", *words]
    done = subprocess.run(command, capture_output=True, env=environment, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise EngineEnded(f"{what}, which failed: {last_line(done.stderr)}")
    cost = Cost(
        cpu=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        wall=time.monotonic() - began,
        scores=json.loads(done.stdout.splitlines()[-1]),
    )
    note(f"{what}: {cost.cpu:.1f} CPU s")
    return cost


def how_known(counts: Sequence[int], checkpoints: int) -> str:
    """How t5's cost of all checkpoints is known from those of so many.

    Raises:
      SystemExit: it is not.
    """
    nothing = Cost(cpu=0.0, wall=0.0, scores={})
    _, how = whole_cost({count: nothing for count in counts}, checkpoints)
    return f"not all measured{how}" if how else "measured"


def whole_cost(theirs: Mapping[int, Cost], count: int) -> tuple[Cost, str]:
    """t5's cost of so many checkpoints; and how it is known, where it was not measured."""
    if count in theirs:
        return theirs[count], ""
    few, many = min(theirs), max(theirs)
    if few == many:
        raise SystemExit(f"Name two counts of t5's, or {count}.")

    def line(of: str) -> float:
        first, last = (float(getattr(theirs[n], of)) for n in (few, many))
        return last + (last - first) / (many - few) * (count - many)

    cost = Cost(cpu=line("cpu"), wall=line("wall"), scores=theirs[many].scores)
    return cost, f" (t5's by the line through {few} and {many})"


def _row(what: str, cost: Cost, whole: Cost, *, judged: bool, of: str) -> Row:
    mine, other = float(getattr(cost, of)), float(getattr(whole, of))
    judged = judged and of == "cpu"
    return Row(
        what=what,
        ours=round(mine, 2),
        theirs=round(other, 2),
        unit="CPU s" if of == "cpu" else "s of the clock",
        ratio=round(mine / other, 4),
        goal=f"at most {GOAL:g} by the better" if of == "cpu" else "",
        holds=mine / other <= GOAL if judged else None,
    )


def _apart(engine: str, cost: Cost, theirs: Cost) -> Row:
    """By how much a score differs at most, of the checkpoints that both scored."""
    most = max(abs(cost.scores[step] - score) for step, score in theirs.scores.items())
    return Row(
        what=f"largest difference of a score, {len(theirs.scores)} checkpoints, {engine}",
        ours=round(most, 4),
        theirs=None,
        unit="points",
        ratio=None,
        goal="0",
        holds=most < 1e-3,
    )


if __name__ == "__main__":
    sys.exit(main())
