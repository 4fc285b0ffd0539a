"""Jobs that the suite of executors gives to workers; they leave their traces as files."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from spotfw.contracts.jobs import ReportProgress, Work
from spotfw.errors import SpotError

#: What `start` is called by, in a `spotfw.contracts.WorkerStart`.
START = f"{__name__}:start"
#: Seconds between two signs of life of a worker.
BEAT = 0.1


def start(folder: str, patience: float = 60.0, fail: bool = False, beat: bool = False) -> Work:
    """Begins a worker, which leaves a file ``start-*`` in the folder.

    Args:
      folder: where traces go.
      patience: seconds that a job waits for others before it gives up.
      fail: raise instead.
      beat: let a file ``beat-*`` grow for as long as the worker's process lives.
    """
    if fail:
        raise SpotError("This worker cannot start.")
    worker = uuid.uuid4().hex
    place = Path(folder)
    (place / f"start-{worker}").touch()
    if beat:
        (place / f"beat-{worker}").write_text(".")  # here, so that a worker that starts has one
        threading.Thread(target=_beat, args=(place / f"beat-{worker}",), daemon=True).start()

    def work(job: Mapping[str, Any], report: ReportProgress) -> Any:
        return JOBS[job["do"]](place, {"patience": patience, **job}, report)

    return work


def echo(place: Path, job: Mapping[str, Any], report: ReportProgress) -> Any:
    """Gives back a value, and notes that it was done."""
    with (place / "done").open("a") as stream:
        stream.write(f"{job['name']}\n")
    return job["value"]


def fail(place: Path, job: Mapping[str, Any], report: ReportProgress) -> Any:
    """Raises."""
    raise ValueError("this job fails")


def steps(place: Path, job: Mapping[str, Any], report: ReportProgress) -> Any:
    """Reports progress."""
    for count, what in job["steps"]:
        report(count, what)
    return None


def meet(place: Path, job: Mapping[str, Any], report: ReportProgress) -> Any:
    """Reports a step, leaves a file and waits for others; says whether they came."""
    report(1, "waiting")
    (place / job["leave"]).touch()
    end = time.monotonic() + job["patience"]
    while not all((place / name).exists() for name in job["await"]):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def die(place: Path, job: Mapping[str, Any], report: ReportProgress) -> Any:
    """Ends the worker's process as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


JOBS: dict[str, Callable[[Path, Mapping[str, Any], ReportProgress], Any]] = {
    "echo": echo,
    "fail": fail,
    "steps": steps,
    "meet": meet,
    "die": die,
}


def beats(place: Path) -> dict[str, int]:
    """How long the file of each worker's signs of life is now."""
    return {file.name: file.stat().st_size for file in place.glob("beat-*")}


def still_beating(place: Path, before: Mapping[str, int], seconds: float) -> set[str]:
    """Files that grow within so many seconds; once all of them have, no longer is waited."""
    alive: set[str] = set()
    end = time.monotonic() + seconds
    while len(alive) < len(before) and time.monotonic() < end:
        time.sleep(BEAT)
        alive |= {file for file, size in beats(place).items() if before.get(file) != size}
    return alive


def _beat(file: Path) -> None:
    while True:
        with file.open("a") as stream:
            stream.write(".")
        time.sleep(BEAT)
