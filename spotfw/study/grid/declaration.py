"""What a study is: models, sources, targets, seeds, strategies, as `study.toml` declares them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.errors import WrongUse
from spotfw.study.grid.keys import (
    check_known,
    read_flag,
    read_numbers,
    read_settings,
    read_table,
    read_text,
    read_texts,
)
from spotfw.study.grid.methods import (
    Generic,
    ModelTuning,
    beside,
    read_generics,
    read_model_tunings,
)
from spotfw.tasks.toml import read_toml


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
      also_steps: other numbers of updates that each target is tuned for from scratch.
      model_tunings: ways of tuning all weights.
      open: how the model is opened: ``backend``, ``vocabulary``, ``threads`` ...
      modules: of the user's own that its tasks come from. They are not imported because a file
        names them, but must have been named by the user as well.
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
    also_steps: tuple[int, ...] = ()
    model_tunings: tuple[ModelTuning, ...] = ()
    open: Mapping[str, Any] = attrs.field(factory=dict)
    modules: tuple[str, ...] = ()
    place: str = attrs.field(default="the study", eq=False)

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        # As a study without these was written before they were keys.
        later = ("modules", "also_steps", "model_tunings")
        return attrs.asdict(
            self, filter=lambda f, v: f.name != "place" and (f.name not in later or v)
        )

    @property
    def settings_by_hand(self) -> list[str]:
        """Names of the settings that the declaration chooses for some of its tunings."""
        chosen = [self.settings, self.source, self.target, self.mixture]
        chosen += [generic.settings for generic in self.generics]
        chosen += [table for t in self.model_tunings for table in (t.settings, t.mixture)]
        return sorted({key for table in chosen for key in table})

    @property
    def default_folder(self) -> str:
        """Where the study is kept when no place is given: in the working directory.

        ``mine.toml`` makes ``mine-study``, ``study.toml`` just ``study``, and ``my-study.toml``
        ``my-study``.
        """
        stem = Path(self.place).stem
        return stem if re.search(r"(^|[-_])study$", stem) else f"{stem}-study"


def read_study(path: str | Path) -> Study:
    """Reads a ``study.toml``.

    Raises:
      WrongUse: see `read_toml`; or a key is unknown, of the wrong kind or contradicts another;
        the message names the file and the key.
    """
    return parse_study(read_toml(Path(path), "study"), str(path))


def parse_study(document: Mapping[str, Any], place: str = "the study") -> Study:
    """The study of a TOML document's values; see `read_study` for what it raises."""
    values = dict(document)
    check_known(values, {**_KEYS, **_TABLES}, place, "")
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
            read[key] = read_settings(values[key], f"[{key}] in {place}")
    if "open" in values:
        read["open"] = read_table(values["open"], f"[open] in {place}")
    if "benchmarks" in values:
        columns = read_table(values["benchmarks"], f"[benchmarks] in {place}")
        read["benchmarks"] = {
            title: tuple(
                beside(Path(place).parent, task)
                for task in read_texts(tasks, f"{title!r} under [benchmarks] in {place}")
            )
            for title, tasks in columns.items()
        }
    if "generic" in values:
        read["generics"] = read_generics(values["generic"], place)
    if "model_tuning" in values:
        read["model_tunings"] = read_model_tunings(values["model_tuning"], place)
    read.setdefault("name", Path(place).stem)
    folder = Path(place).parent
    for key in ("sources", "targets"):
        read[key] = tuple(beside(folder, task) for task in read.get(key, ()))
    return _consistent(Study(**read, place=place))


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
    if study.also_steps and not study.targets:
        refuse("also_steps are given but no targets to tune for so many.")
    if study.generics and not study.targets:
        refuse("[[generic]] is given but no targets to tune from it.")
    if study.model_tunings and not study.targets:
        refuse("[[model_tuning]] is given but no targets to tune on.")
    if len(study.models) > 1 and any(tuning.model for tuning in study.model_tunings):
        refuse("[[model_tuning]] names a model, but there are several models. Leave it out.")
    for title, members in study.benchmarks.items():
        strangers = [name for name in members if name not in study.targets]
        if strangers:
            refuse(
                f"{title!r} under [benchmarks] names {', '.join(strangers)}, which is no target. "
                "Add it to targets, or take it out."
            )
    return study


_KEYS: dict[str, Callable[[Any, str], Any]] = {
    "name": read_text,
    "model": read_text,
    "models": read_texts,
    "sources": read_texts,
    "targets": read_texts,
    "seeds": read_numbers(0),
    "metrics": read_texts,
    "strategies": read_texts,
    "ks": read_numbers(1),
    "also_steps": read_numbers(1),
    "modules": read_texts,
    "oracle": read_flag,
}

_TABLES = dict.fromkeys(
    ("settings", "source", "target", "mixture", "benchmarks", "generic", "model_tuning", "open")
)
