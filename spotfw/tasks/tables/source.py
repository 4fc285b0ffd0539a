"""Tasks from a user's own JSONL, CSV or TSV files through a short TOML file.

`docs/tasks.md` shows how to write one. Loading a task file reads the TOML only; rows are
read when examples are wanted.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from spotfw.errors import Once, SpotError, UnknownName, WrongUse
from spotfw.tasks import Example, Task
from spotfw.tasks.content import DEFINITION
from spotfw.tasks.mixtures import MixtureDefinition
from spotfw.tasks.rows.account import unseen_labels
from spotfw.tasks.rows.digests import digest_of_values, file_digest
from spotfw.tasks.scoring import (
    Scorer,
    ToLabel,
    metric_functions,
    reported_name,
    to_answers,
    to_number,
)
from spotfw.tasks.tables.answers import ANSWERS, LABEL, NUMBER
from spotfw.tasks.tables.definition import TableDefinition, read_definitions
from spotfw.tasks.tables.document import read_document
from spotfw.tasks.tables.mixtures import read_mixtures
from spotfw.tasks.tables.rows import Row, Rows, describe, read_rows

__all__ = ["load_task_file", "read_task_rows"]

_log = logging.getLogger(__name__)

#: Task files or folders of them, separated as in PATH.
VARIABLE = "SPOTFW_TASKS"

#: Read where the variable is not set and the working folder has it.
FOLDER = "spotfw_tasks"

#: Raised when the same keys and files give other examples than before.
READING = 1

#: Keys that no example and no score depends on.
_ASIDE = frozenset({"description", "file_columns"})

#: Files whose faults were logged: (path, time of change in ns, size).
_logged = Once()


def load_task_file(path: str | os.PathLike[str]) -> list[Task]:
    """The tasks of a TOML file, without reading their data.

    Raises:
      WrongUse: the file cannot be read as tasks; the message names the file and the key.
      UnknownName: a metric is not in ``t5.evaluation.metrics``.
    """
    return [entry for entry in load_file(path) if isinstance(entry, Task)]


def load_file(path: str | os.PathLike[str]) -> list[Task | MixtureDefinition]:
    """The tasks of a TOML file and then its mixtures, as `load_task_file`."""
    document = read_document(Path(path))
    tasks = [_task(definition) for definition in read_definitions(document)]
    _check_unique(tasks)
    return [*tasks, *read_mixtures(document, [task.name for task in tasks])]


def read_task_rows(path: str | os.PathLike[str], split: str, name: str | None = None) -> Rows:
    """The rows of a task's split, usable and unusable, for whoever wants to see the latter.

    Args:
      path: the TOML file.
      split: which split.
      name: which task, where the file has several.
    """
    definitions = {d.name: d for d in read_definitions(Path(path))}
    if name is None and len(definitions) > 1:
        raise WrongUse(f"The task file {path} has several tasks: {', '.join(definitions)}.")
    wanted = next(iter(definitions)) if name is None else name
    if wanted not in definitions:
        raise UnknownName(f"task in {path}", wanted, definitions)
    return read_rows(definitions[wanted], split)


class TaskFiles:
    """Tasks and mixtures of the TOML files in ``SPOTFW_TASKS``, or else in ``./spotfw_tasks``.

    A name may also be a task file itself, ``reviews.toml``, or one of its tasks,
    ``reviews.toml:customer_reviews``.
    """

    name = "files"

    def tasks(self) -> Iterator[Task | MixtureDefinition]:
        """The tasks of all files; a file that cannot be read raises, after all others' tasks."""
        fault: SpotError | None = None
        tasks: list[Task | MixtureDefinition] = []
        for path in _task_files():
            try:
                tasks += load_file(path)
            except SpotError as error:
                fault = fault or error
        yield from tasks
        if fault is not None:
            raise fault

    def find(self, name: str) -> Task | MixtureDefinition | None:
        """The task or mixture a path names, None when `name` is no path of a task file."""
        path, inside, which = name.partition(".toml:")
        if inside:
            path += ".toml"
        elif name.endswith(".toml"):
            path = name
        else:
            return None
        tasks = {task.name: task for task in load_file(path)}
        if not which and len(tasks) > 1:
            raise WrongUse(
                f"The task file {path} has several tasks; write {path}:NAME with NAME one of "
                f"{', '.join(tasks)}."
            )
        if which and which not in tasks:
            raise UnknownName(f"task in {path}", which, tasks)
        return tasks[which] if which else next(iter(tasks.values()))


def _task_files() -> list[Path]:
    named = os.environ.get(VARIABLE)
    if named is None:
        return sorted(Path(FOLDER).glob("*.toml"))
    files: list[Path] = []
    for part in filter(None, named.split(os.pathsep)):
        path = Path(part).expanduser()
        if not path.exists():
            raise WrongUse(f"The variable {VARIABLE} names {part}, which does not exist.")
        files += sorted(path.glob("*.toml")) if path.is_dir() else [path]
    return files


def _check_unique(tasks: Iterable[Task]) -> None:
    seen: dict[str, str] = {}
    for task in tasks:
        if task.name in seen:
            raise WrongUse(
                f"Two tasks are named {task.name!r}: one in {seen[task.name]}, one in "
                f"{task.origin}. Rename one of them."
            )
        seen[task.name] = task.origin


def _task(definition: TableDefinition) -> Task:
    return Task(
        name=definition.name,
        family=definition.family,
        type=definition.type,
        labels=definition.label_words,
        metrics=tuple(reported_name(m, len(definition.label_words)) for m in definition.metrics),
        splits=dict.fromkeys(definition.splits),
        origin=str(definition.file),
        description=definition.description,
        file_columns=definition.file_columns,
        examples=partial(_examples, definition),
        score=_scorer(definition),
        content=partial(_content, definition),
    )


def _content(definition: TableDefinition) -> dict[str, str]:
    """The keys of the task in any order, and what the files of its splits hold."""
    keys = {k: v for k, v in definition.table.items() if k not in _ASIDE}
    folder = definition.file.parent
    parts = {DEFINITION: digest_of_values([READING, sorted(keys.items(), key=lambda kv: kv[0])])}
    for files in definition.splits.values():
        for path, _ in files:
            within = path.relative_to(folder) if path.is_relative_to(folder) else path
            name = str(within)
            parts.setdefault(name if name != DEFINITION else f"./{name}", file_digest(path))
    return parts


def _examples(definition: TableDefinition, split: str) -> list[Example]:
    rows = read_rows(definition, split)
    _log_once(definition, split, rows)
    return [_example(definition, row) for row in rows.usable]


def _example(definition: TableDefinition, row: Row) -> Example:
    extra: dict[str, Any] = {"line": row.line}
    if definition.kind == ANSWERS:
        extra["answers"] = list(row.answers)
    return Example(inputs=row.inputs, targets=row.targets, extra=extra)


def _scorer(definition: TableDefinition) -> Scorer:
    labels = definition.label_words
    postprocess: Any = {NUMBER: to_number, ANSWERS: to_answers}.get(definition.kind)
    if definition.kind == LABEL:
        postprocess = ToLabel(labels)
    return Scorer(metric_functions(definition.metrics, len(labels)), postprocess)


def _log_once(definition: TableDefinition, split: str, rows: Rows) -> None:
    """Warns of rows left out and labels not there, once per state of a file."""
    stamps = set()
    for path, _ in definition.splits[split]:
        try:
            state = path.stat()
        except OSError as error:
            raise SpotError(f"The file {path} vanished while it was read.") from error
        stamps.add(
            (f"{definition.file}:{definition.name}:{path}", state.st_mtime_ns, state.st_size)
        )
    if _logged.first(*stamps):
        if rows.unusable:
            _log.warning("Task %r, split %r: %s", definition.name, split, describe(rows))
        if split == "train":
            where = f"The split 'train' of task {definition.name!r}"
            seen = {row.targets for row in rows.usable}
            for message in unseen_labels(where, definition.label_words, seen):
                _log.warning("%s", message)
