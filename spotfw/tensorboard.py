"""Event files for TensorBoard beside each run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from spotfw.contracts import Array, TuneProgress


class Events:
    """Writes scalars of a run; a context manager.

    Args:
      folder: the run's folder.
      step: where the run goes on; TensorBoard drops what an earlier, killed process wrote
        beyond it.
    """

    def __init__(self, folder: str, step: int) -> None:
        self._folder = folder
        self._purge = step + 1 if step else None
        self._writer: Any = None
        self._last = time.monotonic()

    def __enter__(self) -> Events:
        # tensorboard finds TensorFlow by itself, so it is only imported when tuning starts.
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._writer = EventFileWriter(self._folder)
        if self._purge is not None:
            start = SessionLog(status=SessionLog.START)
            self._writer.add_event(
                Event(wall_time=time.time(), step=self._purge, session_log=start)
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def progress(self, progress: TuneProgress, learning_rate: float) -> None:
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

    def scores(self, step: int, metrics: Mapping[str, float], score: float, prompt: Array) -> None:
        """Validation metrics and the prompt's norm (Frobenius) at a checkpoint."""
        values = {f"validation/{name}": value for name, value in metrics.items()}
        values |= {"validation/score": score, "train/prompt_norm": float(np.linalg.norm(prompt))}
        self._write(step, values)
        self._writer.flush()
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
        self._writer.add_event(
            Event(wall_time=time.time(), step=step, summary=Summary(value=scalars))
        )
