"""What a task's examples depend on, part by part, so that no result stands for another task.

A part is the definition, or a file with rows; its value is a digest of what it holds. Whatever
is learned keeps the parts with it; where it is looked up again, they are compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import itertools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from spotfw.errors import BrokenPart, SpotError
from spotfw.tasks import bindings
from spotfw.tasks.rows.digests import digest_of_values, file_digest
from spotfw.tasks.task import Mixture, Task
from spotfw.tasks.whereabouts import other_names

#: Part -> digest of it, or its version.
Content = Mapping[str, str]

#: The part of a task that is not in its data: its template, labels, metrics ...
DEFINITION = "definition"

#: Splits read of a task that does not say which it has.
USUAL = ("train", "validation")

#: Examples of each split that are read of a task that does not say its content.
LOOKED_AT = 10_000


def content_of(task: Task | Mixture) -> dict[str, str]:
    """The parts of a task as they are now, or those it was `pinned` with.

    Returns:
      part -> digest; of a mixture, the parts of its members, ``MEMBER: PART``, and its rates.
      Of a task without `Task.content`: its facts, its distribution's version, the files of the
      folder bound to it, and otherwise its first `LOOKED_AT` examples of each split.

    Raises:
      BrokenPart: a plugin's task gives something else than texts by text.
    """
    if isinstance(task, Mixture):
        parts = {f"{m.name}: {part}": d for m in task.tasks for part, d in content_of(m).items()}
        mixed = [[member.name for member in task.tasks], task.rates]
        return {"members and rates": digest_of_values(mixed), **parts}
    if task.pinned:
        return dict(task.pinned)
    if task.content is None:
        return _without_content(task)
    given = task.content()
    texts = isinstance(given, Mapping) and given
    if not texts or not all(type(text) is str for pair in given.items() for text in pair):
        raise BrokenPart(
            f"The task {task.name!r} gave {str(given)!r:.80} as its content, where texts by the "
            "names of its parts are wanted. Mend the plugin it comes from."
        )
    return dict(given)


def digest_of(content: Content) -> str:
    """A whole content as one name: 32 hex digits."""
    return hashlib.sha256(json.dumps(sorted(content.items())).encode()).hexdigest()[:32]


def pinned(task: Task | Mixture) -> Task | Mixture:
    """The task with its content as it is now, by which it differs from later states of it."""
    if isinstance(task, Mixture):
        return attrs.evolve(task, tasks=tuple(_pinned(member) for member in task.tasks))
    return _pinned(task)


def check_unchanged(task: Task) -> None:
    """Makes sure that a pinned task's data are still what they were.

    Raises:
      SpotError: they changed; the message says which part.
    """
    if not task.pinned or task.content is None:
        return
    changed = changes(dict(task.pinned), content_of(attrs.evolve(task, pinned=())))
    if changed:
        raise SpotError(
            f"The data of the task {task.name!r} changed while it was being used: "
            f"{', '.join(changed)}. What was learned so far is of the data before. Put them back, "
            "or tune in another folder."
        )


def changes(was: Content, now: Content) -> list[str]:
    """What differs between two contents, a clause each: ``train.jsonl has changed``."""
    clauses = []
    for part in [*was, *(p for p in now if p not in was)]:
        if part not in now:
            clauses.append(f"{part} is gone")
        elif part not in was:
            clauses.append(f"{part} is new")
        elif was[part] != now[part]:
            clauses.append(f"{part} has changed")
    return clauses


def _pinned(task: Task) -> Task:
    return task if task.pinned else attrs.evolve(task, pinned=tuple(content_of(task).items()))


def _without_content(task: Task) -> dict[str, str]:
    facts = [task.name, task.family, task.type, task.labels, task.metrics, sorted(task.splits)]
    parts = {DEFINITION: digest_of_values([*facts, task.data, task.train_examples])}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError, ValueError):
        parts[task.origin] = importlib.metadata.version(task.origin)
    if Path(task.origin).is_file():
        parts[task.origin] = file_digest(task.origin)
    files = dict(_files_bound_to(task))
    parts |= files
    if not files and task.examples is not None and not task.data.startswith("tfds "):
        parts |= {
            f"split {split}": _examples_digest(task, split)
            for split in sorted(task.splits or USUAL)
        }
    return parts


def _files_bound_to(task: Task) -> Iterable[tuple[str, str]]:
    try:
        folder = bindings.bound(task.name, *other_names(task))
    except SpotError:
        return  # reported when the rows are read
    if folder is not None:
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                yield path.name, file_digest(path)


def _examples_digest(task: Task, split: str) -> str:
    """A digest of the first examples; what cannot be read is reported when it is tuned on."""
    assert task.examples is not None
    digest = hashlib.sha256()
    try:
        for example in itertools.islice(task.examples(split), LOOKED_AT):
            values = [example.inputs, example.targets, dict(example.extra)]
            digest.update(json.dumps(values, default=repr).encode())
    except Exception as error:
        return f"unreadable: {type(error).__name__}"
    return digest.hexdigest()[:32]
