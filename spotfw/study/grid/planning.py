"""What a study will tune, what that costs, and what is done already; opens no model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from spotfw.errors import WrongUse
from spotfw.plugins import Plugins, default_plugins
from spotfw.recipe.model_tuning import OF_MODEL
from spotfw.study.grid import costs, ledger
from spotfw.study.grid.cell import CODE, Cell
from spotfw.study.grid.contents import changed
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.layout import lay_out
from spotfw.study.grid.ledger import Record
from spotfw.study.grid.names import Resolved, resolve


@attrs.frozen(kw_only=True)
class Plan:
    """A study laid out.

    Attributes:
      study: what was declared.
      folder: where it is kept.
      resolved: its tasks and settings.
      cells: all cells, in an order in which they can be run.
      records: what came of those that have ended, by id.
      steps: updates of each cell by id; of strategies no more than this, since what they
        choose is not known yet; 0 where others tune all of it.
      warnings: what is not as a reader of the study may expect, a sentence each.
    """

    study: Study
    folder: str
    resolved: Resolved
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
        """A dict for each kind of cell: ``kind``, ``cells``, ``done``, ``failed``, ``steps``..."""
        rows = []
        for kind in dict.fromkeys(cell.kind for cell in self.cells):
            members = [cell for cell in self.cells if cell.kind == kind]
            ended = [self.records.get(cell.id) for cell in members]
            left = [c for c, r in zip(members, ended, strict=True) if not ledger.is_done(r)]
            rows.append(
                {
                    "kind": kind,
                    "cells": len(members),
                    "done": len(members) - len(left),
                    "failed": sum(bool(r and r.get("error")) for r in ended),
                    "steps": sum(self.steps[c.id] for c in members),
                    "steps_left": sum(self.steps[c.id] for c in left),
                    "upper_bound": members[0].is_upper_bound,
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
    if not isinstance(study, Study):
        raise WrongUse(f"A study is what read_study gives of its file, but is {study!r:.80}.")
    plugins = plugins or default_plugins()
    folder = out or study.default_folder
    resolved = ledger.as_begun(folder, study, resolve(study, plugins))
    cells = lay_out(study, resolved)
    records = ledger.records(folder, cells)
    return Plan(
        study=study,
        folder=folder,
        resolved=resolved,
        cells=cells,
        records=records,
        steps=costs.upper_bounds(study, cells, plugins),
        warnings=(
            *_warnings(study, resolved),
            *_outdated(folder, [cell for cell in cells if cell.id not in records], resolved),
            *_not_known(folder, cells, records),
        ),
    )


def _outdated(folder: str, cells: Sequence[Cell], resolved: Resolved) -> Iterator[str]:
    """What has changed since cells were run that are now run again; a sentence for each change."""
    known = ledger.contents(folder)
    now = {resolved.titles[key]: content for key, content in resolved.contents.items()}
    counts: Counter[str] = Counter()
    records = ledger.outdated(folder, cells)
    for cell in cells:
        was = records[cell.id]["content"] if cell.id in records else {}
        for title, digest in was.items():
            if title in now and cell.content.get(title) != digest:
                counts[changed(title, known.get(digest), now[title])] += 1
    for what, count in counts.items():
        cells_were = "1 cell was" if count == 1 else f"{count:,} cells were"
        yield f"{what} since {cells_were} run, which will be run again."


def _not_known(folder: str, cells: Sequence[Cell], records: Mapping[str, Record]) -> Iterator[str]:
    old = sum(ledger.is_old(record) for record in records.values())
    if old:
        yield (
            f"{old:,} of the cells in {folder} were run by spotfw 0.1, which did not note what "
            "tasks and models held: whether they have changed since is not known."
        )
    unknown = [
        cell
        for cell in cells
        if (record := records.get(cell.id)) is not None
        and not ledger.is_old(record)
        and ledger.is_before_code(record, cell)
    ]
    if unknown:
        names = {name for cell in unknown for name in cell.content if name.startswith(CODE)}
        parts = ", ".join(sorted(name.removeprefix(CODE) for name in names))
        yield (
            f"{len(unknown):,} of the cells in {folder} were run when the code of plugins was not "
            f"noted: whether that of {parts} has changed since is not known."
        )


def _warnings(study: Study, resolved: Resolved) -> list[str]:
    warnings = []
    sources = [resolved.tasks[reference].name for reference in study.sources]
    targets = [resolved.tasks[reference].name for reference in study.targets]
    for name in targets:
        if name in sources:
            warnings.append(
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
            warnings.append(
                f"k = {', '.join(map(str, large))} is more than the {most} source prompts that "
                f"{name} can choose from, and means all {most}."
            )
    warnings += _of_prompts_alone(study, resolved)
    for (model, role), values in resolved.settings.items():
        if role == "target" and values["embedding_step"] > values["steps"]:
            warnings.append(
                f"Targets of {model} end at step {values['steps']}, before the embedding step "
                f"{values['embedding_step']}: their last checkpoint is their embedding."
            )
    return warnings


def _of_prompts_alone(study: Study, resolved: Resolved) -> Iterator[str]:
    """Settings of prompts that a reader may think are those of all weights too, and are not."""
    for tuning in study.model_tunings:
        for model in study.models:
            values = resolved.settings[model, f"model tuning {tuning.name}"]
            other = [
                name
                for name in ("steps", *OF_MODEL)
                if name in study.settings
                and name not in tuning.settings
                and values[name] != study.settings[name]
            ]
            if other:
                listed = ", ".join(f"{n} {_shown(values[n])}" for n in other)
                written = ", ".join(f"{n} = {study.settings[n]}" for n in other)
                yield (
                    f"{tuning.name} on {model} has {listed}: [settings] is of prompts alone. If "
                    f"they are meant for it too, write {written} into the settings of its "
                    "[[model_tuning]]."
                )


def _shown(value: int | None) -> str:
    return "of all" if value is None else f"{value:,}"
