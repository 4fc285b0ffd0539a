"""Updates a prompt on a task's examples, step by step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs
import numpy as np

from spotfw.backends.mesh.programs import Shapes
from spotfw.config import TuningSettings
from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.tasks import Task, proportional_rates
from spotfw.tasks.batches import Tokens, bucket, example_indices, mixture_indices, pad_batch
from spotfw.tasks.examples import Examples

if TYPE_CHECKING:
    from spotfw.backends.mesh.engine import MeshModel

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


def training_data(model: MeshModel, request: TuneRequest) -> TrainingData:
    """Reads and tokenises what a request trains on; kept by the model for the next one."""
    task, settings = request.task, request.settings
    tasks = [task] if isinstance(task, Task) else list(task.tasks)
    members = [model.examples(t, "train", settings) for t in tasks]
    rates: Sequence[float] = [1.0]
    if not isinstance(task, Task):
        rates = task.rates or proportional_rates([len(m) for m in members])
    return TrainingData(names=[t.name for t in tasks], members=members, rates=rates)


def tune_one(model: MeshModel, request: TuneRequest) -> Iterator[TuneProgress]:
    """Tunes one request, reporting about every second and at each checkpoint.

    Raises:
      SpotError: the loss or the prompt is no number; earlier checkpoints were reported.
    """
    settings, start = request.settings, request.start
    length = len(start.prompt)
    data = training_data(model, request)
    losses: list[float] = []
    tokens = 0
    reported = time.monotonic()
    prepared = False
    for step in range(start.step, settings.steps):
        inputs, targets, where = data.batch(step, settings)
        program = model.program(
            "update",
            Shapes(
                batch=settings.batch_size,
                inputs=inputs.shape[1],
                targets=targets.shape[1],
                prompt_length=length,
                dropout=settings.dropout,
            ),
        )
        if not prepared:
            # The variables exist once a program of this length is built.
            model.set_prompt(start.prompt)
            model.set_slots(length, start.slots)
            prepared = True
        loss = float(
            model.run(
                program,
                ["loss", "update"],
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
            raise _diverged(f"The loss is {loss}", request.task.name, done, where, settings)
        losses.append(loss)
        tokens += int(np.count_nonzero(inputs)) + int(np.count_nonzero(targets))
        at_checkpoint = done % settings.checkpoint_every == 0 or done == settings.steps
        if at_checkpoint or time.monotonic() - reported >= _REPORT_SECONDS:
            # Whoever is told may put another prompt into this model before coming back: what
            # goes on is held here.
            start = TuningState(
                step=done, prompt=model.get_prompt(length), slots=model.slots(length)
            )
            prepared = False
            if not np.isfinite(start.prompt).all():
                raise _diverged(
                    "The prompt holds values that are no numbers",
                    request.task.name,
                    done,
                    where,
                    settings,
                )
            yield TuneProgress(
                request=0,
                step=done,
                loss=float(np.mean(losses)),
                examples=len(losses) * settings.batch_size,
                tokens=tokens,
                state=start if at_checkpoint else None,
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
