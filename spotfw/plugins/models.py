"""A frozen model as users write it: the name of one that a plugin gives, or a folder."""

from __future__ import annotations

import os

from spotfw import files
from spotfw.contracts import Backend, FolderKind, NamedModel
from spotfw.errors import SpotError, UnknownName
from spotfw.plugins.plugins import Plugins


def named_model(model: str, plugins: Plugins) -> NamedModel | None:
    """The model of that name, or None where `model` is a folder.

    A folder is what lies in a bucket, is written with a slash, or is there: a folder in the
    working directory comes before a name.

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
    kind = backend.reads if isinstance(backend, FolderKind) else "mesh"
    if kind == "mesh":
        return str(named.folder())
    if kind == "huggingface" and named.hf_folder is not None:
        return named.hf_folder
    raise SpotError(
        f"The backend {backend.name} reads folders of the kind {kind}, and the model {named.name} "
        "has none. Leave --backend out, or convert it with `spotfw model convert` and name the "
        "folder it makes."
    )


def model_folder(model: str, plugins: Plugins) -> str:
    """The folder of a model, local or ``gs://``; a plugin may make or fetch it now.

    Raises:
      UnknownName: `model` is neither a name nor a folder.
      SpotError: there is no such local folder.
    """
    named = named_model(model, plugins)
    folder = model if named is None else str(named.folder())
    if named is None and not files.is_remote(folder) and not os.path.isdir(folder):
        raise SpotError(f"The model folder {folder} does not exist. Check the path.")
    return folder
