"""Executors: they do jobs on workers and report how far these are; a study's cells are jobs.

Jobs, results and what a worker is started with are plain values: what JSON holds (dicts with
text keys, lists, texts, numbers, booleans, None) and NumPy arrays. So they can cross to another
process or machine without code of their own. A worker is started once and kept: what it opened
for a job (a frozen model) is at hand for the next.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Protocol, runtime_checkable

import attrs

from spotfw.errors import SpotError

#: Called by a job with the steps done since its last report, and what they were done on.
ReportProgress = Callable[[int, str], None]
#: Does a job, which it is given with a way to report progress, and returns the result.
Work = Callable[[Any, ReportProgress], Any]
#: Called once in each worker before its first job; returns what does the worker's jobs.
StartWorker = Callable[[], Work]

#: The environment variable that tells a worker its number, from 0, among those beside it on one
#: machine: an engine gives each its own device by it.
WORKER_NUMBER = "SPOTFW_WORKER"

#: Characters of an error that go into rows and onto pages; the trace has it whole.
_LONGEST_ERROR = 2000


@attrs.frozen
class WorkerStart:
    """A `StartWorker` made of plain values, which can be sent to any process.

    Attributes:
      function: ``package.module:function``, in a module that workers can import.
      arguments: the function's keyword arguments, plain values.
    """

    function: str
    arguments: Mapping[str, Any] = attrs.field(factory=dict)

    def __call__(self) -> Work:
        """Imports the function and calls it; returns the `Work` that it gives."""
        module, _, name = self.function.partition(":")
        work: Work = getattr(importlib.import_module(module), name)(**self.arguments)
        return work


@attrs.frozen
class JobProgress:
    """A job has advanced.

    Attributes:
      key: the job's.
      steps: done since the job's last report.
      what: what they were done on, e.g. a task's name.
    """

    key: str
    steps: int
    what: str


@attrs.frozen
class JobEnded:
    """A job has ended: with a result, or with an error.

    Attributes:
      key: the job's.
      result: a plain value; None where there is an error.
      error: one line, None where the job ended well.
      trace: the traceback of the error, where one was raised.
      lost: whether the worker died during the job, so that the same job may end well elsewhere.
    """

    key: str
    result: Any = None
    error: str | None = None
    trace: str = ""
    lost: bool = False

    @classmethod
    def from_exception(cls, key: str, error: Exception) -> JobEnded:
        """The end of a job that raised; what is no `SpotError` is named by its class."""
        text = " ".join(str(error).split())
        if not isinstance(error, SpotError):
            text = f"{type(error).__name__}: {text}"
        if len(text) > _LONGEST_ERROR:  # TensorFlow's errors go on for pages
            text = f"{text[:_LONGEST_ERROR]} ..."
        return cls(key, error=text, trace="".join(traceback.format_exception(error)))


JobEvent = JobProgress | JobEnded


class Worker:
    """What a worker of any executor does with its jobs, one after the other.

    Args:
      start: called at the first job. If it raises, the job ends with that error, and the next
        job calls it again.
    """

    def __init__(self, start: StartWorker) -> None:
        self._start = start
        self._work: Work | None = None

    def do(self, key: str, job: Any, report: Callable[[JobProgress], None]) -> JobEnded:
        """Does a job to its end, well or not; `report` is called as it advances."""
        try:
            if self._work is None:
                self._work = self._start()
            result = self._work(job, lambda steps, what: report(JobProgress(key, steps, what)))
        except Exception as error:
            return JobEnded.from_exception(key, error)
        return JobEnded(key, result)


class JobPool(Protocol):
    """Started workers. Used by one thread of the process that opened it.

    No job is done twice: an executor that loses a job's worker says so, and whoever submitted
    the job decides whether to submit it again.
    """

    @property
    def idle(self) -> int:
        """How many more jobs it takes now."""
        ...

    def submit(self, key: str, job: Any) -> None:
        """Begins a job; only called while `idle` is above 0.

        Args:
          key: names the job's events; no other running job has it.
          job: a plain value.

        Raises:
          SpotError: no worker is available any more.
        """
        ...

    def wait(self, seconds: float) -> list[JobEvent]:
        """What has happened since the last call, in order.

        Returns as soon as there is an event, or without any after some seconds (where jobs are
        done in this process: when a job has ended).

        Raises:
          SpotError: what runs the jobs cannot be reached, so that they would never end.
        """
        ...

    def close(self) -> None:
        """Ends all workers, busy ones too, and returns when they have ended.

        What a job writes is whole or absent, so that it may be ended at any moment. A second
        call does nothing.
        """
        ...


@runtime_checkable
class Executor(Protocol):
    """Gives pools of workers.

    Attributes:
      name: what users ask for it by.
      isolated: whether workers are processes of their own, on this machine or another. Then a
        worker that dies takes only its job with it, and `start` and jobs must be plain values
        (`WorkerStart`). If not, jobs are done in the process that opened the pool.
    """

    @property
    def name(self) -> str: ...

    @property
    def isolated(self) -> bool: ...

    def open(
        self,
        start: StartWorker,
        *,
        jobs: int,
        resources: Mapping[str, float] | None = None,
    ) -> JobPool:
        """Opens a pool of at least one worker.

        Args:
          start: called once in each worker, before its first job.
          jobs: the most that will run at the same time; more workers are of no use.
          resources: what each worker needs for itself, by label: ``cpus``, ``gpus``,
            ``memory`` (bytes), or labels of the executor's own.

        Raises:
          SpotError: workers are not available, or a resource cannot be reserved.
        """
        ...
