"""A study's jobs that tune all weights: one at a time, on an engine that does this."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.models import weight_backend, weight_engines
from spotfw.recipe.model_run_folder import engine_of
from spotfw.recipe.session import Session
from spotfw.recipe.tuned import Observer
from spotfw.recipe.tuning import versions
from spotfw.study.grid.cell import Job
from spotfw.study.work.mixed import task_of
from spotfw.tasks.content import content_of, digest_of

ACTION = "tune weights"


def tune_weights(
    folder: str,
    job: Job,
    opening: Mapping[str, Any],
    references: Sequence[str],
    by_hand: Sequence[str],
    plugins: Plugins,
    observer: Observer,
) -> dict[str, Any]:
    """Tunes all weights; the result has the row's values, and in ``final`` the model's folder.

    Keys of the job:
      model: whose weights.
      tasks, rates: a task by its reference, or several mixed.
      start: None, or the path in the study's folder of a model to start from.
      settings: of the tuning.

    Args:
      folder: the study's.
      job: see above.
      opening: how models are opened; without a ``backend``, by the one that the study's
        runs of all weights were begun with, else by the first that tunes weights.
      references: the study's tasks, which may be files, so that all are known by name.
      by_hand: names of settings that the declaration chooses.
      plugins: what is installed.
      observer: hears of progress.
    """
    place = job["model"] if job["start"] is None else files.join(folder, job["start"])
    runs = files.join(folder, "runs")
    options = dict(opening)
    options.setdefault("backend", None)
    if options["backend"] is None:
        options["backend"] = engine(place, runs, plugins)
    session = Session(place, runs=runs, plugins=plugins, progress=False, **options)
    try:
        for reference in references:
            session.task(reference)
        task = task_of(session, job["tasks"], job["rates"])
        tuned = session.tune_model(task, observer=observer, by_hand=by_hand, **job["settings"])
        if not math.isfinite(tuned.score):
            raise SpotError(
                f"The score of {task.name} is {tuned.score}, which is no number. Look at the "
                f"metrics of its run in {tuned.folder}: a correlation has none where all answers "
                "are alike."
            )
        run = os.path.relpath(tuned.folder, folder)
        return {
            "family": task.family or "",
            "task_digest": digest_of(content_of(task)),
            "parameters": tuned.parameters,
            "task_parameters": tuned.parameters,
            "step": tuned.best.step,
            "steps": tuned.history[-1].step,
            "score": tuned.score,
            "scores": dict(tuned.best.metrics),
            "folder": run,
            # Weights are no task embedding.
            "embedding": "",
            "final": os.path.relpath(tuned.model, folder),
            "runs": [
                {
                    "folder": run,
                    "steps": tuned.history[-1].step,
                    "wall_seconds": round(sum(e.seconds for e in tuned.history), 3),
                    "cpu_seconds": round(sum(e.cpu_seconds for e in tuned.history), 3),
                }
            ],
            "versions": json.dumps(versions(session.model.distributions), sort_keys=True),
        }
    finally:
        session.close()


def engine(model: str, runs: str, plugins: Plugins) -> str:
    """What tunes a model's weights where a study names no backend: a backend's name.

    Rows of a study that goes on are not of two engines.

    Args:
      model: a name or a folder.
      runs: folder of the study's runs, which need not be there.
      plugins: what is installed.

    Raises:
      WrongUse: no engine that is installed tunes weights, or runs were begun with others alone.
    """
    able = weight_engines(plugins)
    names = (engine_of(files.join(runs, name), model) for name in files.list_names(runs))
    begun = list(dict.fromkeys(name for name in names if name is not None))
    if begun and not set(begun) & set(able):
        raise WrongUse(
            f"The runs in {runs} that tune the weights of {model} were begun with the engine "
            f"{' or '.join(begun)}, which is not installed here: rows of another would stand "
            f"beside theirs. Install it (such as `pip install spotfw-{begun[0]}`), or choose "
            "another folder for the study with --out."
        )
    return next((name for name in begun if name in able), weight_backend(model, plugins))
