"""What a study's tasks, models and parts hold, so that a cell's id tells one state from another."""

from __future__ import annotations

import contextlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from spotfw import files
from spotfw.plugins import Plugins
from spotfw.plugins.code import code_of
from spotfw.plugins.models import named_model
from spotfw.recipe.metrics import metric_names, metrics_named
from spotfw.study.grid.cell import CODE
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


def contents_of_parts(
    metrics: Iterable[str], strategies: Iterable[str], plugins: Plugins
) -> dict[str, Content]:
    """What metrics read, and the code of metrics and strategies that are not spotfw's own.

    Returns:
      contents by ``metric NAME``, ``code of metric NAME`` and ``code of strategy NAME``, where
      there are any. Metrics joined by ``+`` hold what each does.
    """
    contents: dict[str, Content] = {}
    for metric in metrics:
        contents[f"metric {metric}"] = _read_by(metric, plugins)
        code = (code_of(plugins, "metric", name) for name in metric_names(metric))
        contents[f"{CODE}metric {metric}"] = {k: v for parts in code for k, v in parts.items()}
    for strategy in strategies:
        contents[f"{CODE}strategy {strategy}"] = code_of(plugins, "strategy", strategy)
    return {name: content for name, content in contents.items() if content}


def _read_by(metric: str, plugins: Plugins) -> dict[str, str]:
    parts: dict[str, str] = {}
    for component in metrics_named(plugins, metric):
        with plugins.blaming("metric", component.name):
            content = component.content()
            parts |= {f"{component.name} {key}": str(digest) for key, digest in content.items()}
    return parts


def changed(name: str, was: Content | None, now: Content) -> str:
    """What has changed of a task, model or part, as a clause."""
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
