"""The name of a run's folder, made of all that its result depends on.

The same call again finds the run it began; a call with anything else finds another folder.
"""

from __future__ import annotations

import hashlib
import json

from spotfw.config import ModelTuningSettings, TuningSettings, as_recorded
from spotfw.contracts import FrozenModel
from spotfw.prompts import SoftPrompt
from spotfw.recipe.starts import digest_of_file
from spotfw.tasks import Mixture, Task
from spotfw.tasks.content import content_of, digest_of


def run_name(
    task: Task | Mixture,
    settings: TuningSettings | ModelTuningSettings,
    *,
    model: FrozenModel,
    backend: str,
    init: str,
    start: SoftPrompt | None = None,
) -> str:
    """``TASK-seedN-DIGEST``.

    Args:
      task: what is tuned on, which counts by its content; see `spotfw.tasks.content`.
      settings: of the tuning.
      model: the frozen model.
      backend: the engine, as asked for.
      init: the initializer, which counts where `start` is None.
      start: the prompt to start from.
    """
    identity = [
        task.name,
        digest_of(content_of(task)),
        model.fingerprint,
        sorted(getattr(model, "identity", {}).items()),
        backend,
        model.precision,
        init if start is None else hashlib.sha256(start.array.tobytes()).hexdigest(),
        digest_of_file(init) if start is None else "",
        as_recorded(settings.to_dict()),
    ]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:10]
    name = task.name if len(task.name) <= 80 else f"mixture-of-{task.name.count('+') + 1}"
    return f"{name}-seed{settings.seed}-{digest}"
