"""Updates a prompt on a task's examples, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompt, Runtime
from spotfw.backends.splits import TrainingData, diverged
from spotfw.contracts import TuneProgress, TuneRequest, TuningState

#: Seconds between reports, for progress bars and event files.
_REPORT_SECONDS = 1.0


def tune_request(
    runtime: Runtime, request: TuneRequest, data: TrainingData
) -> Iterator[TuneProgress]:
    """Tunes one request, reporting about every second and at each checkpoint.

    Between its steps the runtime may be used for anything else, another tuning too: the state
    leaves the session at checkpoints, and when another prompt of its length needs the variables.

    Raises:
      SpotError: the loss or the prompt is NaN or infinite; earlier checkpoints were reported.
    """
    start = request.start
    prompt = LivePrompt(array=start.prompt, slots=start.slots)
    try:
        yield from _steps(runtime, request, data, prompt)
    finally:
        runtime.release(prompt)


def _steps(
    runtime: Runtime, request: TuneRequest, data: TrainingData, prompt: LivePrompt
) -> Iterator[TuneProgress]:
    settings = request.settings
    losses: list[float] = []
    tokens = 0
    reported = time.monotonic()
    for step in range(request.start.step, settings.steps):
        if not request.wanted():
            return
        inputs, targets = data.batch(step, settings)
        program = runtime.program(
            "update",
            Shapes(
                batch=settings.batch_size,
                inputs=inputs.shape[1],
                targets=targets.shape[1],
                prompt_length=len(prompt.array),
                dropout=settings.dropout,
            ),
        )
        loss = float(
            runtime.run(
                program,
                ["loss", "update"],
                prompt=prompt,
                inputs=inputs,
                targets=targets,
                seed=settings.seed,
                step=step,
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                decay_rate=settings.decay_rate,
            )[0]
        )
        done = step + 1
        if not np.isfinite(loss):
            raise diverged(loss, request.task, done, data, settings)
        losses.append(loss)
        tokens += int(np.count_nonzero(inputs)) + int(np.count_nonzero(targets))
        at_checkpoint = done % settings.checkpoint_every == 0 or done == settings.steps
        if at_checkpoint:
            runtime.fetch(prompt)
            if not np.isfinite(prompt.array).all():
                raise diverged(loss, request.task, done, data, settings)
        if at_checkpoint or time.monotonic() - reported >= _REPORT_SECONDS:
            state = TuningState(step=done, prompt=prompt.array, slots=prompt.slots)
            yield TuneProgress(
                request=0,
                step=done,
                loss=float(np.mean(losses)),
                examples=len(losses) * settings.batch_size,
                tokens=tokens,
                state=state if at_checkpoint else None,
            )
            losses, tokens = [], 0
            reported = time.monotonic()
