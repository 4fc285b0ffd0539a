"""A study on a local Ray cluster of two nodes: a node and the driver killed; and what Ray costs.

``python -m benchmarks.ray_study [--json FILE] [--jobs N]``, where Ray is installed beside spotfw.

1. The study runs on local worker processes, and on Ray undisturbed: the same rows, and the CPU
   seconds of both (all processes, sampled from ``/proc``).
2. It runs on Ray again: a node is killed once cells have ended, a new node joins and a worker
   begins on it, the process that runs the study is killed with SIGKILL, and ``study resume`` lets
   it end. The rows must be the same, and no cell's record may be written twice.
3. Jobs that do nothing are put through a pool of each kind.

CPU seconds count; seconds of the clock are those of whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import rows
from benchmarks.engines import need
from benchmarks.rows import Row
from benchmarks.study_kills import differing, end, start, timeless, until_ended
from spotfw.cli.display import note_wait
from spotfw.contracts import Executor, JobEnded, WorkerStart
from spotfw.plugins import default_plugins
from spotfw.testing.executor_jobs import START

DISTRIBUTIONS = ("spotfw", "spotfw-ray", "ray", "tensorflow", "numpy")

#: 126 cells: five sources, three targets, two seeds.
STUDY = """
name = "on_ray"
model = "playground"
sources = ["film_reviews", "food_reviews", "topic_news", "paraphrase_gifts", "sense_common"]
targets = ["hotel_reviews", "book_reviews", "topic_letters"]
seeds = [0, 1]
strategies = ["best_of_top_k", "top_k_weighted_average"]
ks = [1, 2]
oracle = true
[settings]
steps = 20
checkpoint_every = 10
embedding_step = 10
max_eval_examples = 32
"""


class Usage:
    """CPU seconds of this process's descendants, sampled while in the context.

    Ray's own processes are among them, for they are of the cluster that was begun here.
    """

    def __init__(self) -> None:
        self._by_process: dict[_Process, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def seconds(self) -> float:
        return sum(self._by_process.values())

    def __enter__(self) -> Usage:
        self._base = _seconds_of_descendants(set())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        known, last = set(self._base), False
        while not last:
            last = self._done.wait(0.2)  # then looks once more
            for process, seconds in _seconds_of_descendants(known).items():
                self._by_process[process] = seconds - self._base.get(process, 0.0)
                known.add(process)


#: A process's number and when it began, which together name no other.
_Process = tuple[int, int]


def _seconds_of_descendants(known: set[_Process]) -> dict[_Process, float]:
    """User and system seconds; `known` are of ours even where the process between has ended."""
    tick = os.sysconf("SC_CLK_TCK")
    seconds: dict[_Process, float] = {}
    children: dict[int, list[_Process]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            process = int(entry.name), int(fields[19])
            seconds[process] = (int(fields[11]) + int(fields[12])) / tick
            children.setdefault(int(fields[1]), []).append(process)
    ours = known & seconds.keys()
    todo = [os.getpid(), *(number for number, _ in ours)]
    while todo:
        begun = set(children.get(todo.pop(), ())) - ours
        ours |= begun
        todo += [number for number, _ in begun]
    return {process: seconds[process] for process in ours}


class Records:
    """How often each cell's record was written, watched while in the context."""

    def __init__(self, out: Path) -> None:
        self._cells = out / "cells"
        self.written: set[tuple[str, int]] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Records:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._look()

    @property
    def workers(self) -> int:
        """How many processes have begun to tune."""
        return len(list(self._cells.parent.glob("logs/*.log")))

    def _look(self) -> None:
        with contextlib.suppress(OSError):
            for path in self._cells.glob("*.json"):
                with contextlib.suppress(OSError):
                    self.written.add((path.name, path.stat().st_mtime_ns))

    @property
    def cells(self) -> int:
        return len({name for name, _ in self.written})


def disturbed(declared: Path, out: Path, cluster: Any) -> tuple[int, int, list[str]]:
    """Runs the study with a node and the driver killed; (cells, records written, what was said)."""
    doomed = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    executor = ("--executor", f"ray:address={cluster.address}")
    with Records(out) as records:
        driver = start(declared, out, *executor)
        _until(lambda: len(records.written) >= 8 and records.workers >= 2, driver)
        workers, log = records.workers, [f"node killed after {records.cells} cells"]
        cluster.remove_node(doomed, allow_graceful=False)
        joined = cluster.add_node(num_cpus=1)
        # It has begun, and ended a cell or two beside the other.
        _until(lambda: records.workers > workers, driver)
        seen = len(records.written)
        _until(lambda: len(records.written) >= seen + 4, driver)
        driver.kill()
        said = driver.communicate()[1] or ""
        log += [line.strip() for line in said.splitlines() if "tried again" in line]
        log.append(f"driver killed after {records.cells} cells")
        until_ended(start(declared, out, *executor, verb="resume"))
        log.append(f"resumed to the end: {records.cells} cells, {records.workers} workers in all")
        cluster.remove_node(joined)
    return records.cells, len(records.written), log


def _until(true: Any, driver: subprocess.Popen[str]) -> None:
    while not true():
        if driver.poll() is not None:
            raise RuntimeError(f"the study ended early: {(driver.communicate()[1] or '')[-2000:]}")
        time.sleep(0.05)


def no_ops(executor: Executor, jobs: int, folder: Path) -> tuple[float, float]:
    """CPU and wall seconds that jobs which do nothing take through a pool of two workers."""
    folder.mkdir()
    job = {"do": "steps", "steps": []}
    with contextlib.closing(
        executor.open(WorkerStart(START, {"folder": str(folder)}), jobs=2)
    ) as pool:
        for key in ("first", "second"):  # which start a worker each
            pool.submit(key, job)
        ended = 0
        while ended < 2:
            ended += sum(isinstance(event, JobEnded) for event in pool.wait(1.0))
        with Usage() as usage:
            began, own = time.monotonic(), time.process_time()
            left, number = jobs, 0
            while left:
                while pool.idle and number < jobs:
                    pool.submit(str(number), job)
                    number += 1
                left -= sum(isinstance(event, JobEnded) for event in pool.wait(1.0))
            own, wall = time.process_time() - own, time.monotonic() - began
        return usage.seconds + own, wall


def trial(folder: Path, jobs: int, log: list[str]) -> Iterator[Row]:
    """All three parts; what was said of lost workers goes into `log`."""
    from ray.cluster_utils import Cluster

    declared = folder / "on_ray.toml"
    declared.write_text(STUDY)
    note_wait("The study on two local workers ...")
    with Usage() as local:
        end(declared, folder / "local", "--workers", "2")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        node = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        note_wait("The study on Ray ...")
        with Usage() as remote:
            end(declared, folder / "ray", "--executor", f"ray:address={cluster.address}")
        cluster.remove_node(node)
        count = len(timeless(folder / "local"))
        yield rows.difference(
            f"study of {count} rows on Ray, two nodes",
            differing(folder / "local", folder / "ray"),
            "rows as on local workers, times aside",
        )
        cost = remote.seconds / local.seconds
        yield Row("CPU seconds of the study, Ray and local workers", remote.seconds,
                  local.seconds, "s", cost, "", None)  # fmt: skip
        note_wait("The study on Ray, a node and the driver killed ...")
        cells, written, said = disturbed(declared, folder / "killed", cluster)
        log += said
        wrong = differing(folder / "local", folder / "killed")
        if written != cells:
            wrong.append(f"{written - cells} records written twice")
        yield rows.difference(
            f"a node and the driver killed, {cells} cells", wrong, "the same rows, no cell twice"
        )
        cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        note_wait(f"{jobs:,} jobs that do nothing, on Ray and on local workers ...")
        pool = default_plugins().executor(f"ray:address={cluster.address}")
        ours = no_ops(pool, jobs, folder / "ray_jobs")
        theirs = no_ops(default_plugins().executor("processes:workers=2"), jobs, folder / "jobs")
        what = f"{jobs:,} jobs that do nothing, Ray and local workers"
        for kind, own, other in zip(("CPU", "wall"), ours, theirs, strict=True):
            yield Row(f"{kind} seconds of {what}", own, other, "s", own / other, "", None)
    finally:
        cluster.shutdown()


def main() -> int:
    """Runs the benchmark; returns the exit status."""
    parser = rows.parser("ray_study", "A study on Ray, with a node and the driver killed.")
    parser.add_argument("--jobs", type=int, default=10_000, help="that do nothing")
    given = parser.parse_args()
    need("ray")
    need("mesh", "torch")
    with tempfile.TemporaryDirectory() as name:
        log: list[str] = []
        results = trial(Path(name), given.jobs, log)
        return rows.report("ray_study", results, given.json, DISTRIBUTIONS, log=log)


if __name__ == "__main__":
    sys.exit(main())
