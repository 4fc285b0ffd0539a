"""Methods that a study compares beside strategies: ``[[generic]]`` and ``[[model_tuning]]``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.config import ModelTuningSettings
from spotfw.errors import WrongUse
from spotfw.study.grid.keys import (
    check_distinct,
    check_known,
    read_numbers,
    read_rates,
    read_settings,
    read_table,
    read_text,
    read_texts,
)


@attrs.frozen(kw_only=True)
class Generic:
    """A prompt that every target is tuned from: task-agnostic SPoT (paper 2.1.3).

    Attributes:
      name: row title.
      tasks: one task, or several as a mixture.
      rates: of each, None for examples-proportional mixing with the limit 2^19.
      settings: of its tuning, over a source's.
      also_steps: other numbers of updates that it, and then each target from it, is tuned for.
    """

    name: str
    tasks: tuple[str, ...]
    rates: tuple[float, ...] | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    also_steps: tuple[int, ...] = ()


@attrs.frozen(kw_only=True)
class ModelTuning:
    """All weights tuned on every target (paper 2.1.1), with several tasks first on these.

    Attributes:
      name: row title.
      tasks: of the mixture tuned first; none for plain ModelTuning.
      rates: of each, None for examples-proportional mixing.
      model: whose weights, where not the study's frozen model: the paper tunes T5 1.1 as it
        was released, which was not adapted to prompts.
      settings: of a target's tuning.
      mixture: of the mixture's, over these.
    """

    name: str
    tasks: tuple[str, ...] = ()
    rates: tuple[float, ...] | None = None
    model: str | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    mixture: Mapping[str, Any] = attrs.field(factory=dict)


def read_generics(value: Any, place: str) -> tuple[Generic, ...]:
    """The tables ``[[generic]]`` of a study."""
    generics = []
    for number, table in enumerate(_tables(value, "generic", place), 1):
        where = f"[[generic]] number {number} of {place}"
        check_known(
            table,
            dict.fromkeys(("name", "tasks", "rates", "settings", "also_steps")),
            place,
            f"[[generic]] {number}: ",
        )
        if "tasks" not in table:
            raise WrongUse(f"{where} has no tasks. Write tasks = [...], one or several.")
        tasks = read_texts(table["tasks"], f"tasks of {where}")
        rates = table.get("rates")
        if rates is not None:
            rates = read_rates(rates, len(tasks), f"rates of {where}")
        name = read_text(table.get("name", "+".join(tasks)), f"name of {where}")
        settings = read_settings(table.get("settings", {}), f"settings of {where}")
        members = tuple(beside(Path(place).parent, task) for task in tasks)
        steps = read_numbers(1)(table["also_steps"], where) if "also_steps" in table else ()
        generics.append(
            Generic(name=name, tasks=members, rates=rates, settings=settings, also_steps=steps)
        )
    check_distinct([g.name for g in generics], f"name of [[generic]] in {place}")
    return tuple(generics)


def read_model_tunings(value: Any, place: str) -> tuple[ModelTuning, ...]:
    """The tables ``[[model_tuning]]`` of a study."""
    tunings = []
    for number, table in enumerate(_tables(value, "model_tuning", place), 1):
        where = f"[[model_tuning]] number {number} of {place}"
        known = dict.fromkeys(field.name for field in attrs.fields(ModelTuning))
        check_known(table, known, place, f"[[model_tuning]] {number}: ")
        tasks: tuple[str, ...] = ()
        if "tasks" in table:
            tasks = read_texts(table["tasks"], f"tasks of {where}")
        rates = table.get("rates")
        if rates is not None:
            rates = read_rates(rates, len(tasks), f"rates of {where}")
        if "mixture" in table and not tasks:
            raise WrongUse(f"{where} has settings of a mixture, but no tasks. Add tasks = [...].")
        model = table.get("model")
        title = "Multi-task ModelTuning" if tasks else "ModelTuning"
        settings = _weight_settings(table.get("settings", {}), f"settings of {where}")
        mixture = _weight_settings(table.get("mixture", {}), f"mixture of {where}")
        tunings.append(
            ModelTuning(
                name=read_text(table.get("name", title), f"name of {where}"),
                tasks=tuple(beside(Path(place).parent, task) for task in tasks),
                rates=rates,
                model=None if model is None else read_text(model, f"model of {where}"),
                settings=settings,
                mixture=mixture,
            )
        )
    check_distinct([t.name for t in tunings], f"name of [[model_tuning]] in {place}")
    return tuple(tunings)


def _tables(value: Any, key: str, place: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise WrongUse(f"{key} in {place} must be written [[{key}]], however many there are.")
    return value


def _weight_settings(value: Any, where: str) -> dict[str, Any]:
    """Settings of a tuning of all weights, without a seed."""
    return read_settings(read_table(value, where), where, ModelTuningSettings)


def beside(folder: Path, task: str) -> str:
    """A task file is looked for beside the study's own file."""
    if task.endswith(".toml") and (folder / task).is_file():
        return str(folder / task)
    return task
