"""A run's folder: what it was asked, where it stands, and the prompts it has learned.

| file | what |
|---|---|
| ``run.json`` | task, model, initializer and settings, written once |
| ``checkpoints/step-N.safetensors`` | the prompt at step N, immutable |
| ``state.safetensors`` | prompt and optimizer slots at the last checkpoint, and the history |
| ``best.safetensors``, ``embedding.safetensors`` | the result, written when the run is done |
| ``failed.json`` | what ended the run, until it goes on |
| ``events.out.tfevents.*`` | for TensorBoard |

Everything appears whole or not at all, and ``state.safetensors`` comes last at each
checkpoint, so a run killed at any moment continues from its last one.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import attrs
import numpy as np
import safetensors
import safetensors.numpy

from spotfw import files
from spotfw.contracts import TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts import SoftPrompt, load_prompt, save_prompt
from spotfw.prompts.provenance import timestamp
from spotfw.reading import parse_json
from spotfw.recipe.begun import check_same, not_known, read_record

_log = logging.getLogger(__name__)

#: What a run was asked for.
RECORD = "run.json"
#: Held by the process that tunes in a run's folder.
LOCK = ".lock"
_STATE = "state.safetensors"
_RESULTS = ("best.safetensors", "embedding.safetensors")
_PROMPTS = "checkpoints"
_FAILED = "failed.json"
_SLOT = "slot."


@attrs.frozen(kw_only=True)
class Scored:
    """A checkpoint's scores.

    Attributes:
      step: updates done.
      loss: mean training loss since the checkpoint before, nats per target token.
      score: mean of the metrics on validation, 0-100 mostly.
      metrics: each metric.
      seconds: wall-clock seconds of tuning and scoring since the checkpoint before.
      cpu_seconds: this process's processor time of the same, over all its threads.
      examples: of validation that were scored, 0 where that was not noted.
      right: which of them were answered right: a bit each, eight to a byte, the first highest,
        in hexadecimal digits; empty where that is unknown.
    """

    step: int
    loss: float
    score: float
    metrics: Mapping[str, float]
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    examples: int = 0
    right: str = ""


def refuse_used(folder: str, *, resume: bool) -> None:
    """Refuses a folder in which no run can begin; known before a model is opened.

    Raises:
      WrongUse: it holds a run with a checkpoint and `resume` is not set, one that tunes all
        weights, or something else.
      SpotError: the run's record is damaged.
    """
    names = names_of_run(folder)
    if RECORD in names and read_record(files.join(folder, RECORD)).get("method") is not None:
        raise WrongUse(
            f"The folder {folder} holds a run that tunes all weights. Choose another folder for a "
            "prompt with --out."
        )
    if _STATE in names and not resume:
        raise begun_before(folder)


def names_of_run(folder: str) -> set[str]:
    """What lies in a run's folder, none where it is new; hidden names count for nothing.

    Raises:
      WrongUse: the folder holds other things than a run.
    """
    names = {name for name in files.list_names(folder) if not name.startswith(".")}
    if names and RECORD not in names:
        raise WrongUse(
            f"The folder {folder} is no run's and not empty (it holds {min(names)}). "
            "Choose an empty or new folder with --out."
        )
    return names


def begun_before(folder: str) -> WrongUse:
    """The error for who would begin a run where one with a checkpoint lies."""
    return WrongUse(
        f"The folder {folder} holds a run already. Go on with it by --resume, or "
        "choose another folder with --out."
    )


def has_checkpoint(folder: str) -> bool:
    """Whether a run in the folder can go on from a checkpoint."""
    return files.exists(files.join(folder, _STATE))


_Taken = TypeVar("_Taken", bound="LockedFolder")


class LockedFolder:
    """A folder that one process at a time tunes in, as a context.

    Args:
      path: local folder, or ``gs://`` (where nothing can lock it).
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = contextlib.ExitStack()

    def __enter__(self: _Taken) -> _Taken:
        """Takes the folder for this process.

        Raises:
          SpotError: it cannot be written, or another process tunes in it.
        """
        busy = (
            f"Another process is tuning in {self.path} now. Wait for it to end, or choose another "
            "folder with --out."
        )
        advice = "Choose another with --out, or mend its permissions."
        self._lock.enter_context(
            files.locked(self.path, busy=busy, what="run folder", advice=advice, file=LOCK)
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()


class RunFolder(LockedFolder):
    """The folder of a prompt's tuning."""

    def begin(self, run: Mapping[str, Any], *, resume: bool) -> None:
        """Writes what the run is, or checks that it is the one begun here.

        Args:
          run: plain JSON values; ``settings`` among them may raise its steps on resuming.
          resume: whether a run that was begun may go on.

        Raises:
          WrongUse: a run with a checkpoint is here and `resume` is not set, or it is another.
          SpotError: the folder holds other things, or its record is damaged.
        """
        where = files.join(self.path, RECORD)
        refuse_used(self.path, resume=resume)
        if not files.exists(where):
            files.write_atomically(where, json.dumps(run, indent=1).encode())
            return
        begun = read_record(where)
        if not files.exists(files.join(self.path, _STATE)):
            self._check_nothing_is_lost(begun, run, resume=resume)
            files.write_atomically(where, json.dumps(run, indent=1).encode())
            return
        check_same(self.path, begun, run)
        missing = not_known(begun)
        if missing is not None:
            _log.warning("%s: %s", self.path, missing)

    def _check_nothing_is_lost(
        self, begun: Mapping[str, Any], run: Mapping[str, Any], *, resume: bool
    ) -> None:
        """Refuses to begin anew, without a state to go on from, where something was learned."""
        results = [name for name in _RESULTS if files.exists(files.join(self.path, name))]
        prompts = [n for n in files.list_names(files.join(self.path, _PROMPTS)) if n[0] != "."]
        if not results and len(prompts) == 1 and resume:
            # Killed after the first prompt and before the state: the same is learned again.
            check_same(self.path, begun, run)
            return
        kept = [*results, *(f"{_PROMPTS}/{name}" for name in prompts)]
        if kept:
            raise WrongUse(
                f"The run in {self.path} has learned {kept[0]} but has no {_STATE}, so it cannot "
                "go on, and what it learned is not overwritten. Choose another folder with --out, "
                "or put the file back."
            )

    def keep_failure(self, error: Exception) -> None:
        """Writes down what ended the run; the next that goes on here takes it away."""
        values = {"error": str(error), "type": type(error).__name__, "created": timestamp()}
        files.write_atomically(
            files.join(self.path, _FAILED), json.dumps(values, indent=1).encode()
        )

    def forget_failure(self) -> None:
        """Takes away what `keep_failure` wrote, if anything."""
        where = files.join(self.path, _FAILED)
        if files.exists(where):
            files.remove(where)

    def save(self, state: TuningState, prompt: SoftPrompt, history: Sequence[Scored]) -> None:
        """Keeps a checkpoint: first the prompt, then all that continues the run."""
        save_prompt(prompt, self.checkpoint_path(state.step))
        tensors = {"prompt": np.ascontiguousarray(state.prompt, np.float32)}
        tensors |= {_SLOT + k: np.ascontiguousarray(v) for k, v in state.slots.items()}
        header = {
            "format": "spotfw.state/1",
            "step": str(state.step),
            "history": json.dumps([attrs.asdict(h) for h in history]),
        }
        header["digest"] = _digest(tensors, header)
        files.write_atomically(
            files.join(self.path, _STATE), safetensors.numpy.save(tensors, metadata=header)
        )

    def load(self) -> tuple[TuningState, list[Scored]] | None:
        """The last checkpoint, or None before the first.

        Raises:
          SpotError: the file is damaged.
        """
        where = files.join(self.path, _STATE)
        if not files.exists(where):
            return None
        data = files.read_bytes(where)
        try:
            tensors = safetensors.numpy.load(data)
            length = int.from_bytes(data[:8], "little")
            header = parse_json(data[8 : 8 + length])["__metadata__"]
            # States of spotfw 0.1 have no digest.
            if header.get("digest", "") not in ("", _digest(tensors, header)):
                raise ValueError("it is not what was saved: its digest is another")
            slots = {k[len(_SLOT) :]: v for k, v in tensors.items() if k.startswith(_SLOT)}
            history = [Scored(**entry) for entry in parse_json(header["history"])]
            step = history[-1].step
            if header["step"] != str(step):
                raise ValueError(f"its step is {header['step']!r:.40}, its history's last {step}")
            state = TuningState(step=step, prompt=tensors["prompt"], slots=slots)
            _check_state(state, history)
        except (
            safetensors.SafetensorError,
            ValueError,
            KeyError,
            TypeError,
            IndexError,
            AttributeError,
        ) as error:
            why = error if type(error) is ValueError else type(error).__name__
            raise SpotError(
                f"The run's state {where} is damaged ({why}). The prompts in "
                f"{files.join(self.path, 'checkpoints')} are separate files: start a new run "
                "from the last of them with --init prompt:FILE and another --out."
            ) from error
        return state, history

    def checkpoint_path(self, step: int) -> str:
        """Where the prompt of a step lies."""
        return files.join(self.path, _PROMPTS, f"step-{step:06d}.safetensors")

    def finish(self, best_step: int, embedding_step: int) -> tuple[SoftPrompt, SoftPrompt]:
        """Writes and returns the results, the best prompt and the task embedding."""
        best, embedding = self.checkpoint(best_step), self.checkpoint(embedding_step)
        save_prompt(embedding, files.join(self.path, "embedding.safetensors"))
        save_prompt(best, files.join(self.path, "best.safetensors"))
        return best, embedding

    def checkpoint(self, step: int) -> SoftPrompt:
        """The prompt at a step.

        Raises:
          SpotError: it cannot be read, or is of another step.
        """
        prompt = load_prompt(self.checkpoint_path(step))
        if prompt.provenance.step != step:
            raise SpotError(
                f"The prompt in {self.checkpoint_path(step)} is of the step "
                f"{prompt.provenance.step}, as a copy of another. Put the run's own back."
            )
        return prompt


def _digest(tensors: Mapping[str, Any], header: Mapping[str, str]) -> str:
    """A sha256 over all tensors, their shapes and types, and the header without its digest."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {list(tensors[name].shape)}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data)
    rest = sorted((key, value) for key, value in header.items() if key != "digest")
    digest.update(json.dumps(rest).encode())
    return digest.hexdigest()


def _check_state(state: TuningState, history: Sequence[Scored]) -> None:
    """Refuses what no run has written.

    Raises:
      ValueError: a step, score or number is impossible; the message is a clause that says which.
    """
    check_history(history)
    for entry in history:
        if not math.isfinite(entry.score):
            raise ValueError(f"its history has the score {entry.score!r:.40} at step {entry.step}")
    if state.prompt.ndim != 2 or not np.isfinite(state.prompt).all():
        raise ValueError("its prompt is no matrix of finite numbers")


def check_history(history: Sequence[Scored]) -> None:
    """Refuses what no run has written of its checkpoints.

    Raises:
      ValueError: a step or number is impossible; the message is a clause that says which.
    """
    last = 0
    for entry in history:
        if type(entry.step) is not int or entry.step <= last:
            raise ValueError(f"its history has the step {entry.step!r:.40} behind {last}")
        last = entry.step
        numbers = (entry.loss, entry.score, entry.seconds, entry.cpu_seconds)
        if not isinstance(entry.metrics, dict):
            raise ValueError(f"its history has no metrics at step {last}")
        for number in (*numbers, *entry.metrics.values()):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise ValueError(f"its history has {number!r:.40} for a number at step {last}")
        if type(entry.examples) is not int or not isinstance(entry.right, str):
            raise ValueError(f"its history does not say which examples were right at step {last}")
