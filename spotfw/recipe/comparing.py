"""Runs beside each other: what each was asked for and what came of it, read from their folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw.recipe.begun import engine_in, read_record
from spotfw.recipe.model_run_folder import METHOD, ModelRunFolder
from spotfw.recipe.run_folder import RECORD, RunFolder

#: A setting that only tunings of prompts have, and those of all weights do not.
_OF_PROMPTS = "prompt_length"
#: Folders within folders that are looked through: runs lie in ``runs/``, those of several seeds or
#: of one's own file in a folder there.
_DEPTH = 2


@attrs.frozen(kw_only=True)
class RunFacts:
    """A run as its folder tells it.

    Attributes:
      folder: where it lies.
      task, model, fingerprint: of the run.
      init: how the prompt started: an initializer, or ``prompt#`` and a digest; ``model`` where
        all weights were tuned.
      source: in words, ``film_reviews (seed 0)``, where it started from a prompt; may be empty.
      settings: of the tuning.
      step: of the last checkpoint, 0 before the first.
      best_step, score: of the checkpoint with the highest validation score, None before the first.
      seconds: wall-clock time of all checkpoints.
      engine: a backend's name, None where the record does not say.
    """

    folder: str
    task: str
    model: str
    fingerprint: str
    init: str
    source: str = ""
    settings: Mapping[str, Any]
    step: int
    best_step: int | None
    score: float | None
    seconds: float
    engine: str | None = None


def read_runs(folders: Sequence[str]) -> list[RunFacts]:
    """The runs in folders, each a run's own or one that holds several.

    Raises:
      WrongUse: one holds no run.
      SpotError: a run is damaged.
    """
    return [_read(run) for folder in folders for run in _runs_in(folder)]


def differing(runs: Sequence[RunFacts]) -> list[str]:
    """Names of the settings in which runs differ, sorted; one that only some have counts."""
    names = sorted({name for run in runs for name in run.settings})
    return [n for n in names if len({repr(run.settings.get(n)) for run in runs}) > 1]


def differing_of_one_kind(runs: Sequence[RunFacts]) -> list[str]:
    """Names of the settings in which runs of one model and method differ, sorted.

    What comes with a model or a method and differs between those only says nothing of a run.
    """
    kinds: dict[tuple[str, bool], list[RunFacts]] = {}
    for run in runs:
        kinds.setdefault((run.model, _OF_PROMPTS in run.settings), []).append(run)
    return sorted({name for same in kinds.values() for name in differing(same)})


def _runs_in(folder: str) -> Iterator[str]:
    if files.exists(files.join(folder, RECORD)):
        yield folder
        return
    runs = list(_runs_below(folder, _DEPTH))
    if not runs:
        raise WrongUse(
            f"The folder {folder} holds no run: it has no {RECORD}, and no folder in it has one. "
            "Name what `spotfw tune` was given as --out, or a folder of such."
        )
    yield from runs


def _runs_below(folder: str, depth: int) -> Iterator[str]:
    for name in sorted(files.list_names(folder)):
        place = files.join(folder, name)
        if files.exists(files.join(place, RECORD)):
            yield place
        elif depth > 1 and (files.is_remote(place) or os.path.isdir(place)):
            yield from _runs_below(place, depth - 1)


def _read(folder: str) -> RunFacts:
    record = read_record(files.join(folder, RECORD))
    if record.get("method") == METHOD:
        history = ModelRunFolder(folder).load()
    else:
        saved = RunFolder(folder).load()
        history = saved[1] if saved is not None else []
    best = max(history, key=lambda entry: (entry.score, -entry.step), default=None)
    texts = {key: record.get(key) for key in ("task", "model", "fingerprint", "initializer")}
    missing = [key for key, value in texts.items() if not isinstance(value, str)]
    if missing:
        raise SpotError(
            f"The run's record {files.join(folder, RECORD)} is damaged: it has no {missing[0]}. "
            "Leave this run out."
        )
    return RunFacts(
        folder=folder,
        task=str(texts["task"]),
        model=str(texts["model"]),
        fingerprint=str(texts["fingerprint"]),
        init=str(texts["initializer"]),
        source=str(record.get("source") or ""),
        settings=record["settings"],
        step=history[-1].step if history else 0,
        best_step=None if best is None else best.step,
        score=None if best is None else best.score,
        seconds=sum(entry.seconds for entry in history),
        engine=engine_in(record),
    )
