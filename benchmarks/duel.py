"""Engines against each other on the same work, taking turns; and the machine's own rate."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs

from benchmarks import random_t5
from benchmarks.ended import EngineEnded
from benchmarks.engines import add_engines
from benchmarks.rows import Row
from benchmarks.worker import Ids, Work, Worker
from spotfw.backends.mesh.folders.hf_names import T5Dimensions
from spotfw.cli.display import Progress, note

DISTRIBUTIONS = ("tensorflow", "mesh-tensorflow", "torch", "transformers", "peft", "numpy")

ENGINES = ("mesh", "torch", "peft")

SMALL = random_t5.SMALL
BASE = attrs.evolve(
    SMALL, d_model=768, d_ff=2048, num_heads=12, encoder_layers=12, decoder_layers=12
)
ENGLISH = attrs.evolve(
    SMALL, d_model=384, d_kv=32, num_heads=8, encoder_layers=6, decoder_layers=4,
    vocabulary_size=10_112,
)  # fmt: skip
PLAYGROUND = attrs.evolve(
    SMALL, d_model=128, d_ff=256, d_kv=32, num_heads=4, encoder_layers=2, decoder_layers=2,
    vocabulary_size=896,
)  # fmt: skip


@attrs.frozen(kw_only=True)
class Models:
    """Folders of a model with random weights, of each engine's kind; `mesh` where it is asked."""

    hf: str
    mesh: str

    @classmethod
    @contextmanager
    def random(cls, dims: T5Dimensions, engines: Sequence[str] = ENGINES) -> Iterator[Models]:
        """Written to a folder that is gone afterwards."""
        with tempfile.TemporaryDirectory() as place:
            hf, mesh = Path(place, "hf"), Path(place, "mesh")
            random_t5.write_folder(hf, dims, seed=0)
            if "mesh" in engines:
                from spotfw.backends.mesh.folders.convert import hf_to_mesh

                hf_to_mesh(str(hf), str(mesh))
            yield cls(hf=str(hf), mesh=str(mesh))


@attrs.frozen(kw_only=True)
class Contest:
    """One piece of work for several engines.

    Attributes:
      what: it is called.
      dtype, prompt_length, batch_size, inputs, targets: see `Work`.
      call: the worker's method and its argument, if any.
      warm: calls before those that count.
      rounds: calls that count.
      goal: ratio of our better engine to PEFT's, None where none is set.
    """

    what: str
    dtype: str
    prompt_length: int
    batch_size: int
    inputs: list[Ids]
    targets: list[Ids]
    call: tuple[Any, ...] = ("steps", 1)
    warm: int = 1
    rounds: int = 5
    goal: float | None = None


def options(made: ArgumentParser, rounds: int) -> ArgumentParser:
    """A benchmark's parser with what all contests take."""
    made.add_argument("--rounds", type=int, default=rounds, help=f"calls that count ({rounds})")
    add_engines(made, ENGINES)
    made.add_argument("--threads", type=int, default=1, help="of an operation (1)")
    made.add_argument(
        "--peft", metavar="FOLDER", help="where PEFT is, if it is not in the environment"
    )
    return made


def folders(given: Namespace) -> list[str]:
    """Where PEFT may be, beside the environment."""
    return [given.peft] if given.peft else []


def compete(contest: Contest, models: Models, given: Namespace) -> dict[str, dict[str, float]]:
    """By engine, the median ``cpu`` and ``wall`` seconds of a call, and ``peak_mb``.

    An engine that fails is said and left out; the others go on.
    """
    with ExitStack() as stack:
        workers = []
        note(f"{contest.what}: {contest.rounds} rounds of {', '.join(given.engines)}")
        progress = stack.enter_context(_progress(contest, len(given.engines)))
        for number, engine in enumerate(given.engines):
            progress.update(number, now=f"opening {engine}")
            work = Work(
                engine=engine,
                folder=models.mesh if engine == "mesh" else models.hf,
                dtype=contest.dtype,
                threads=given.threads,
                prompt_length=contest.prompt_length,
                batch_size=contest.batch_size,
                inputs=contest.inputs,
                targets=contest.targets,
            )
            try:
                worker = Worker(work, folders(given) if engine == "peft" else ())
            except EngineEnded as error:
                note(f"{contest.what}: without {error}")
                continue
            stack.callback(worker.close)
            workers.append(worker)
        costs: dict[str, list[dict[str, Any]]] = {worker.name: [] for worker in workers}
        done = len(given.engines)
        for turn in range(contest.warm + contest.rounds):
            for worker in [worker for worker in workers if worker.name in costs]:
                progress.update(done, now=worker.name)
                done += 1
                try:
                    cost = worker.ask(*contest.call)
                except EngineEnded as error:
                    note(f"{contest.what}: without {error}")
                    del costs[worker.name]
                    continue
                if turn >= contest.warm:
                    costs[worker.name].append(cost)
    return {
        engine: {
            "cpu": statistics.median(cost["cpu"] for cost in answers),
            "wall": statistics.median(cost["wall"] for cost in answers),
            "peak_mb": answers[-1]["peak_mb"],
        }
        for engine, answers in costs.items()
    }


def _progress(contest: Contest, engines: int) -> Progress:
    """A bar over the openings and calls of a contest."""
    calls = engines * (1 + contest.warm + contest.rounds)
    return Progress(contest.what.partition(":")[0], calls, unit="calls", every=5.0)


def load() -> float:
    """Processes that wanted a processor over the last quarter of an hour, these ones with them."""
    return round(os.getloadavg()[2], 1)


def duel_rows(contest: Contest, costs: Mapping[str, Mapping[str, float]]) -> Iterator[Row]:
    """A row for each of our engines against PEFT's; the goal is the better one's to reach."""
    theirs = costs.get("peft", {}).get("cpu")
    ours = {engine: cost["cpu"] for engine, cost in costs.items() if engine != "peft"}
    better = min(ours.values(), default=None)
    for engine, seconds in ours.items():
        judged = contest.goal is not None and theirs is not None and seconds == better
        yield Row(
            what=f"{contest.what}, {engine}",
            ours=round(seconds, 4),
            theirs=None if theirs is None else round(theirs, 4),
            unit="CPU s",
            ratio=None if theirs is None else round(seconds / theirs, 3),
            goal=f"at most {contest.goal:g} by the better" if contest.goal is not None else "",
            holds=seconds / theirs <= contest.goal if judged and theirs and contest.goal else None,
        )


@attrs.frozen
class Rate:
    """Multiplications and additions of matrix products a CPU second, and whose products."""

    library: str
    operations: float


def matrix_rate(
    dtype: str, positions: int, width: int, inner: int, engines: Sequence[str] = ("torch", "mesh")
) -> Rate:
    """The rate of the faster of PyTorch's and TensorFlow's matrix products, one thread.

    Of those that `engines` name (``torch`` and ``mesh``; PEFT's are PyTorch's).

    Of [positions, width] times [width, inner]: the product that most of a step's are like. They
    differ by more than two where PyTorch's library does not know the processor.
    """
    products = {}
    if {"torch", "peft"} & {*engines}:
        products["PyTorch"] = _torch_product
    if "mesh" in engines:
        products["TensorFlow"] = _tensorflow_product
    operations = 2.0 * positions * width * inner
    rates = [
        Rate(library, operations / _least_seconds(product(dtype, positions, width, inner)))
        for library, product in products.items()
    ]
    return max(rates, key=lambda rate: rate.operations)


def _torch_product(dtype: str, positions: int, width: int, inner: int) -> Callable[[], Any]:
    import torch

    torch.set_num_threads(1)
    kind = getattr(torch, dtype)
    left, right = torch.randn(positions, width).to(kind), torch.randn(inner, width).to(kind)
    return lambda: torch.nn.functional.linear(left, right)


def _tensorflow_product(dtype: str, positions: int, width: int, inner: int) -> Callable[[], Any]:
    import tensorflow as tf

    with suppress(RuntimeError):  # set already, by an earlier case
        tf.config.threading.set_intra_op_parallelism_threads(1)
    left = tf.cast(tf.random.normal([positions, width]), dtype)
    right = tf.cast(tf.random.normal([inner, width]), dtype)
    product = tf.function(lambda a, b: tf.matmul(a, b, transpose_b=True))
    return lambda: product(left, right).numpy()


def _least_seconds(product: Callable[[], Any]) -> float:
    """The least CPU seconds of a product, of several tries of four after a first."""
    seconds = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(4):
            product()
        seconds.append((time.process_time() - began) / 4)
    return min(seconds[1:])
