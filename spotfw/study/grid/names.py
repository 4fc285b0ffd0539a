"""What the names of a study stand for, looked up before any model is opened."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import attrs

from spotfw.config import SOURCE_STEPS, TARGET_STEPS
from spotfw.contracts import OptionNames
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.plugins.model_settings import own_settings
from spotfw.recipe.metrics import is_of_target, metrics_named
from spotfw.recipe.model_tuning import chosen_settings
from spotfw.recipe.session import Session
from spotfw.recipe.tuning import TRAIN, VALIDATION
from spotfw.study.grid.contents import content_of_model, contents_of_parts
from spotfw.study.grid.declaration import Study
from spotfw.tasks import Mixture, Task, check_split_names
from spotfw.tasks.content import Content, content_of


@attrs.frozen(kw_only=True)
class Resolved:
    """The tasks and settings of a study.

    Attributes:
      tasks: by the study's references.
      settings: whole settings by (model, role); roles are ``source``, ``target``,
        ``mixture``, ``generic NAME``, and of all weights ``model tuning NAME`` and
        ``model source NAME``.
      contents: what tasks, models and metrics hold, by ``task REFERENCE``, ``model NAME`` and
        ``metric NAME``, of metrics those that read something; and the code of parts that are not
        spotfw's own, by ``code of metric NAME`` and ``code of strategy NAME``.
      titles: what is said for each of these, which does not depend on where the study lies:
        ``task NAME``. Two tasks of one name have two.
      of_target: metrics that rank sources for a target and compare no two embeddings.
    """

    tasks: Mapping[str, Task | Mixture]
    settings: Mapping[tuple[str, str], Mapping[str, Any]]
    contents: Mapping[str, Content] = attrs.field(factory=dict)
    titles: Mapping[str, str] = attrs.field(factory=dict)
    of_target: tuple[str, ...] = ()


def resolve(study: Study, plugins: Plugins) -> Resolved:
    """Looks up all names of a study.

    Raises:
      UnknownName: a task, metric, strategy, model, backend or key of ``[open]`` is unknown.
      WrongUse: a task lacks a split, a target is a mixture, a task is named twice, or prompts
        are of different lengths.
    """
    plugins.refuse_unnamed(study.modules, f"The study {study.place}")
    tasks: dict[str, Any] = {}
    lists = [("sources", study.sources), ("targets", study.targets)]
    lists += [(f"[[generic]] {g.name!r}", g.tasks) for g in study.generics]
    lists += [(f"[[model_tuning]] {t.name!r}", t.tasks) for t in study.model_tunings]
    for key, references in lists:
        for reference in references:
            if reference not in tasks:
                with _place_in_error(f"{key} of {study.place}"):
                    tasks[reference] = plugins.task(reference)
                    # Whether their data is at hand is looked at when tuned: a plan is quick.
                    check_split_names(tasks[reference], (TRAIN, VALIDATION))
    for reference in study.targets:
        if isinstance(tasks[reference], Mixture):
            raise WrongUse(
                f"The target {reference} of {study.place} is a mixture. Name its tasks instead."
            )
    for key, references in lists[:2]:
        names = [tasks[reference].name for reference in references]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise WrongUse(f"{key} of {study.place} names {', '.join(doubled)} more than once.")
    for metric in study.metrics:
        with _place_in_error(f"metrics of {study.place}"):
            metrics_named(plugins, metric)
    for strategy in study.strategies:
        with _place_in_error(f"strategies of {study.place}"):
            plugins.strategy(strategy)
    _check_open(study, plugins)
    settings: dict[tuple[str, str], dict[str, Any]] = {}
    for model in study.models:
        with _place_in_error(f"models of {study.place}"):
            settings |= _settings(study, model, plugins)
    contents: dict[str, Content] = {
        f"task {reference}": content_of(task) for reference, task in tasks.items()
    }
    others = [t.model for t in study.model_tunings if t.model is not None]
    for model in (*study.models, *others):
        contents[f"model {model}"] = content_of_model(model, study.open, plugins)
    contents |= contents_of_parts(study.metrics, study.strategies, plugins)
    return Resolved(
        tasks=tasks,
        settings=settings,
        contents=contents,
        titles=_titles(tasks, contents),
        of_target=tuple(metric for metric in study.metrics if is_of_target(plugins, metric)),
    )


def _titles(tasks: Mapping[str, Task | Mixture], contents: Mapping[str, Content]) -> dict[str, str]:
    titles: dict[str, str] = {}
    of: dict[str, Content] = {}
    for key, content in contents.items():
        reference = key.removeprefix("task ")
        title = f"task {tasks[reference].name}" if key.startswith("task ") else key
        while of.setdefault(title, content) != content:
            title += "'"
        titles[key] = title
    return titles


def by_name(study: Study, plugins: Plugins, known: Collection[str] = ()) -> Study:
    """The study with its tasks' own names, as its rows have them, in place of files.

    Args:
      study: the declaration.
      plugins: where tasks are looked up; a task that is no longer there stays as it is.
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
        generics=tuple(attrs.evolve(g, tasks=tuple(map(name, g.tasks))) for g in study.generics),
        model_tunings=tuple(
            attrs.evolve(t, tasks=tuple(map(name, t.tasks))) for t in study.model_tunings
        ),
    )


def _check_open(study: Study, plugins: Plugins) -> None:
    with _place_in_error(f"[open] of {study.place}"):
        backend = plugins.backend(study.open.get("backend", "mesh"))
        # A backend may be handed what it takes, but never what is the session's own.
        own = {"model", "library", "runs", "plugins", "observer", "progress", "modules"}
        known = backend.options if isinstance(backend, OptionNames) else study.open
        takes: Iterable[str] = {*known} - own
        for key in study.open:
            if key not in {"backend", *takes}:
                raise UnknownName("key", key, sorted({"backend", *takes}))


def _settings(study: Study, model: str, plugins: Plugins) -> dict[tuple[str, str], dict[str, Any]]:
    """The whole settings of each role."""
    session = Session(model, plugins=plugins, progress=False)
    own = own_settings(model, plugins)
    source = {**study.settings, **study.source}
    target = {**study.settings, **study.target}
    if "steps" not in target and "steps" not in own:
        # Section 2 of the paper gives targets as many as sources (2.1.4), section 3 fewer (3.1.2).
        section2 = study.generics and not study.sources
        target["steps"] = SOURCE_STEPS if section2 else TARGET_STEPS
    given = {"source": source, "target": target, "mixture": {**source, **study.mixture}}
    given |= {f"generic {g.name}": {**source, **g.settings} for g in study.generics}
    roles = {}
    for role, changes in given.items():
        values = session.settings(**changes).to_dict()
        del values["seed"]
        roles[model, role] = values
    _check_also_steps(study, {role: values["steps"] for (_, role), values in roles.items()})
    lengths = {role: values["prompt_length"] for (_, role), values in roles.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{role} {length}" for role, length in lengths.items())
        raise WrongUse(
            f"The study {study.place} contradicts itself: prompts of one length cannot start "
            f"those of another (prompt_length: {listed}). Set it once, under [settings]."
        )
    for tuning in study.model_tunings:
        of_weights = {"model tuning": tuning.settings}
        if tuning.tasks:
            of_weights["model source"] = {**tuning.settings, **tuning.mixture}
        for kind, of_kind in of_weights.items():
            of_role = chosen_settings(own, **of_kind).to_dict()
            del of_role["seed"]
            roles[model, f"{kind} {tuning.name}"] = of_role
    return roles


def _check_also_steps(study: Study, steps: Mapping[str, int]) -> None:
    """Refuses other numbers of updates that are none."""
    own = [("also_steps", study.also_steps, steps["target"])]
    own += [
        (f"also_steps of [[generic]] {g.name!r}", g.also_steps, steps[f"generic {g.name}"])
        for g in study.generics
    ]
    for key, others, usual in own:
        if usual in others:
            raise WrongUse(
                f"The study {study.place} contradicts itself: {key} names {usual}, the steps that "
                "are tuned anyway. Take it out, or set other steps."
            )


@contextmanager
def _place_in_error(place: str) -> Iterator[None]:
    """Adds to an error about a name where that name stands."""
    try:
        yield
    except (UnknownName, WrongUse) as error:
        if place not in str(error):
            error.args = (f"In {place}: {error}",)
        raise
