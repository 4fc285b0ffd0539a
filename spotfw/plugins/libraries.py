"""Prompt libraries as users write them: a folder, a repository of the Hugging Face hub, or the
name of a model that comes with one."""

from __future__ import annotations

import os
from collections.abc import Sequence

from spotfw import files
from spotfw.errors import SpotError
from spotfw.library import ExtendedLibrary, Library, ReleasedLibrary, open_library
from spotfw.library.hub import is_hub_name
from spotfw.library.hub_library import open_hub_library
from spotfw.plugins.plugins import Plugins


def released_libraries(plugins: Plugins) -> dict[str, ReleasedLibrary]:
    """The libraries that come with models, by the models' names."""
    return {
        model.name: ReleasedLibrary(model.library, model.name)
        for model in plugins.models()
        if model.library is not None
    }


def library_named(name: str, plugins: Plugins, *, there: bool = False) -> Library:
    """The library of a folder or of a model's name; a folder that is there comes first.

    Args:
      name: a folder, local or ``gs://``, a model's name, or ``hf://user/name``, which is fetched.
      plugins: whose hook is called for what is added, and whose models are looked among.
      there: the library must be there already, as one that is only read must.

    Raises:
      SpotError: there is none, and there should be.
    """
    released = _released(name, plugins)
    if released is not None:
        return released
    if is_hub_name(name):
        return open_hub_library(name)
    if not there:
        return Library(name, plugins=plugins)
    try:
        open_library(name)
    except SpotError as error:
        known = ", ".join(released_libraries(plugins))
        if known:
            error.args = (f"{error} Models that come with a library: {known}.",)
        raise
    return Library(name, plugins=plugins)


def released_folder(name: str, plugins: Plugins) -> str | None:
    """The folder of a library that comes with a model of this name, or that is on the hub."""
    if is_hub_name(name):
        return open_hub_library(name).folder
    released = _released(name, plugins)
    return None if released is None else released.folder


def _released(name: str, plugins: Plugins) -> ReleasedLibrary | None:
    if files.is_remote(name) or os.sep in name or os.path.exists(name):
        return None
    return released_libraries(plugins).get(name)


def libraries_named(
    names: str | Sequence[str], plugins: Plugins, *, there: bool = False
) -> Library | None:
    """One or several libraries as one; what is learned goes to the first. None without a name.

    Raises:
      SpotError: as `library_named`; a library that is not the first must always be there.
    """
    listed = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    if not listed:
        return None
    first = library_named(listed[0], plugins, there=there)
    others = [library_named(name, plugins, there=True) for name in listed[1:]]
    # What can only be read cannot be added to, wherever it stands.
    if isinstance(first, ReleasedLibrary):
        place = next((n for n, lib in enumerate(others) if type(lib) is Library), None)
        if place is not None:
            first, others[place] = others[place], first
    return ExtendedLibrary(first, others, plugins=plugins) if others else first
