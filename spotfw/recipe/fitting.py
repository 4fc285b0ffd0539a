"""Fits a tuning's lengths to its task, and looks before tuning at what can be learned.

A sample of each split is cut by the model's vocabulary once a process; `spotfw.tasks.fit` judges.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import attrs

from spotfw.config import TuningSettings
from spotfw.contracts import FrozenModel, SettingsCheck
from spotfw.errors import Once
from spotfw.recipe.evaluation import TRAIN, VALIDATION
from spotfw.tasks import Mixture, Task
from spotfw.tasks.fit import (
    REFUSED,
    WARN_CUT_TARGETS,
    Reader,
    alike,
    check_fit,
    covering,
    needed_target_length,
    share_cut,
)
from spotfw.tasks.sample import Sample, sample

_log = logging.getLogger(__name__)

#: A limit that is raised for free text or for inputs ends at the paper's own.
_MOST = TuningSettings()

_samples: WeakKeyDictionary[FrozenModel, dict[Any, Sample]] = WeakKeyDictionary()
_warned = Once()
#: Names of tasks and lengths at which their inputs are cut, of which a person knows.
_known_cuts: set[tuple[str, int]] = set()


def fitted(
    model: FrozenModel,
    task: Task | Mixture,
    settings: TuningSettings,
    *,
    by_hand: Collection[str] = (),
    name: str | None = None,
    splits: Sequence[str] = (TRAIN, VALIDATION),
) -> TuningSettings:
    """The settings with lengths raised where they are too short for a task, and says so.

    Args:
      model: the frozen model.
      task: what is to be learned; of a mixture, all members count.
      settings: a model's own, or the paper's.
      by_hand: names of settings that a user has chosen, which stay.
      name: what the model was asked for by, where that is not a folder.
      splits: looked at.

    """
    lengths = {"max_target_length", "max_input_length"}.difference(by_hand)
    if not lengths:
        return settings
    reader = _reader(model, name)
    raised = settings
    for member in _members(task):
        looked_at = _of_splits(model, member, splits, reader)
        if "max_target_length" in lengths:
            raised = _with_target_length(member, looked_at, raised, reader)
        if "max_input_length" in lengths:
            raised = _with_input_length(member, looked_at, raised, reader)
    return raised


def check_before_tuning(
    model: FrozenModel,
    task: Task | Mixture,
    settings: TuningSettings,
    name: str | None = None,
    *,
    answers: bool = True,
) -> None:
    """Refuses a task that this model cannot learn with these settings; warns where it is partly so.

    Args:
      model: the frozen model.
      task: what is to be learned; of a mixture, each member is looked at.
      settings: of the tuning.
      name: what the model was asked for by, where that is not a folder.
      answers: as of `spotfw.tasks.fit.check_fit`.

    Raises:
      SpotError: nothing can be learned, or something else than what is written. Data that cannot
        be read is passed over: reading it for the tuning tells.
    """
    if isinstance(model, SettingsCheck):
        model.check_settings(settings)
    reader = _reader(model, name)
    for member in _members(task):
        looked_at = _of_splits(model, member, (TRAIN, VALIDATION), reader)
        new = (member.name, settings.max_input_length) not in _known_cuts
        for message in check_fit(
            member, looked_at, settings, reader, answers=answers, cut_inputs=new
        ):
            _warn(message)
    rows = _training_rows(task, settings)
    if rows is not None and settings.batch_size > rows:
        _warn(
            f"A batch of {settings.batch_size:,} is more than the {rows:,} training examples of "
            f"{task.name}: each update has examples several times over. --batch-size takes fewer."
        )


def cut_is_known(task: Task, limit: int) -> None:
    """Of the inputs of this task that are cut at `limit` tokens nothing more need be said."""
    _known_cuts.add((task.name, limit))


def _training_rows(task: Task | Mixture, settings: TuningSettings) -> int | None:
    """Examples that a tuning draws from, None where that is not known without reading them."""
    total = 0
    for member in _members(task):
        rows = member.splits.get(TRAIN)
        if rows is None:
            return None
        total += min(rows, settings.max_train_examples or rows)
    return total


def _with_target_length(
    task: Task, samples: Sequence[Sample], settings: TuningSettings, reader: Reader
) -> TuningSettings:
    limit, needed = settings.max_target_length, needed_target_length(task, samples, reader)
    if needed <= limit:
        return settings
    exact = bool(task.labels) or task.type == "regression"
    if not exact:
        needed = min(needed, _MOST.max_target_length)
        if share_cut(samples, "target", limit) < WARN_CUT_TARGETS or needed <= limit:
            return settings
    why = f"{share_cut(samples, 'target', limit):.0%} of its targets are longer"
    longest = max(task.labels, key=lambda label: len(reader.vocabulary.encode(label)), default="")
    if longest and len(reader.vocabulary.encode(longest)) + 1 == needed:
        why = f"the label {longest!r} needs {needed} tokens"
    return _raised(task, settings, "max_target_length", needed, why)


def _with_input_length(
    task: Task, samples: Sequence[Sample], settings: TuningSettings, reader: Reader
) -> TuningSettings:
    """Only where inputs would be refused: a longer limit makes every step slower."""
    limit = settings.max_input_length
    same = max((alike(s.inputs, s.input_ids, limit) for s in samples), default=0.0)
    needed = min(covering(samples, "input", 0.0), _MOST.max_input_length)
    if same < REFUSED or needed <= limit:
        return settings
    return _raised(task, settings, "max_input_length", needed, "its inputs are alike up to there")


def _raised(
    task: Task, settings: TuningSettings, name: str, value: int, why: str
) -> TuningSettings:
    before = getattr(settings, name)
    _warn(
        f"{name} is raised from {before} to {value} for task {task.name!r}, because {why}. "
        f"--{name.replace('_', '-')} sets it by hand."
    )
    raised: dict[str, Any] = {name: value}
    return attrs.evolve(settings, **raised)


def _members(task: Task | Mixture) -> Sequence[Task]:
    return (task,) if isinstance(task, Task) else task.tasks


def _of_splits(
    model: FrozenModel, task: Task, splits: Sequence[str], reader: Reader
) -> list[Sample]:
    kept = _samples.setdefault(model, {})
    for split in splits:
        known = not task.splits or split in task.splits
        if known and (task, split) not in kept:
            # Data that cannot be read is the engine's to tell, which may not need this split.
            with contextlib.suppress(Exception):
                kept[task, split] = sample(task, split, reader.vocabulary)
    return [kept[task, split] for split in splits if (task, split) in kept]


def _reader(model: FrozenModel, name: str | None) -> Reader:
    context = model.init_context(1)
    return Reader(
        name=name or model.name, vocabulary=context.vocabulary, pieces=int(context.pieces)
    )


def _warn(message: str) -> None:
    if _warned.first(message):
        _log.warning("%s", message)
