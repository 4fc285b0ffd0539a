"""What a run says of itself, and what its prompts say of where they come from."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from spotfw.config import ModelTuningSettings, TuningSettings
from spotfw.contracts import FrozenModel, TuningState
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.starts import digest_of_file
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import content_of, digest_of


def run_record(
    model: FrozenModel,
    task: Task | Mixture,
    settings: TuningSettings | ModelTuningSettings,
    *,
    initializer: str,
    start: SoftPrompt | None,
    source: str = "",
    asked: str | None,
) -> dict[str, Any]:
    """What ``run.json`` holds and trackers hear: plain JSON values.

    Args:
      model: the frozen model.
      task: what is tuned on.
      settings: of the tuning.
      initializer: what it starts from, where `start` is None.
      start: a prompt to start from instead.
      source: that prompt in words, for people; empty where there is none.
      asked: what the model was asked for by, where that is not a folder.
    """
    content = content_of(task)
    return {
        "task": task.name,
        "task_digest": digest_of(content),
        "task_content": content,
        "model": asked or model.name,
        "fingerprint": model.fingerprint,
        "identity": dict(model.identity),
        "precision": model.precision,
        "initializer": initializer if start is None else _name_of(start),
        "initializer_digest": digest_of_file(initializer) if start is None else "",
        "source": source,
        "settings": settings.to_dict(),
        "versions": versions(model.distributions),
    }


def checkpoint_prompt(
    state: TuningState, task: Task | Mixture, record: Mapping[str, Any], scored: Scored
) -> SoftPrompt:
    """The prompt of a checkpoint, with where it comes from.

    Args:
      state: of the checkpoint.
      task: what is tuned on.
      record: the run's, of `run_record`.
      scored: the checkpoint's scores.
    """
    # So that a new file like the one it was learned from is read alike, by the prompt alone.
    columns = task.file_columns if isinstance(task, Task) else None
    return SoftPrompt(
        array=state.prompt,
        provenance=Provenance(
            task=task.name,
            task_digest=record["task_digest"],
            family=task.family,
            model=record["model"],
            fingerprint=record["fingerprint"],
            seed=record["settings"]["seed"],
            step=scored.step,
            score=scored.score,
            metrics=dict(scored.metrics),
            labels=tuple(task.labels) if isinstance(task, Task) else (),
            settings=dict(record["settings"]),
            started_from=record["initializer"],
            versions=dict(record["versions"]),
            extra={"file_columns": columns.to_dict()} if columns is not None else {},
        ),
    )


def versions(distributions: Sequence[str] = FrozenModel.distributions) -> dict[str, str]:
    """Versions that a result may depend on: Python's, spotfw's, an engine's, NumPy's."""
    installed = {"python": platform.python_version()}
    for name in ("spotfw", *distributions, "numpy"):
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return installed


def _name_of(start: SoftPrompt) -> str:
    """A stable name for a prompt given as an array."""
    return "prompt#" + hashlib.sha256(start.array.tobytes()).hexdigest()[:16]
