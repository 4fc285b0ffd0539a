"""A task file as TOML: the tables of its tasks and of its mixtures, not yet looked into."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.errors import WrongUse
from spotfw.tasks.toml import read_toml

#: Names of tasks and mixtures.
NAME = re.compile(r"[\w.:]+")


@attrs.frozen
class TaskDocument:
    """A task file's tables.

    Attributes:
      path: the file.
      tasks: its tasks: one at the top level, or several as ``[[task]]``.
      mixtures: its ``[[mixture]]`` tables.
    """

    path: Path
    tasks: tuple[Mapping[str, Any], ...]
    mixtures: tuple[Mapping[str, Any], ...]


def read_document(path: Path) -> TaskDocument:
    """Reads a task file.

    Raises:
      WrongUse: see `read_toml`; or its tables are not where they belong.
    """
    document = read_toml(path, "task file")
    mixtures = document.pop("mixture", [])
    tasks = document.pop("task", None)
    if not _is_tables(mixtures) or (tasks is not None and not _is_tables(tasks)):
        raise WrongUse(
            f"The task file {path} has a [task] or [mixture] that is no list. Write two brackets, "
            "[[task]] and [[mixture]], however many there are."
        )
    if tasks is not None and (document or not tasks):
        raise WrongUse(
            f"The task file {path} mixes [[task]] with other keys, or its [[task]] is no list. "
            "Write either one task at the top level, or every task under its own [[task]]."
        )
    if tasks is None:
        # An empty file is a task without a name, which is reported as such.
        tasks = [document] if document or not mixtures else []
    return TaskDocument(path, tuple(tasks), tuple(mixtures))


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(table, dict) for table in value)
