"""What a study is: models, sources, targets, seeds, strategies, as `study.toml` declares them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.config import TuningSettings
from spotfw.errors import WrongUse, did_you_mean
from spotfw.tasks.toml import read_toml


@attrs.frozen(kw_only=True)
class Generic:
    """A prompt that every target is tuned from: task-agnostic SPoT (paper 2.1.3).

    Attributes:
      name: row title.
      tasks: one task, or several as a mixture.
      rates: of each, None for examples-proportional mixing with the limit 2^19.
      settings: of its tuning, over a source's.
    """

    name: str
    tasks: tuple[str, ...]
    rates: tuple[float, ...] | None = None
    settings: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Study:
    """A grid of tunings; see docs/study.md for each key.

    Attributes:
      name: title.
      models: names or folders of frozen models.
      sources, targets: tasks, by name or path of a TOML file.
      seeds: each tunes every source and every target.
      metrics, strategies, ks: every strategy runs with every metric and every k.
      oracle: whether every target is tuned from every source prompt.
      settings: of all tunings, over the model's own; `source`, `target` and `mixture` lie
        over these, and `mixture` over a source's.
      benchmarks: column title -> targets averaged in it.
      generics: task-agnostic prompts.
      open: how the model is opened: ``backend``, ``vocabulary``, ``threads`` ...
      place: the file, for messages.
    """

    name: str
    models: tuple[str, ...] = ("playground",)
    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0, 1, 2)
    metrics: tuple[str, ...] = ("average_token_cosine", "per_token_cosine")
    strategies: tuple[str, ...] = ()
    ks: tuple[int, ...] = ()
    oracle: bool = False
    settings: Mapping[str, Any] = attrs.field(factory=dict)
    source: Mapping[str, Any] = attrs.field(factory=dict)
    target: Mapping[str, Any] = attrs.field(factory=dict)
    mixture: Mapping[str, Any] = attrs.field(factory=dict)
    benchmarks: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    generics: tuple[Generic, ...] = ()
    open: Mapping[str, Any] = attrs.field(factory=dict)
    place: str = attrs.field(default="the study", eq=False)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return attrs.asdict(self, filter=lambda field, _: field.name != "place")

    @property
    def default_folder(self) -> str:
        """Where the study is kept when no place is given: beside the working directory."""
        return f"{Path(self.place).stem}-study"


def read_study(path: str | Path) -> Study:
    """Reads a ``study.toml``.

    Raises:
      WrongUse: see `read_toml`; or a key is unknown, of the wrong kind or contradicts another;
        the message names the file and the key.
    """
    return parse_study(read_toml(Path(path), "study"), str(path))


def parse_study(document: Mapping[str, Any], place: str = "the study") -> Study:
    """The study of a TOML document's values; `read_study` tells what it raises."""
    values = dict(document)
    _known(values, {**_KEYS, **_TABLES}, place, "")
    read: dict[str, Any] = {}
    for key, kind in _KEYS.items():
        if key in values:
            read[key] = kind(values[key], f"{key} in {place}")
    if "model" in read and "models" in read:
        raise WrongUse(
            f"The study {place} has both model and models. Write model = NAME for one, or "
            "models = [...] for several."
        )
    if "model" in read:
        read["models"] = (read.pop("model"),)
    for key in ("settings", "source", "target", "mixture"):
        if key in values:
            read[key] = _settings(values[key], f"[{key}] in {place}")
    if "open" in values:
        read["open"] = _table(values["open"], f"[open] in {place}")
    if "benchmarks" in values:
        columns = _table(values["benchmarks"], f"[benchmarks] in {place}")
        read["benchmarks"] = {
            title: tuple(
                _beside(Path(place).parent, task)
                for task in _texts(tasks, f"{title!r} under [benchmarks] in {place}")
            )
            for title, tasks in columns.items()
        }
    if "generic" in values:
        read["generics"] = _generics(values["generic"], place)
    read.setdefault("name", Path(place).stem)
    folder = Path(place).parent
    for key in ("sources", "targets"):
        read[key] = tuple(_beside(folder, task) for task in read.get(key, ()))
    return _consistent(Study(**read, place=place))


def _generics(value: Any, place: str) -> tuple[Generic, ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise WrongUse(f"generic in {place} must be written [[generic]], however many there are.")
    found = []
    for number, one in enumerate(value, 1):
        where = f"[[generic]] number {number} of {place}"
        _known(
            one,
            dict.fromkeys(("name", "tasks", "rates", "settings")),
            place,
            f"[[generic]] {number}: ",
        )
        if "tasks" not in one:
            raise WrongUse(f"{where} has no tasks. Write tasks = [...], one or several.")
        tasks = _texts(one["tasks"], f"tasks of {where}")
        rates = one.get("rates")
        if rates is not None:
            numbers = isinstance(rates, list) and all(
                isinstance(r, (int, float)) and not isinstance(r, bool) and r > 0 for r in rates
            )
            if not numbers or len(rates) != len(tasks):
                raise WrongUse(
                    f"rates of {where} must be one number above 0 for each of its {len(tasks)} "
                    f"tasks, but is {rates!r:.80}."
                )
            rates = tuple(float(r) for r in rates)
        name = _text(one.get("name", "+".join(tasks)), f"name of {where}")
        settings = _settings(one.get("settings", {}), f"settings of {where}")
        members = tuple(_beside(Path(place).parent, task) for task in tasks)
        found.append(Generic(name=name, tasks=members, rates=rates, settings=settings))
    _unlike([g.name for g in found], f"name of [[generic]] in {place}")
    return tuple(found)


def _consistent(study: Study) -> Study:
    """The study, unless its keys contradict each other."""
    place = study.place

    def refuse(what: str) -> None:
        raise WrongUse(f"The study {place} contradicts itself: {what}")

    if not study.targets and not study.sources:
        refuse("it has neither sources nor targets. Name tasks under sources = [...].")
    if study.oracle and not (study.sources and study.targets):
        refuse("oracle = true needs sources and targets to transfer between.")
    if study.strategies and not (study.sources and study.targets):
        refuse("strategies need sources to choose from and targets to tune: the library is empty.")
    if study.strategies and not study.ks:
        refuse("strategies are given but no ks. Write e.g. ks = [1, 3].")
    if study.strategies and not study.metrics:
        refuse("strategies are given but no metrics to rank by.")
    if study.ks and not study.strategies:
        refuse("ks are given but no strategies. Name one, or leave ks out.")
    for name, instead in (("oracle", "oracle = true"), ("none", "nothing: baselines always run")):
        if name in study.strategies:
            refuse(f"{name!r} stands among its strategies. Write {instead} instead.")
    if study.generics and not study.targets:
        refuse("[[generic]] is given but no targets to tune from it.")
    for title, members in study.benchmarks.items():
        stray = [name for name in members if name not in study.targets]
        if stray:
            refuse(
                f"{title!r} under [benchmarks] names {', '.join(stray)}, which is no target. "
                "Add it to targets, or take it out."
            )
    return study


def _beside(folder: Path, task: str) -> str:
    """A task file is looked for beside the study's own file."""
    if task.endswith(".toml") and (folder / task).is_file():
        return str(folder / task)
    return task


def _known(values: Mapping[str, Any], known: Iterable[str], place: str, at: str) -> None:
    stray = [key for key in values if key not in set(known)]
    if stray:
        keys = ", ".join(f"{at}{key}" for key in stray)
        hints = "".join(did_you_mean(key, known, most=1) for key in stray)
        raise WrongUse(
            f"The study {place} has unknown keys: {keys}.{hints} Known: {', '.join(sorted(known))}."
        )


def _settings(value: Any, where: str) -> dict[str, Any]:
    values = _table(value, where)
    names = [field.name for field in attrs.fields(TuningSettings)]
    if "seed" in values:
        raise WrongUse(f"{where} has a seed. A study's seeds are the list seeds = [...].")
    _known(values, [n for n in names if n != "seed"], where, "")
    try:
        TuningSettings.from_dict(TuningSettings().to_dict() | values)
    except WrongUse as error:
        raise WrongUse(f"{where}: {error}") from error
    return values


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise WrongUse(f"{where} must be a table of keys, but is {value!r:.80}.")
    return dict(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise WrongUse(f"{where} must be a text, but is {value!r:.80}.")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise WrongUse(f"{where} must be true or false, but is {value!r:.80}.")
    return value


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise WrongUse(f"{where} must be a list of one name or more, but is {value!r:.80}.")
    return tuple(_unlike([_text(item, where) for item in value], where))


def _numbers(least: int) -> Callable[[Any, str], tuple[int, ...]]:
    def read(value: Any, where: str) -> tuple[int, ...]:
        whole = isinstance(value, list) and all(type(n) is int and n >= least for n in value)
        if not whole or not value:
            raise WrongUse(
                f"{where} must be a list of whole numbers from {least}, but is {value!r:.80}."
            )
        return tuple(_unlike(value, where))

    return read


def _unlike(items: list[Any], where: str) -> list[Any]:
    doubled = sorted({str(item) for item in items if items.count(item) > 1})
    if doubled:
        raise WrongUse(f"{where} has {', '.join(doubled)} more than once. Write each once.")
    return items


_KEYS: dict[str, Callable[[Any, str], Any]] = {
    "name": _text,
    "model": _text,
    "models": _texts,
    "sources": _texts,
    "targets": _texts,
    "seeds": _numbers(0),
    "metrics": _texts,
    "strategies": _texts,
    "ks": _numbers(1),
    "oracle": _flag,
}

_TABLES = dict.fromkeys(
    ("settings", "source", "target", "mixture", "benchmarks", "generic", "open")
)
