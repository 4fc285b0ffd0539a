"""The folder of a run that tunes all weights of a model.

| file | what |
|---|---|
| ``run.json`` | task, model and settings, written once |
| ``checkpoints/step-N/`` | a model with all weights after step N, the optimizer, ``history.json`` |
| ``before.json`` | how the model scored before its first step, where that was asked |
| ``model/`` | the best of them, written when the run is done: a model like any other |
| ``failed.json`` | what ended the run, until it goes on |
| ``events.out.tfevents.*`` | for TensorBoard |

Of the checkpoints the last and the best are kept.
A checkpoint appears whole or not at all, so a run killed at any moment continues from its last.
The files of ``model/`` are those of a checkpoint under a second name, where the disk can do that.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from spotfw import files
from spotfw.contracts import Evaluation, WeightCheckpoint
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import models
from spotfw.prompts.provenance import timestamp
from spotfw.reading import MOST_JSON, parse_json
from spotfw.recipe.begun import check_engine, check_same, engine_in, read_record
from spotfw.recipe.run_folder import (
    RECORD,
    LockedFolder,
    Scored,
    begun_before,
    check_history,
    has_checkpoint,
    names_of_run,
)

#: What the record of a run of this kind says in place of an initializer, and as its method.
METHOD = "model"
#: The tuned model in a run's folder, and what it says of its tuning.
MODEL, ABOUT = models.TUNED, models.ABOUT
#: Checkpoints that lie on the disk at a time: the last, the best, and the one being written.
AT_ONCE = 3

_CHECKPOINTS, _STEP, _HISTORY, _FAILED = "checkpoints", "step-", "history.json", "failed.json"
_BEFORE = "before.json"


class ModelRunFolder(LockedFolder):
    """The local folder of a tuning of all weights.

    Args:
      path: the folder.

    Raises:
      WrongUse: it lies in a bucket.
    """

    def __init__(self, path: str) -> None:
        if files.is_remote(path):
            raise WrongUse(
                f"Checkpoints of all weights are written to a local folder, and {path} lies in a "
                "bucket. Name a local one with --out, and copy the model there afterwards."
            )
        super().__init__(path)
        self.model = os.path.join(path, MODEL)

    def refuse_used(self, *, resume: bool) -> dict[str, Any] | None:
        """Refuses a folder in which no run of all weights can begin; needs no model.

        Returns:
          the record of the run that is here, if there is one.

        Raises:
          WrongUse: a run with a checkpoint is here and `resume` is not set, or one of a prompt, or
            the folder holds other things.
          SpotError: the run's record is damaged.
        """
        begun = None
        if RECORD in names_of_run(self.path):
            begun = read_record(os.path.join(self.path, RECORD))
        if begun is not None and begun.get("method") != METHOD:
            raise WrongUse(
                f"The folder {self.path} holds a run that tunes a prompt. Choose another folder "
                "for all weights with --out."
            )
        if not resume and self._has_learned():
            raise begun_before(self.path)
        return begun

    def begin(self, run: Mapping[str, Any], *, resume: bool) -> None:
        """Writes what the run is, or checks that it is the one begun here.

        Raises:
          SpotError: as `refuse_used`, or the run is another, or of another engine.
        """
        record = os.path.join(self.path, RECORD)
        begun = self.refuse_used(resume=resume)
        if begun is not None and self._has_learned():
            check_engine(self.path, engine_in(begun), engine_in(run))
            check_same(self.path, begun, run)
        else:
            Path(self.path, _BEFORE).unlink(missing_ok=True)  # it may be of another run
            files.write_atomically(record, json.dumps(run, indent=1).encode())
        Path(self.path, _FAILED).unlink(missing_ok=True)

    def keep_failure(self, error: Exception) -> None:
        """Writes down what ended the run; the next that goes on here takes it away."""
        values = {"error": str(error), "type": type(error).__name__, "created": timestamp()}
        path = os.path.join(self.path, _FAILED)
        files.write_atomically(path, json.dumps(values, indent=1).encode())

    def keep_before(self, evaluation: Evaluation) -> None:
        """Writes down how the model scored before its first step."""
        values = {
            "metrics": dict(evaluation.metrics),
            "score": evaluation.score,
            "examples": evaluation.examples,
        }
        path = os.path.join(self.path, _BEFORE)
        files.write_atomically(path, json.dumps(values, indent=1).encode())

    def before(self) -> Evaluation | None:
        """What `keep_before` wrote down, None where it did not.

        Raises:
          SpotError: it is damaged.
        """
        path = os.path.join(self.path, _BEFORE)
        if not files.exists(path):
            return None
        try:
            values = parse_json(files.read_bytes(path, MOST_JSON))
            return Evaluation(
                metrics={str(name): float(value) for name, value in values["metrics"].items()},
                score=float(values["score"]),
                examples=int(values["examples"]),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SpotError(
                f"The file {path} is damaged ({error}). Remove it, and the model is scored again."
            ) from error

    def check_space(self, bytes_each: int, *, checkpoints: int = AT_ONCE) -> int:
        """Refuses to begin where the disk has no room for what will lie there.

        Args:
          bytes_each: of a checkpoint.
          checkpoints: still to be written; with those that are here, no more than `AT_ONCE` lie
            there.

        Returns:
          how many lie there at a time, at most.

        Raises:
          SpotError: it has not that much free.
        """
        present = len(self._steps())
        missing = max(0, min(checkpoints, AT_ONCE - present))
        free = shutil.disk_usage(self.path).free
        if missing * bytes_each > free:
            raise SpotError(
                f"The disk of {self.path} has {free:,} bytes free, but the run needs "
                f"{missing * bytes_each:,}: {missing} checkpoint{'s' * (missing > 1)} of all "
                f"weights, {bytes_each:,} bytes each. Free space, or choose a folder on another "
                "disk with --out."
            )
        return present + missing

    def save(self, checkpoint: WeightCheckpoint, history: Sequence[Scored]) -> None:
        """Keeps a checkpoint, then takes those away that are neither last nor best."""
        step = history[-1].step
        with files.new_folder(self.checkpoint(step)) as folder:
            checkpoint.save(str(folder))
            # A copy of what the model that the weights were tuned from says of itself.
            Path(folder, ABOUT).unlink(missing_ok=True)
            entries = json.dumps([attrs.asdict(entry) for entry in history], indent=1)
            Path(folder, _HISTORY).write_text(entries)
        for other in self._steps():
            if other not in (step, best_of(history).step):
                shutil.rmtree(self.checkpoint(other), ignore_errors=True)

    def load(self) -> list[Scored]:
        """The history up to the last checkpoint, empty before the first.

        Raises:
          SpotError: it is damaged.
        """
        steps = self._steps()
        if not steps:
            return []
        path = os.path.join(self.checkpoint(steps[-1]), _HISTORY)
        try:
            history = [Scored(**entry) for entry in parse_json(files.read_bytes(path, MOST_JSON))]
            check_history(history)
            if not history or history[-1].step != steps[-1]:
                raise ValueError("its last step is another")
        except (ValueError, TypeError) as error:
            raise SpotError(
                f"The history {path} is damaged ({error}). Remove the checkpoint's folder to go "
                "on from the one before, or tune anew in another folder (--out)."
            ) from error
        return history

    def checkpoint(self, step: int) -> str:
        """Where the checkpoint of a step lies."""
        return os.path.join(self.path, _CHECKPOINTS, f"{_STEP}{step:06d}")

    def finish(self, best: Scored, about: Mapping[str, Any]) -> str:
        """Writes the best checkpoint as the run's model; returns its folder.

        Args:
          best: the checkpoint.
          about: what the model says of its tuning, plain JSON values.
        """
        text = json.dumps(about, indent=1)
        said = Path(self.model, ABOUT)
        if said.exists() and said.read_text() == text:
            return self.model
        if not os.path.isdir(self.checkpoint(best.step)):
            raise SpotError(
                f"The best checkpoint {self.checkpoint(best.step)} is no longer there. Put its "
                "folder back, or tune anew in another folder (--out)."
            )
        if os.path.isdir(self.model):
            # Under another name first: what is half removed is never taken for a model.
            aside = os.path.join(self.path, _CHECKPOINTS, ".model-before")
            shutil.rmtree(aside, ignore_errors=True)
            os.rename(self.model, aside)
            shutil.rmtree(aside, ignore_errors=True)
        with files.new_folder(self.model) as folder:
            for path in sorted(Path(self.checkpoint(best.step)).iterdir()):
                if path.name != _HISTORY:
                    _link(path, Path(folder, path.name))
            Path(folder, ABOUT).write_text(text)
        return self.model

    def _has_learned(self) -> bool:
        return bool(self._steps()) or os.path.exists(self.model)

    def _steps(self) -> list[int]:
        """Steps of the checkpoints that are here, ascending."""
        return checkpoint_steps(self.path)


def checkpoint_steps(folder: str) -> list[int]:
    """Steps of the checkpoints of all weights in a run's folder, ascending."""
    place = os.path.join(folder, _CHECKPOINTS)
    names = files.list_names(place) if os.path.isdir(place) else []
    steps = [n.removeprefix(_STEP) for n in names if n.startswith(_STEP)]
    return sorted(int(step) for step in steps if step.isdecimal())


def can_go_on(folder: str) -> bool:
    """Whether a run in the folder, of a prompt or of all weights, has a checkpoint."""
    return has_checkpoint(folder) or bool(checkpoint_steps(folder))


def engine_of(folder: str, model: str | None = None) -> str | None:
    """The engine that a run of all weights was begun with, a backend's name.

    Args:
      folder: the run's.
      model: that it must tune; None for any.

    Returns:
      None where there is no such run, its record is damaged, or it does not say.
    """
    where = os.path.join(folder, RECORD)
    if not os.path.isfile(where):
        return None
    try:
        record = read_record(where)
    except SpotError:  # whoever goes on with the run says so
        return None
    if record.get("method") != METHOD or model not in (None, record.get("model")):
        return None
    return engine_in(record)


def best_of(history: Sequence[Scored]) -> Scored:
    """The checkpoint with the highest score, the earliest of several; NaN is below all."""
    return max(
        history,
        key=lambda entry: (-math.inf if math.isnan(entry.score) else entry.score, -entry.step),
    )


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copyfile(source, target)
