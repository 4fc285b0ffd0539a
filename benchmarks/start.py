"""What starting costs: commands as users type them, and an engine's first step.

``python -m benchmarks.start [--json FILE] [--rounds 5] [--engines mesh torch]``

Processor seconds (user and system) of a whole process, the median of `--rounds`, the commands
taking turns. A step is the first after opening a T5 of 1.1 Small's dimensions, whose graph, where
there is one, is built and compiled for it; opening is a row of its own. Each is a process of its
own, with one thread.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.ended import EngineEnded, last_line
from benchmarks.engines import add_engines, installed
from benchmarks.rows import Row, parser, report
from spotfw.cli.display import Progress, note, note_wait

#: Command -> its goal in processor seconds.
COMMANDS: Mapping[str, float] = {
    "--help": 0.3,
    "tasks list": 0.6,
    "tasks show film_reviews --examples 2": 1.0,
}
PREDICT, FIRST_STEP = 3.0, 3.0

#: Opens a model, does one update, and tells what both cost; see `benchmarks.worker`.
_FIRST = "from benchmarks.worker import first_step; first_step(*__import__('sys').argv[1:])"


def main() -> int:
    """Runs the benchmark."""
    made = parser("start", "Processor seconds of commands, and of an engine's first step.")
    made.add_argument("--rounds", type=int, default=5)
    add_engines(made)
    given = made.parse_args()
    engines = installed(given.engines, least=0)
    distributions = ("tensorflow", "mesh-tensorflow", "torch", "click")
    rows = _measured(engines, given.rounds)
    return report("start", rows, given.json, distributions, rounds=given.rounds)


def _measured(engines: Sequence[str], rounds: int) -> Iterator[Row]:
    """The rows of the commands, then those of first steps, which take longer."""
    with tempfile.TemporaryDirectory() as place:
        prompt = _playground_prompt(Path(place))
        commands = {name: name.split() for name in COMMANDS}
        for engine in engines:
            words = ["predict", str(prompt), "--model", "playground", "--backend", engine]
            commands[f"predict of one line on the playground, {engine}"] = words
        seconds = _in_turns(commands, rounds)
        goals = {**COMMANDS, **{name: PREDICT for name in commands if name.startswith("predict")}}
        yield from (_row(f"spotfw {name}", spent, goals[name]) for name, spent in seconds.items())
        note_wait("Writing a model of random weights ...")
        folders = _small(Path(place), engines)
        for engine, costs in _first_steps(folders, rounds).items():
            opened = [cost["open"] for cost in costs]
            yield _row(f"opening T5 Small's dimensions, {engine}", opened, None)
            steps = [cost["first"] for cost in costs]
            yield _row(f"first step after opening, {engine}", steps, FIRST_STEP)


def _in_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[float]]:
    """Processor seconds of each command, but of those that fail, which is said."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    with Progress("commands", len(commands) * (rounds + 1), unit="commands", every=5.0) as progress:
        for turn in range(rounds + 1):
            for number, name in enumerate(commands):
                if name not in seconds:
                    continue
                progress.update(turn * len(commands) + number, now=name)
                try:
                    taken = _seconds([sys.executable, "-m", "spotfw", *commands[name]])
                except EngineEnded as error:
                    note(f"Without the row of {error}")
                    del seconds[name]
                    continue
                if turn:  # the first reads files that the others then have in memory
                    seconds[name].append(taken)
    return seconds


def _first_steps(folders: Mapping[str, str], rounds: int) -> dict[str, list[dict[str, float]]]:
    """What opening and a first step cost by each engine, but by those that fail."""
    first: dict[str, list[dict[str, float]]] = {engine: [] for engine in folders}
    with Progress("first steps", len(folders) * rounds, unit="processes", every=5.0) as progress:
        for turn in range(rounds):
            for number, engine in enumerate(folders):
                if engine not in first:
                    continue
                progress.update(turn * len(folders) + number, now=engine)
                try:
                    first[engine].append(_first_step(engine, folders[engine]))
                except EngineEnded as error:
                    note(f"Without the first step of {error}")
                    del first[engine]
    return first


def _row(what: str, seconds: Sequence[float], goal: float | None) -> Row:
    median = statistics.median(seconds)
    return Row(
        what=what,
        ours=round(median, 2),
        theirs=None,
        unit="CPU s",
        ratio=None if goal is None else round(median / goal, 2),
        goal="" if goal is None else f"at most {goal:g}",
        holds=None if goal is None else median <= goal,
    )


def _seconds(command: Sequence[str]) -> float:
    """Processor seconds of a command that is given one line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=b"the film was lovely\n", capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        words = " ".join(command[command.index("spotfw") :])
        raise EngineEnded(f"{words}, which failed: {last_line(done.stderr.decode())}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _playground_prompt(place: Path) -> Path:
    """A prompt of random values for the playground's model."""
    from spotfw_playground.bundled import PACKED

    width = json.loads((PACKED / "config.json").read_text())["d_model"]
    file = place / "prompt.npy"
    np.save(file, np.random.RandomState(0).standard_normal((20, width)).astype(np.float32))
    return file


def _small(place: Path, engines: Sequence[str]) -> dict[str, str]:
    """A random T5 1.1 Small for each engine, by the engine's name."""
    from benchmarks import random_t5

    folders = {"torch": str(place / "hf"), "mesh": str(place / "mesh")}
    random_t5.write_folder(place / "hf", random_t5.SMALL, seed=0)
    if "mesh" in engines:
        from spotfw.backends.mesh.folders.convert import hf_to_mesh

        hf_to_mesh(folders["torch"], folders["mesh"])
    return {engine: folders[engine] for engine in engines}


def _first_step(engine: str, folder: str) -> dict[str, float]:
    threads = {"OMP_NUM_THREADS": "1", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
    command = [sys.executable, "-c", _FIRST, engine, folder]
    done = subprocess.run(command, capture_output=True, env={**os.environ, **threads})
    if done.returncode:
        raise EngineEnded(f"{engine}, which failed: {last_line(done.stderr.decode())}")
    costs: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return costs


if __name__ == "__main__":
    sys.exit(main())
