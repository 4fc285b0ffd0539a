"""Ranking large libraries, held against bare NumPy.

``python -m benchmarks.ranking [--json FILE] [--vectors 1000000] [--prompts 20000]``

* An index of a million vectors (of prompts [100, 768]), written as `VectorIndex` writes it, is
  searched with both metrics: features of the query, products with all vectors, the first 100.
  Beside it the bare product of one array [N, 768] in memory and a vector. Searches and products
  take turns; told is the median of the ratios.
* A library of 20,000 prompts [10, 64] and one of a quarter: list, rank, add one, verify.
* The per-token cosine of two prompts [100, 768] against other ways to write it.

CPU seconds. Needs about 8 GB of memory and of disk for a million vectors.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import attrs
import numpy as np
import numpy.typing as npt

from benchmarks.rows import Row, parser, report
from spotfw.cli.display import note_wait
from spotfw.contracts import SimilarityMetric
from spotfw.library import Library
from spotfw.library.halves import halved
from spotfw.library.retrieval import search
from spotfw.library.segment import BFLOAT16, FLOAT32, ROW, Segment, write_segment
from spotfw.library.vectors import ROWS, VectorIndex
from spotfw.metrics import mean_unit_token, per_token_cosine
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt

METRICS = ("average_token_cosine", "per_token_cosine")
SHAPE = (100, 768)
KIND = ("f" * 32, "t5-base", *SHAPE)
TOP = 100

Floats = npt.NDArray[np.float32]


def cpu(do: Callable[[], Any]) -> float:
    """CPU seconds that it takes."""
    began = time.process_time()
    do()
    return time.process_time() - began


def median(do: Callable[[], Any], times: int) -> float:
    """The median of its CPU seconds."""
    do()
    return statistics.median(cpu(do) for _ in range(times))


def peak() -> float:
    """The most memory this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def write_vectors(folder: str, count: int, features: str, precision: str) -> None:
    """An index of random vectors, as one is written that is built from files."""
    rng = np.random.default_rng(0)
    for start in range(0, count, ROWS):
        size = min(ROWS, count - start)
        vectors = rng.standard_normal((size, SHAPE[1]), dtype=np.float32) / SHAPE[1] ** 0.5
        rows = np.zeros(size, ROW)
        rows["id"] = rows["embedding"] = np.arange(start, start + size, dtype=np.uint64) + 1
        rows["task"] = rows["id"] % 1000 + 1
        segment = Segment(
            rows=rows,
            others=np.zeros(0, np.uint64),
            kinds=(KIND,),
            width=SHAPE[1],
            precision=precision,
            vectors=halved(vectors) if precision == BFLOAT16 else vectors,
        )
        write_segment(folder, segment, features)


def million(count: int, folder: Path) -> Iterator[Row]:
    """Searching `count` vectors, against the product."""
    plugins = Plugins(entry_points=False)
    query = np.random.default_rng(1).standard_normal(SHAPE).astype(np.float32)
    ids = [f"{number:016x}" for number in range(1, count + 1)]
    bare: Floats | None = None
    for precision, most in ((FLOAT32, 1.2), (BFLOAT16, 0.6)):
        for name in METRICS[: None if precision == FLOAT32 else 1]:
            metric = plugins.metric(name)
            place = folder / f"{precision}-{name}"
            began = peak()
            seconds = cpu(partial(write_vectors, str(place), count, name, precision))
            what = f"{count:,} vectors, {precision}, {name}"
            yield Row(f"{what}: written", seconds, None, "CPU s", None, "", None)
            grown = peak() - began
            if bare is None:
                yield Row(
                    f"{what}: memory while written", grown, None, "MB", None, "<= 500", grown <= 500
                )
            index = VectorIndex(str(place), name, metric.features, precision)
            seconds = cpu(partial(index.refresh, ids, _no_file))
            yield Row(f"{what}: made warm", seconds, None, "CPU s", None, "", None)
            if bare is None:
                bare = np.concatenate([s.vectors for s in index._segments.values()])
            yield _against_bare(what, index, metric, query, bare, most)
            _remove(place)


def _against_bare(
    what: str,
    index: VectorIndex,
    metric: SimilarityMetric,
    query: Floats,
    bare: Floats,
    most: float,
) -> Row:
    vector = metric.features(query).astype(np.float32)

    def ours() -> None:
        search(index, metric.features(query), KIND, TOP, task="of its own")

    def theirs() -> None:
        bare @ vector

    ours(), theirs()
    pairs = [(cpu(ours), cpu(theirs)) for _ in range(15)]
    ratio = statistics.median(a / b for a, b in pairs)
    mine, other = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
    goal = f"<= {most} of the float32 product"
    return Row(f"{what}: first {TOP}", mine, other, "CPU s", ratio, goal, ratio <= most)


def _no_file(id: str) -> None:
    raise AssertionError(f"the file {id} is asked for")


def fill(folder: Path, count: int) -> None:
    """A library of made-up prompts [10, 64], each its own key."""
    rng = np.random.default_rng(0)
    library = Library(folder, indexed=False)
    with _unflushed():
        for number in range(count):
            library.add(SoftPrompt(rng.standard_normal((10, 64)), _origin(number)))


@contextlib.contextmanager
def _unflushed() -> Iterator[None]:
    """Without waiting for the disk at each file; only for what is thrown away."""
    with mock.patch.object(os, "fsync", lambda handle: None):
        yield


def _origin(number: int) -> Provenance:
    """Provenance of the usual size."""
    return Provenance(
        task=f"task_{number // 3}",
        task_digest="ab" * 32,
        family=f"family_{number % 30}",
        labels=("yes", "no"),
        model="t5-base",
        fingerprint="f" * 32,
        seed=number % 3,
        step=30_000,
        score=80.0 + number % 10,
        metrics={"accuracy": 80.0 + number % 10},
        settings={f"setting_{n}": n / 10 for n in range(12)},
        started_from="sampled_vocab",
        versions={"spotfw": "0.2.0", "numpy": "1.26.4", "tensorflow": "2.15.1"},
        created="2026-01-01T00:00:00+00:00",
    )


def of_files(count: int, folder: Path) -> Iterator[Row]:
    """A library of files and one of a quarter: what is done with it, and how that grows."""
    acts: list[dict[str, float]] = []
    for size in (count // 4, count):
        place = folder / str(size)
        fill(place, size)
        note_wait(f"  {size:,} prompts lie there")
        acts.append(dict(_acts(place)))
    smaller, larger = acts
    growth = count / (count // 4)
    for what, seconds in larger.items():
        most = None if what in _UNBOUNDED else 1.0
        yield Row(
            f"{count:,} prompts: {what}",
            seconds,
            smaller[what],
            f"CPU s (theirs: {count // 4:,} prompts)",
            seconds / smaller[what] if smaller[what] else None,
            "linear" if most is None else "a second, linear",
            seconds <= 1.3 * growth * smaller[what] + 0.1 and (most is None or seconds <= most),
        )


_UNBOUNDED = {"first list (reads all)", "first rank (reads all)", "verify"}


def _acts(place: Path) -> Iterator[tuple[str, float]]:
    metric = Plugins(entry_points=False).metric(METRICS[0])
    query = SoftPrompt(np.random.default_rng(5).standard_normal((10, 64)), _origin(-1))
    yield "open", cpu(lambda: Library(place))
    yield "first list (reads all)", cpu(Library(place).entries)
    yield "list", cpu(Library(place).entries)
    yield "first rank (reads all)", cpu(lambda: Library(place).rank(query, metric))
    yield "rank", cpu(lambda: Library(place).rank(query, metric))
    yield f"rank, first {TOP}", cpu(lambda: Library(place).rank(query, metric, top=TOP))
    warm = Library(place)
    time.sleep(4)  # until the folder's time is surely older than its last change
    warm.rank(query, metric, top=TOP)
    yield f"rank, first {TOP}, warm", median(lambda: warm.rank(query, metric, top=TOP), 5)
    added = [SoftPrompt(np.full((10, 64), n + 1.0), _origin(n)) for n in range(20)]
    yield "add one", cpu(lambda: [warm.add(prompt) for prompt in added]) / len(added)
    yield "list after that", cpu(Library(place).entries)
    yield "rank after that", cpu(lambda: Library(place).rank(query, metric))
    yield "verify", cpu(Library(place).verify)


def two_prompts() -> Iterator[Row]:
    """The per-token cosine of two prompts, against other ways to write it."""
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(SHAPE).astype(np.float32) for _ in range(2))
    kept = mean_unit_token(a), mean_unit_token(b)
    seconds = {
        "": median(lambda: per_token_cosine(a, b), 201),
        ", features kept": median(lambda: kept[0] @ kept[1], 2001),
    }
    for ours, spent in seconds.items():
        for theirs, (do, times) in _OTHERS.items():
            other = median(lambda do=do: do(a, b), times)  # type: ignore[misc]
            ratio = spent / other
            goal = "<= 1/20" if theirs == "all pairs at once" else ""
            holds = ratio <= 1 / 20 if goal else None
            what = f"per-token cosine of two prompts{ours} (theirs: {theirs})"
            yield Row(what, spent * 1e6, other * 1e6, "CPU us", ratio, goal, holds)
    for length in (100, 400, 1600):
        c, d = (rng.standard_normal((length, SHAPE[1])).astype(np.float32) for _ in range(2))
        spent = median(lambda c=c, d=d: per_token_cosine(c, d), 31)  # type: ignore[misc]
        each = spent * 1e6 / length
        yield Row(f"per-token cosine, L = {length}", each, None, "CPU us a token", None, "", None)


def _double_loop(a: Floats, b: Floats) -> float:
    norm = np.linalg.norm
    return float(np.mean([[x @ y / (norm(x) * norm(y)) for y in b] for x in a]))


def _all_pairs(a: Floats, b: Floats) -> float:
    norms = np.linalg.norm(a, axis=1)[:, None] * np.linalg.norm(b, axis=1)
    return float(((a[:, None] * b[None]).sum(axis=-1) / norms).mean())


def _matrix_product(a: Floats, b: Floats) -> float:
    x, y = (p / np.linalg.norm(p, axis=1, keepdims=True) for p in (a, b))
    return float((x @ y.T).mean())


_OTHERS: dict[str, tuple[Callable[[Floats, Floats], float], int]] = {
    "double loop": (_double_loop, 5),
    "all pairs at once": (_all_pairs, 15),
    "one matrix product, float32": (_matrix_product, 201),
}


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def main(words: Sequence[str] | None = None) -> int:
    """Measures and prints the table."""
    made: argparse.ArgumentParser = parser("ranking", "Ranking large libraries.")
    made.add_argument("--vectors", type=int, default=1_000_000, help="of the index (1000000)")
    made.add_argument("--prompts", type=int, default=20_000, help="of the library (20000)")
    made.add_argument("--folder", help="where to write what is thrown away (the system's)")
    given = made.parse_args(words)
    return report(
        "ranking",
        map(_with_digits, _rows(given)),
        given.json,
        ("spotfw", "numpy", "scipy", "simsimd"),
        load=os.getloadavg,
        threads=os.environ.get("OPENBLAS_NUM_THREADS"),
    )


def _rows(given: argparse.Namespace) -> Iterator[Row]:
    note_wait("Per-token cosine of two prompts ...")
    yield from two_prompts()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        note_wait(f"Libraries of {given.prompts // 4:,} and {given.prompts:,} prompts ...")
        yield from of_files(given.prompts, Path(folder))
        note_wait(f"An index of {given.vectors:,} vectors ...")
        yield from million(given.vectors, Path(folder))


def _with_digits(row: Row) -> Row:
    return attrs.evolve(row, **{k: _rounded(getattr(row, k)) for k in ("ours", "theirs", "ratio")})


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


if __name__ == "__main__":
    sys.exit(main())
