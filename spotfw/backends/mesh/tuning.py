"""Updates a prompt on a task's examples, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import attrs
import numpy as np

from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.runtime import LivePrompt, Runtime
from spotfw.config import TuningSettings
from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.tasks import Task, proportional_rates
from spotfw.tasks.batches import Tokens, bucket, example_indices, mixture_indices, pad_batch
from spotfw.tasks.examples import Examples

#: Seconds between reports, for progress bars and event files.
_REPORT_SECONDS = 1.0


@attrs.frozen(kw_only=True, eq=False)
class TrainingData:
    """A task's training split, or those of a mixture's members with their rates."""

    names: Sequence[str]
    members: Sequence[Examples]
    rates: Sequence[float]

    def batch(self, step: int, settings: TuningSettings) -> tuple[Tokens, Tokens, str]:
        """Inputs and targets of batch `step`, padded to a bucket, and where they come from."""
        size, seed = settings.batch_size, settings.seed
        counts = [len(m) for m in self.members]
        if len(self.members) == 1:
            index = example_indices(counts[0], size, step, seed)
            member = np.zeros(size, np.int64)
        else:
            member, index = mixture_indices(counts, self.rates, size, step, seed)
        pairs = list(zip(member.tolist(), index.tolist(), strict=True))
        inputs = [self.members[m].inputs[i] for m, i in pairs]
        targets = [self.members[m].targets[i] for m, i in pairs]
        where = ", ".join(f"{self.names[m]} row {i}" for m, i in pairs[:4])
        return (
            pad_batch(inputs, bucket(max(map(len, inputs)))),
            pad_batch(targets, bucket(max(map(len, targets)), _TARGET_BUCKETS)),
            f"{where}, ... ({len(pairs)} examples)" if len(pairs) > 4 else where,
        )


#: Labels are short: finer steps than for inputs.
_TARGET_BUCKETS = (2, 4, 8, 16, 32, 64, 128, 256, 512)


#: The tokenised examples of a task's split, within the lengths of the settings.
Read = Callable[[Task, str, TuningSettings], Examples]


def training_data(request: TuneRequest, read: Read) -> TrainingData:
    """What a request trains on."""
    task = request.task
    tasks = [task] if isinstance(task, Task) else list(task.tasks)
    members = [read(t, "train", request.settings) for t in tasks]
    rates: Sequence[float] = [1.0]
    if not isinstance(task, Task):
        rates = task.rates or proportional_rates([len(m) for m in members])
    return TrainingData(names=[t.name for t in tasks], members=members, rates=rates)


def tune_one(runtime: Runtime, request: TuneRequest, data: TrainingData) -> Iterator[TuneProgress]:
    """Tunes one request, reporting about every second and at each checkpoint.

    Between its steps the runtime may be used for anything else, another tuning too: the state
    leaves the session at checkpoints, and where another prompt of its length needs the place.

    Raises:
      SpotError: the loss or the prompt is no number; earlier checkpoints were reported.
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
    settings, name = request.settings, request.task.name
    losses: list[float] = []
    tokens = 0
    reported = time.monotonic()
    for step in range(request.start.step, settings.steps):
        if not request.wanted():
            return
        inputs, targets, where = data.batch(step, settings)
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
            raise _diverged(f"The loss is {loss}", name, done, where, settings)
        losses.append(loss)
        tokens += int(np.count_nonzero(inputs)) + int(np.count_nonzero(targets))
        at_checkpoint = done % settings.checkpoint_every == 0 or done == settings.steps
        if at_checkpoint:
            runtime.fetch(prompt)
            if not np.isfinite(prompt.array).all():
                what = "The prompt holds values that are no numbers"
                raise _diverged(what, name, done, where, settings)
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


def _diverged(what: str, task: str, step: int, where: str, settings: TuningSettings) -> SpotError:
    last = (step - 1) // settings.checkpoint_every * settings.checkpoint_every
    kept = f"The checkpoint at step {last} is kept" if last else "No checkpoint was due before"
    return SpotError(
        f"{what} at step {step} of {task}, on the batch of {where}. {kept}. Look at these "
        f"rows, or tune with a lower --learning-rate than {settings.learning_rate}."
    )
