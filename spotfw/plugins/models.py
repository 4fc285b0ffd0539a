"""A frozen model as users write it: the name of one that a plugin gives, a folder, or a
repository of the Hugging Face hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from spotfw import files
from spotfw.contracts import (
    Backend,
    Cohorts,
    FolderKind,
    NamedModel,
    OptionCheck,
    OptionNames,
    Requirements,
    TunesWeights,
)
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins.hub_models import hub_model, is_hub_model
from spotfw.plugins.plugins import Plugins

#: The built-in backend, and the kind of folder that it reads.
BUILT_IN = "mesh"

#: The tuned model in the folder of a run that tuned all weights, and what it says of itself.
TUNED, ABOUT = "model", "model_tuning.json"


def named_model(model: str, plugins: Plugins) -> NamedModel | None:
    """The model of that name, or None where `model` is a folder.

    A folder is what lies in a bucket, is written with a slash, or is there: a folder in the
    working directory comes before a name. A repository of the hub counts as a folder.

    Raises:
      UnknownName: it is neither.
    """
    if files.is_remote(model) or os.sep in model or os.path.isdir(model):
        return None
    try:
        return plugins.model(model)
    except UnknownName as error:
        error.args = (f"{error} Nor is there a folder {model} here.",)
        raise


def folder_for(backend: Backend, named: NamedModel) -> str:
    """The folder of a named model, of the kind that a backend reads; it may be made now.

    Raises:
      SpotError: the backend reads another kind of folder than the model has.
    """
    kind = reads_kind(backend)
    if kind == BUILT_IN:
        return str(named.folder())
    if kind == "huggingface" and named.hf_folder is not None:
        return named.hf_folder
    raise SpotError(
        f"The backend {backend.name} reads folders of the kind {kind}, and the model {named.name} "
        "has none. Leave --backend out, or convert it with `spotfw model convert` and name the "
        "folder it makes."
    )


def choose_backend(model: str, plugins: Plugins) -> str:
    """The engine for a model where the user names none: a backend's name.

    The built-in one, unless it is not installed or `model` is a folder that it does not read;
    then the first, by name, that is installed and reads the folder. Where none does, the
    built-in one, which says what is wrong.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
    """
    kinds = folder_kinds(model, plugins)

    def fits(backend: Backend) -> bool:
        return missing_package(backend) is None and (kinds is None or reads_kind(backend) in kinds)

    others = sorted(b.name for b in plugins.backends() if b.name != BUILT_IN and fits(b))
    if not others or fits(plugins.backend(BUILT_IN)):
        return BUILT_IN
    return others[0]


def weight_backend(model: str, plugins: Plugins) -> str:
    """The engine that tunes all weights of a model where the user names none: a backend's name.

    `choose_backend`'s where it can, else the first, by name, that can, is installed and reads the
    folder.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
      WrongUse: no engine that is installed can.
    """
    chosen = choose_backend(model, plugins)
    if _tunes_weights(plugins.backend(chosen)):
        return chosen
    named = named_model(model, plugins)
    kind = None if named is not None or is_hub_model(model) else folder_kind(model)
    for name in weight_engines(plugins):
        if kind in (None, reads_kind(plugins.backend(name))):
            return name
    raise WrongUse(
        f"The engine {chosen} tunes prompts in front of {model}, and no weights, and no engine "
        "here does that for such a folder. Install one (`pip install spotfw-torch`), and give it "
        "a Hugging Face folder: `spotfw models convert SRC DST` makes it of a Mesh TF checkpoint."
    )


def check_options(engine: Backend, options: Mapping[str, Any], plugins: Plugins) -> None:
    """Refuses, before a model is opened, options that its engine is known not to take.

    Args:
      engine: that is to open it.
      options: of its `open`.
      plugins: what is installed, to say which engine takes such an option.

    Raises:
      WrongUse: an option is another engine's alone, or the engine's own check refuses one.
    """
    for name in options:
        if not isinstance(engine, OptionNames) or name in engine.options:
            continue
        others = sorted(
            backend.name
            for backend in plugins.backends()
            if isinstance(backend, OptionNames) and name in backend.options
        )
        if others:
            option = name.replace("_", "-")
            raise WrongUse(
                f"--{option} is an option of the engine {' or '.join(others)}, but {engine.name} "
                f"is to open the model. Leave --{option} out, or take --backend {others[0]}."
            )
    if isinstance(engine, OptionCheck):
        engine.check(**options)


def weight_engines(plugins: Plugins) -> list[str]:
    """Names of the installed engines that tune all weights."""
    return sorted(
        backend.name
        for backend in plugins.backends()
        if _tunes_weights(backend) and missing_package(backend) is None
    )


def _tunes_weights(backend: Backend) -> bool:
    return isinstance(backend, TunesWeights) and backend.tunes_weights


def missing_package(backend: Backend) -> str | None:
    """The first package that an engine lacks here; None where it lacks none, or does not say."""
    return backend.missing() if isinstance(backend, Requirements) else None


def cohort_of(model: str, opening: Mapping[str, Any], plugins: Plugins) -> int:
    """How many tunings of one shape a model's engine gladly runs together; 1 where it says nothing.

    Args:
      model: a name or a folder.
      opening: how it is opened: the ``backend``, by default `choose_backend`'s, and its options;
        one named ``cohort`` is the number.
      plugins: what is installed.
    """
    engine = plugins.backend(opening.get("backend") or choose_backend(model, plugins))
    size: Any = engine.cohort if isinstance(engine, Cohorts) else 1
    size = opening.get("cohort") or size
    return size if type(size) is int and size > 0 else 1


def folder_meant(model: str) -> str:
    """The folder ``model`` in a run's folder of a run that tuned all weights; else as given."""
    inside = os.path.join(model, TUNED)
    if files.is_remote(model) or not os.path.isfile(os.path.join(inside, ABOUT)):
        return model
    return inside


def folder_kinds(model: str, plugins: Plugins) -> frozenset[str] | None:
    """The kinds of folder that a model can be had as; None where its files do not tell.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
    """
    named = named_model(model, plugins)
    if named is not None:
        others = [] if named.hf_folder is None else ["huggingface"]
        return frozenset([BUILT_IN, *others])
    kind = "huggingface" if is_hub_model(model) else folder_kind(model)
    return None if kind is None else frozenset([kind])


def folder_kind(folder: str) -> str | None:
    """``mesh`` or ``huggingface`` by the files of a local folder; None where they do not tell.

    Of a run that tuned all weights, by those of its model.
    """
    if files.is_remote(folder):
        return None
    folder = folder_meant(folder)
    if os.path.exists(os.path.join(folder, "config.json")):
        marks = ("checkpoint", "operative_config.gin")
        converted = any(os.path.exists(os.path.join(folder, mark)) for mark in marks)
        return "mesh" if converted else "huggingface"
    return None


def _its_folder(named: NamedModel, plugins: Plugins) -> str:
    """The Mesh TF folder, or Hugging Face's where a Mesh TF checkpoint cannot be made."""
    if named.hf_folder is not None and missing_package(plugins.backend(BUILT_IN)) is not None:
        return named.hf_folder
    return str(named.folder())


def reads_kind(backend: Backend) -> str:
    """The kind of folder that an engine opens: ``mesh`` where it does not say."""
    return backend.reads if isinstance(backend, FolderKind) else BUILT_IN


def model_folder(model: str, plugins: Plugins) -> str:
    """The folder of a model, local or ``gs://``; a plugin may make or fetch it now.

    A run that tuned all weights stands for the model in its folder.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
      SpotError: there is no such local folder, or it cannot be fetched from the hub.
    """
    named = named_model(model, plugins)
    if named is None and is_hub_model(model):
        return hub_model(model)
    folder = folder_meant(model) if named is None else _its_folder(named, plugins)
    if named is None and not files.is_remote(folder) and not os.path.isdir(folder):
        raise SpotError(f"The model folder {folder} does not exist. Check the path.")
    return folder
