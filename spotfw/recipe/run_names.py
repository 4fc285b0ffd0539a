"""The name of a run's folder, made of all that its result depends on.

The same call again finds the run it began; a call with anything else finds another folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator

from spotfw import files
from spotfw.config import TuningSettings
from spotfw.contracts import FrozenModel
from spotfw.errors import SpotError
from spotfw.prompts import SoftPrompt
from spotfw.tasks import Mixture, Task, bindings


def run_name(
    task: Task | Mixture,
    settings: TuningSettings,
    *,
    model: FrozenModel,
    backend: str,
    init: str,
    start: SoftPrompt | None = None,
) -> str:
    """``TASK-seedN-DIGEST``.

    Args:
      task: what is tuned on. A task file counts by its content; the files of a bound folder
        by name, size and time of change.
      settings: of the tuning.
      model: the frozen model.
      backend: the engine, as asked for.
      init: the initializer, which counts where `start` is None.
      start: the prompt to start from.
    """
    identity = [
        task.name,
        task.origin,
        model.fingerprint,
        backend,
        model.precision,
        _content(task.origin),
        init if start is None else hashlib.sha256(start.array.tobytes()).hexdigest(),
        _content(init.partition(":")[2]) if start is None else "",
        settings.to_dict(),
        *_bound_files(task),
    ]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:10]
    name = task.name if len(task.name) <= 80 else f"mixture-of-{task.name.count('+') + 1}"
    return f"{name}-seed{settings.seed}-{digest}"


def _content(path: str) -> str:
    """A digest of a file, so that what was made of another content is not taken for it."""
    if not path or files.is_remote(path) or not os.path.isfile(path):
        return ""
    return hashlib.sha256(files.read_bytes(path)).hexdigest()


def _bound_files(task: Task | Mixture) -> Iterator[list[object]]:
    """What tells one state of the data that tasks are bound to from another."""
    for member in (task,) if isinstance(task, Task) else task.tasks:
        names = member.data[len("tfds ") :].split(",") if member.data.startswith("tfds ") else ()
        try:
            folder = bindings.bound(member.name, *(bindings.folder_name(n.strip()) for n in names))
        except SpotError:
            continue  # told when the rows are read
        if folder is not None:
            for entry in sorted(os.scandir(folder), key=lambda e: e.name):
                state = entry.stat()
                yield [member.name, entry.name, state.st_size, state.st_mtime_ns]
