"""Event files for TensorBoard beside each run."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from spotfw.contracts import Array, TuneProgress, WeightProgress

_log = logging.getLogger(__name__)


class Events:
    """Writes scalars of a run; a context manager.

    The curves are a view of the run, not part of it: when they cannot be written, a warning
    says so once and the run goes on without. Nothing is written from another thread, so that
    an error ends up here.

    Args:
      folder: the run's folder, local or ``gs://``.
      step: where the run goes on; TensorBoard drops what an earlier, killed process wrote
        beyond it.
    """

    def __init__(self, folder: str, step: int) -> None:
        self._folder = folder
        self._first = step + 1
        self._stream: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> Events:
        from etils import epath
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog

        # TensorBoard reads a folder's files in the order of their names.
        stamp = f"{time.time():017.6f}.{socket.gethostname()}.{os.getpid()}"
        path = epath.Path(self._folder) / f"events.out.tfevents.{stamp}"
        try:
            self._stream = path.open("wb")
        except Exception as error:
            self._give_up(error)
        self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))
        start = SessionLog(status=SessionLog.START)
        self._add(Event(wall_time=time.time(), step=self._first, session_log=start))
        self._flush()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            try:
                self._stream.close()
            except Exception as error:
                self._give_up(error)

    def progress(self, progress: TuneProgress | WeightProgress, learning_rate: float) -> None:
        """Loss, rate and speed since the last report."""
        now = time.monotonic()
        passed = max(now - self._last, 1e-9)
        self._last = now
        values = {
            "train/loss": progress.loss,
            "train/learning_rate": learning_rate,
            "train/examples_per_second": progress.examples / passed,
            "train/tokens_per_second": progress.tokens / passed,
        }
        self._write(progress.step, values)

    def scores(
        self, step: int, metrics: Mapping[str, float], score: float, prompt: Array | None = None
    ) -> None:
        """Validation metrics and, of a prompt, its norm (Frobenius) at a checkpoint."""
        values = {f"validation/{name}": value for name, value in metrics.items()}
        values |= {"validation/score": score}
        if prompt is not None:
            values["train/prompt_norm"] = float(np.linalg.norm(prompt))
        self._write(step, values)
        self._flush()
        # Scoring is not training: it does not count in the speed of the next report.
        self._last = time.monotonic()

    def _write(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        scalars = [
            Summary.Value(tag=tag, simple_value=value)
            for tag, value in values.items()
            if math.isfinite(value)
        ]
        self._add(Event(wall_time=time.time(), step=step, summary=Summary(value=scalars)))

    def _add(self, event: Any) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        if self._stream is not None:
            try:
                RecordWriter(self._stream).write(event.SerializeToString())
            except Exception as error:  # of the disk, or of whatever library serves a bucket
                self._give_up(error)

    def _flush(self) -> None:
        if self._stream is not None:
            try:
                self._stream.flush()
            except Exception as error:
                self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(Exception):
                stream.close()
        what = " ".join(str(error).split())
        _log.warning("No more events for TensorBoard in %s: %s.", self._folder, what)
