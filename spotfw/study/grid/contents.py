"""What the tasks and models of a study hold, so that a cell's id tells one state from another."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spotfw import files
from spotfw.plugins import Plugins
from spotfw.plugins.models import named_model
from spotfw.tasks.content import Content, changes
from spotfw.tasks.rows.digests import file_digest

#: Files of a model's folder that say nothing of the model.
_ASIDE = (".md",)
_EVENTS = "events.out"
#: Options of an engine that name a file. Any other is known by its value, whatever that is
#: spelled like: a declaration may come from a stranger, and names no other file to be read.
_FILE_OPTIONS = ("vocabulary", "gin")


def content_of_model(model: str, opening: Mapping[str, Any], plugins: Plugins) -> dict[str, str]:
    """The parts of a model, without opening it.

    Its own fingerprint needs all weights in memory; of a plan it is enough to know that no
    file has changed. Runs compare fingerprints.

    Args:
      model: name or folder; of one in a bucket, only the name is known.
      opening: options it is opened with, of which some name files.
      plugins: where named models come from.
    """
    parts: dict[str, str] = {}
    named = named_model(model, plugins)
    if named is not None:
        owners = [c.owner for c in plugins.components("model") if c.value is named]
        for owner in owners:
            with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                parts[owner] = importlib.metadata.version(owner)
    folder = model if named is None else named.hf_folder
    if folder is not None and not files.is_remote(folder):
        parts |= {path.name: file_digest(path) for path in _files_in(Path(folder))}
    for option in _FILE_OPTIONS:
        value = opening.get(option)
        if isinstance(value, str) and Path(value).is_file():
            parts[f"[open] {option}"] = file_digest(value)
    return parts


def changed(name: str, was: Content | None, now: Content) -> str:
    """What has changed of a task or model, as a clause."""
    parts = [] if was is None else changes(was, now)
    return f"{name}: {', '.join(parts)}" if parts else f"{name} has changed"


def _files_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file() and path.suffix not in _ASIDE and not path.name.startswith((".", _EVENTS))
    ]
