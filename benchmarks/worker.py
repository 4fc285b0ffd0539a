"""One engine in a process of its own, which does pieces of work when it is asked.

Whoever measures starts a `Worker` for each engine and lets them take turns: a worker waits without
using the processor, so that what disturbs the machine disturbs all of them alike. Engines are
``mesh`` and ``torch``, as `spotfw` runs them, and ``peft``: Hugging Face's T5 with PEFT's prompt
tuning, in `benchmarks.peer`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from benchmarks.ended import EngineEnded, last_line

Ids = list[int]


@attrs.frozen(kw_only=True)
class Work:
    """What is asked of an engine, as plain values.

    Attributes:
      engine: ``mesh``, ``torch`` or ``peft``.
      folder: of the model, of the kind that the engine reads.
      dtype: ``float32`` or ``bfloat16``.
      threads: of an operation.
      prompt_length, batch_size: of a step.
      inputs, targets: token ids of the examples, each with its end id.
      decoded: most tokens to decode of an input.
      members: prompts tuned together; peft's has one.
    """

    engine: str
    folder: str
    dtype: str
    threads: int
    prompt_length: int
    batch_size: int
    inputs: list[Ids]
    targets: list[Ids]
    decoded: int = 4
    members: int = 1


class Engine(Protocol):
    """What a worker does its work with."""

    def steps(self, count: int) -> None:
        """So many updates of a prompt, on batches from the first on."""
        ...

    def score(self) -> None:
        """Decodes for every input."""
        ...


class Spotfw:
    """An engine of spotfw, through the contract that commands use.

    Args:
      work: what is asked of it.
      model: opened for another work on it, by default opened now.
    """

    def __init__(self, work: Work, model: Any = None) -> None:
        from spotfw.config import TuningSettings
        from spotfw.tasks import Task
        from spotfw.tasks.example import Example

        self._work = work
        self._model = model or opened(work)
        rows = zip(work.inputs, work.targets, strict=True)
        examples = [Example(inputs="-", targets="-") for _ in rows]
        self._task = Task(
            name="measured",
            family="none",
            type="generation",
            splits={"train": len(examples), "validation": len(examples)},
            examples=lambda split: examples,
            score=lambda chosen, texts: {"accuracy": 0.0},
            content=lambda: {"rows": str(len(examples))},
        )
        self._settings = TuningSettings(
            batch_size=work.batch_size,
            prompt_length=work.prompt_length,
            dropout=0.0,
            max_input_length=512,
            max_target_length=max(work.decoded, *map(len, work.targets)),
            eval_batch_size=64,
        )
        random = np.random.RandomState(0)
        shape = (work.prompt_length, self._model.width)
        self._prompt = random.standard_normal(shape).astype(np.float32)
        splits = self._model.splits
        self._model.splits = _Given(getattr(splits, "made", splits), work)
        measured = self._model.splits.examples(self._task, "train", self._settings)
        assert [len(ids) for ids in measured.inputs] == [len(ids) for ids in work.inputs]

    def steps(self, count: int) -> None:
        """See `Engine.steps`."""
        from spotfw.contracts import TuneRequest, TuningState

        settings = attrs.evolve(self._settings, steps=count, checkpoint_every=count)
        start = TuningState(step=0, prompt=self._prompt)
        requests = [
            TuneRequest(task=self._task, settings=attrs.evolve(settings, seed=seed), start=start)
            for seed in range(self._work.members)
        ]
        for progress in self._model.tune(requests):
            if progress.error is not None:
                raise progress.error

    def score(self) -> None:
        """See `Engine.score`."""
        settings = attrs.evolve(self._settings, max_target_length=self._work.decoded)
        self._model.evaluate([self._prompt], self._task, "validation", settings)


class _Given:
    """An engine's splits, whose every row has the tokens of the work in place of its text's."""

    def __init__(self, splits: Any, work: Work) -> None:
        self.made, self._work = splits, work

    def examples(self, task: Any, split: str, settings: Any) -> Any:
        from spotfw.tasks.tokens import Ragged

        made = self.made.examples(task, split, settings)
        return attrs.evolve(
            made, inputs=Ragged.of(self._work.inputs), targets=Ragged.of(self._work.targets)
        )

    def training(self, task: Any, settings: Any) -> Any:
        made = self.made.training(task, settings)
        return attrs.evolve(made, members=[self.examples(task, "train", settings)])


def opened(work: Work) -> Any:
    """The model of a work, by spotfw's engine that it names."""
    options: dict[str, Any] = {"threads": work.threads}
    if work.engine == "mesh":
        if work.members > 1:
            options["cohort"] = work.members
        from spotfw.plugins.builtin.backends import MeshBackend

        return MeshBackend().open(work.folder, activations=work.dtype, **options)
    if work.members > 1:
        options["members"] = work.members
    from spotfw_torch.plugin import TorchBackend

    return TorchBackend().open(work.folder, device="cpu", dtype=work.dtype, **options)


def engine_of(work: Work) -> Engine:
    """The engine that a work asks for, opened."""
    if work.engine == "peft":
        from benchmarks.peer import Peft

        return Peft(work)
    return Spotfw(work)


def cpu_seconds() -> float:
    """User and system time of this process until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _peak_mb() -> float:
    """The most memory of this process until now; `getrusage` begins with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def serve() -> None:
    """Reads a `Work` as a line of JSON and does what the lines after it ask; see `Worker`."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints comes between
    before = cpu_seconds()
    engine = engine_of(Work(**json.loads(sys.stdin.readline())))
    asked, arguments = "open", []
    while True:
        cost = {"cpu": cpu_seconds() - before, "asked": asked}
        print(json.dumps({**cost, "peak_mb": _peak_mb()}), file=out, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        asked, *arguments = line.split()
        before = cpu_seconds()
        getattr(engine, asked)(*map(int, arguments))


class Worker:
    """An engine in a child process.

    Args:
      work: what it opens.
      path: folders of packages that only this engine needs.
    """

    def __init__(self, work: Work, path: Sequence[str] = ()) -> None:
        count = str(work.threads)
        before = os.environ.get("PYTHONPATH")
        search = os.pathsep.join([*([before] if before else []), *path])
        names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        environment = {**os.environ, **dict.fromkeys(names, count), "PYTHONPATH": search}
        self.name = work.engine
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - the process writes to it
        self._child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", "from benchmarks.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if os.environ.get("BENCH_DEBUG") else self._said,
            text=True,
            env=environment,
        )
        self.opened = self._answer(json.dumps(attrs.asdict(work)))

    def ask(self, what: str, *arguments: int) -> dict[str, Any]:
        """What a call cost: ``cpu`` seconds, ``wall`` seconds, ``peak_mb`` of the process."""
        return self._answer(" ".join([what, *map(str, arguments)]))

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):
            self._child.communicate()
        self._said.close()

    def _answer(self, line: str) -> dict[str, Any]:
        assert self._child.stdin is not None and self._child.stdout is not None
        began = time.monotonic()
        answer = ""
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(f"{line}\n")
            self._child.stdin.flush()
            answer = self._child.stdout.readline()
        if not answer:
            self._said.seek(0)
            said = last_line(self._said.read().decode(errors="replace"))
            more = "; BENCH_DEBUG=1 shows all that it says."
            raise EngineEnded(f"the engine {self.name}, which ended: {said}{more}")
        return {**json.loads(answer), "wall": time.monotonic() - began}


def random_rows(
    count: int, length: int, targets: int, vocabulary: int
) -> tuple[list[Ids], list[Ids]]:
    """Examples of one length each, random ids and the end id: inputs and targets."""
    random = np.random.RandomState(1)

    def rows(size: int) -> Iterator[Ids]:
        for _ in range(count):
            ids: npt.NDArray[np.int64] = random.randint(3, vocabulary, size)
            yield [*ids[:-1].tolist(), 1]

    return list(rows(length)), list(rows(targets))


def first_step(engine: str, folder: str) -> None:
    """Prints what opening and the first step of T5 Small's dimensions cost, as JSON."""
    inputs, targets = random_rows(16, 64, 4, 32_000)
    begun = cpu_seconds()
    opened = engine_of(
        Work(
            engine=engine,
            folder=folder,
            dtype="float32",
            threads=1,
            prompt_length=100,
            batch_size=16,
            inputs=inputs,
            targets=targets,
        )
    )
    ready = cpu_seconds()
    opened.steps(1)
    first = cpu_seconds()
    opened.steps(1)
    # What building and compiling cost is the first step's time beyond a later one's.
    later = cpu_seconds() - first
    print(json.dumps({"open": ready - begun, "first": first - ready, "later": later}))
