"""A registered task whose examples come from its cache, where the user says that there is one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from spotfw.errors import SpotError
from spotfw.tasks import Task
from spotfw.tasks.rows.cached import (
    ORIGIN,
    cached_content,
    cached_folder,
    cached_splits,
    check_records,
)
from spotfw.tasks.rows.digests import digest_of_values
from spotfw.tasks.task import unknown_split


def or_cached(task: Task, registered: str) -> Task:
    """The task, or where it has a cache the same task over it.

    A cache that cannot be read is an error of whoever uses the task, and of no listing.

    Args:
      task: as it is without a cache.
      registered: its name in seqio's registry.
    """
    folder = cached_folder(registered)
    if folder is None:
        return task
    splits = {}
    with contextlib.suppress(SpotError):
        splits = {name: split.examples for name, split in cached_splits(folder).items()}
    return attrs.evolve(
        task,
        splits=splits,
        train_examples=None,
        origin=f"{ORIGIN}{folder}",
        examples=None,
        score=None,
        walk=None,
        columns="",
        how_to_get="",
        build=functools.partial(_build, registered, folder),
        check=functools.partial(_check, task, folder),
        content=functools.partial(_content, registered, folder),
    )


def _build(registered: str, folder: Path, vocabulary: Any) -> Any:
    from spotfw.tasks.seqio.cache import over_cache
    from spotfw.tasks.seqio.registered import registered_task

    return over_cache(registered_task(registered), vocabulary, folder)


def _check(task: Task, folder: Path, splits: Sequence[str]) -> None:
    known = cached_splits(folder)
    for split in splits:
        if split not in known:
            raise unknown_split(task, split, known)
        check_records(folder, known[split])


def _content(registered: str, folder: Path) -> dict[str, str]:
    return {"definition": digest_of_values(registered), **cached_content(folder)}
