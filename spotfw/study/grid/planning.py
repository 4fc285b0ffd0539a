"""What a study will tune, what that costs, and what is done already; opens no model."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.config import TARGET_STEPS
from spotfw.contracts import OptionNames
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.models import named_model
from spotfw.recipe.session import Session
from spotfw.recipe.tuning import TRAIN, VALIDATION
from spotfw.study.grid import cells, costs, ledger
from spotfw.study.grid.cells import Cell, Found
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.ledger import Record
from spotfw.tasks import Mixture, check_split_names


@attrs.frozen(kw_only=True)
class Plan:
    """A study laid out.

    Attributes:
      study: what was declared.
      folder: where it is kept.
      found: its tasks and settings.
      cells: all cells, in an order in which they can be run.
      records: what came of those that have ended, by id.
      steps: updates of each cell by id; of strategies no more than this, since what they
        choose is not known yet; 0 where others tune all of it.
      warnings: what is not as one may expect, a sentence each.
    """

    study: Study
    folder: str
    found: Found
    cells: tuple[Cell, ...]
    records: Mapping[str, Record]
    steps: Mapping[str, int]
    warnings: tuple[str, ...]

    @property
    def todo(self) -> tuple[Cell, ...]:
        """Cells that have not ended well."""
        return tuple(c for c in self.cells if not ledger.is_done(self.records.get(c.id)))

    @property
    def total_steps(self) -> int:
        """Updates of all cells, at most."""
        return sum(self.steps.values())

    @property
    def steps_left(self) -> int:
        """Updates of the cells to do, at most."""
        return sum(self.steps[cell.id] for cell in self.todo)

    @property
    def seconds_a_step(self) -> float | None:
        """Of the tunings that have ended, in one process; None where none has."""
        runs = costs.runs_of(self.records.values())
        steps = sum(run["steps"] for run in runs)
        return sum(run["wall_seconds"] for run in runs) / steps if steps else None

    def seconds_left(self, workers: int) -> float | None:
        """About how long the rest takes, None where nothing has been measured yet."""
        speed = self.seconds_a_step
        return None if speed is None else self.steps_left * speed / max(workers, 1)

    def groups(self) -> list[dict[str, Any]]:
        """One dict a kind of cell: ``kind``, ``cells``, ``done``, ``failed``, ``steps``..."""
        rows = []
        for kind in dict.fromkeys(cell.kind for cell in self.cells):
            mine = [cell for cell in self.cells if cell.kind == kind]
            ended = [self.records.get(cell.id) for cell in mine]
            left = [c for c, r in zip(mine, ended, strict=True) if not ledger.is_done(r)]
            rows.append(
                {
                    "kind": kind,
                    "cells": len(mine),
                    "done": len(mine) - len(left),
                    "failed": sum(bool(r and r.get("error")) for r in ended),
                    "steps": sum(self.steps[c.id] for c in mine),
                    "steps_left": sum(self.steps[c.id] for c in left),
                    "upper_bound": kind == cells.STRATEGY,
                }
            )
        return rows

    def title(self, cell: Cell) -> str:
        """A cell in words, with its model where there are several."""
        return f"{cell} on {cell.model}" if len(self.study.models) > 1 else str(cell)


def plan(study: Study, out: str | None = None, *, plugins: Plugins | None = None) -> Plan:
    """Lays a study out.

    Args:
      study: the declaration.
      out: the study's folder, by default `Study.default_folder`.
      plugins: by default everything installed.

    Raises:
      UnknownName: a task, metric, strategy, model or backend is unknown.
      WrongUse: something does not go together.
    """
    plugins = plugins or default_plugins()
    folder = out or study.default_folder
    if files.is_remote(folder):
        raise WrongUse(
            f"A study is kept on this machine's disk, but {folder} is in a bucket. Name a local "
            "folder with --out, and copy it there when the study is done."
        )
    found = find(study, plugins)
    laid = cells.grid(study, found)
    return Plan(
        study=study,
        folder=folder,
        found=found,
        cells=laid,
        records=ledger.records(folder, laid),
        steps=costs.upper_bounds(study, laid, plugins),
        warnings=tuple(_warnings(study, found)),
    )


def find(study: Study, plugins: Plugins) -> Found:
    """Looks up all names of a study, before any model is opened; see `plan`."""
    tasks: dict[str, Any] = {}
    where = [("sources", study.sources), ("targets", study.targets)]
    where += [(f"[[generic]] {g.name!r}", g.tasks) for g in study.generics]
    for key, references in where:
        for reference in references:
            if reference not in tasks:
                with _at(f"{key} of {study.place}"):
                    tasks[reference] = plugins.task(reference)
                    # Whether their data is at hand is looked at when tuned: a plan is quick.
                    check_split_names(tasks[reference], (TRAIN, VALIDATION))
    for reference in study.targets:
        if isinstance(tasks[reference], Mixture):
            raise WrongUse(
                f"The target {reference} of {study.place} is a mixture. Name its tasks instead."
            )
    for key, references in where[:2]:
        names = [tasks[reference].name for reference in references]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise WrongUse(f"{key} of {study.place} names {', '.join(doubled)} more than once.")
    for metric in study.metrics:
        with _at(f"metrics of {study.place}"):
            plugins.metric(metric)
    for strategy in study.strategies:
        with _at(f"strategies of {study.place}"):
            plugins.strategy(strategy)
    _check_open(study, plugins)
    settings: dict[tuple[str, str], dict[str, Any]] = {}
    for model in study.models:
        with _at(f"models of {study.place}"):
            settings |= _settings(study, model, plugins)
    return Found(tasks=tasks, settings=settings)


def by_name(study: Study, plugins: Plugins, known: Collection[str] = ()) -> Study:
    """The study with its tasks' own names, as its rows tell them, in place of files.

    Args:
      study: the declaration.
      plugins: where tasks are looked up; one that is no longer there stays as it is.
      known: names that need no looking up.
    """

    def name(reference: str) -> str:
        if reference in known:
            return reference
        try:
            return plugins.task(reference).name
        except SpotError:
            return reference

    return attrs.evolve(
        study,
        sources=tuple(map(name, study.sources)),
        targets=tuple(map(name, study.targets)),
        benchmarks={title: tuple(map(name, tasks)) for title, tasks in study.benchmarks.items()},
    )


def _check_open(study: Study, plugins: Plugins) -> None:
    with _at(f"[open] of {study.place}"):
        backend = plugins.backend(study.open.get("backend", "mesh"))
        takes: Iterable[str] = set(study.open) - {"model", "library", "runs", "plugins", "observer"}
        if isinstance(backend, OptionNames):  # otherwise, the above at least are no backend's
            takes = backend.options
        for key in study.open:
            if key not in {"backend", *takes}:
                raise UnknownName("key", key, sorted({"backend", *takes}))


def _settings(study: Study, model: str, plugins: Plugins) -> dict[tuple[str, str], dict[str, Any]]:
    """The whole settings of each role."""
    session = Session(model, plugins=plugins)
    named = named_model(model, plugins)
    own = {} if named is None else named.settings
    source = {**study.settings, **study.source}
    target = {**study.settings, **study.target}
    if "steps" not in target and "steps" not in own:
        target["steps"] = TARGET_STEPS
    given = {"source": source, "target": target, "mixture": {**source, **study.mixture}}
    given |= {f"generic {g.name}": {**source, **g.settings} for g in study.generics}
    roles = {}
    for role, changes in given.items():
        values = session.settings(**changes).to_dict()
        del values["seed"]
        roles[model, role] = values
    lengths = {role: values["prompt_length"] for (_, role), values in roles.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{role} {length}" for role, length in lengths.items())
        raise WrongUse(
            f"The study {study.place} contradicts itself: prompts of one length cannot start "
            f"those of another (prompt_length: {told}). Set it once, under [settings]."
        )
    return roles


class _at:
    """Adds to a wrong name where it stands."""

    def __init__(self, where: str) -> None:
        self._where = where

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (UnknownName, WrongUse)) and self._where not in str(error):
            error.args = (f"In {self._where}: {error}",)


def _warnings(study: Study, found: Found) -> list[str]:
    told = []
    sources = [found.tasks[reference].name for reference in study.sources]
    targets = [found.tasks[reference].name for reference in study.targets]
    for name in targets:
        if name in sources:
            told.append(
                f"{name} is a source and a target: its own prompts are left out of its ranking "
                "and its transfers."
            )
        most = len([s for s in sources if s != name]) * len(study.seeds)
        large = [k for k in study.ks if k > most]
        if study.strategies and not most:
            raise WrongUse(
                f"The study {study.place} contradicts itself: the only source of the target "
                f"{name} is {name}, so strategies have nothing to choose from."
            )
        if large:
            told.append(
                f"k = {', '.join(map(str, large))} is more than the {most} source prompts that "
                f"{name} can choose from, and means all {most}."
            )
    for (model, role), values in found.settings.items():
        if role == "target" and values["embedding_step"] > values["steps"]:
            told.append(
                f"Targets of {model} end at step {values['steps']}, before the embedding step "
                f"{values['embedding_step']}: their last checkpoint is their embedding."
            )
    return told
