"""The code of a plugin's parts as digests, so that what an edited part made can be told."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
from pathlib import Path
from typing import Any

from spotfw.plugins.loading import OWN
from spotfw.plugins.plugins import Plugins
from spotfw.tasks.rows.digests import file_digest


def code_of(plugins: Plugins, kind: str, name: str) -> dict[str, str]:
    """Digests of the source files that define a part, by the files' names.

    These are the module of its class or function, and those of the classes of the same package
    that it derives from.

    Args:
      plugins: where the part comes from.
      kind: of `spotfw.plugins.parts.KINDS`.
      name: as users ask for it, with settings or without.

    Returns:
      file -> digest. Where no source can be read, the distribution and its version. Of spotfw's
      own parts nothing: these are told by spotfw's version, and change with none.

    Raises:
      UnknownName: there is no such part.
    """
    part = plugins.component(kind, name)
    if part.owner == OWN:
        return {}
    definitions = _definitions(part.value)
    digests = {}
    for definition in definitions:
        path = _source_file(definition)
        if path is None or _package(definition) == OWN:  # spotfw's code is no plugin's
            return {part.owner: _version(part.owner)}
        digests[_title(definition.__module__, path)] = file_digest(path)
    return digests


def _definitions(part: Any) -> list[Any]:
    """The function that a part is, or the classes of one package that it is of."""
    while isinstance(part, functools.partial):
        part = part.func
    part = inspect.unwrap(part)
    if inspect.isroutine(part):
        return [part]
    own = part if inspect.isclass(part) else type(part)
    return [base for base in own.__mro__ if _package(base) == _package(own)]


def _package(definition: Any) -> str:
    package: str = definition.__module__.partition(".")[0]
    return package


def _source_file(definition: Any) -> Path | None:
    try:
        path = inspect.getsourcefile(definition)
    except (TypeError, OSError):  # it is written in C, or its module is gone
        return None
    return Path(path) if path is not None and Path(path).is_file() else None


def _title(module: str, path: Path) -> str:
    parts = module.split(".")
    folders = parts if path.stem == "__init__" else parts[:-1]
    return "/".join([*folders, path.name])


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
