"""Where a task's data is, as far as a look at folders' names tells."""

from __future__ import annotations

from pathlib import Path

from spotfw.errors import SpotError
from spotfw.tasks.bindings import bound, folder_name
from spotfw.tasks.rows.cached import ORIGIN
from spotfw.tasks.rows.prepared import prepared_folder
from spotfw.tasks.task import Task

#: What `whereabouts` may say.
BOUND, PREPARED, FILES, BROUGHT, ABSENT = "bound", "TFDS here", "files", "with plugin", "absent"
CACHED = "seqio cache"


def whereabouts(task: Task) -> tuple[str, str | None]:
    """Where a task's data is, as far as a look at folders' names tells, and the folder.

    Returns:
      ``bound`` (to a folder), ``TFDS here`` (prepared by TFDS on this machine), ``files``
      (of a task file), ``seqio cache`` (of `seqio_cache_tasks`), ``with plugin`` (it says
      nothing of its data, so it brings it), or ``absent``.
    """
    if task.origin.startswith(ORIGIN):
        return CACHED, task.origin[len(ORIGIN) :]
    try:
        folder = bound(task.name, *other_names(task))
    except SpotError:
        folder = None  # reported when the task is used; a listing goes on
    if folder is not None:
        return BOUND, str(folder)
    if task.data.startswith("tfds "):
        places = [prepared_folder(name.strip()) for name in task.data[len("tfds ") :].split(",")]
        folders = [place for place in places if place is not None]
        return (PREPARED, str(folders[0])) if len(folders) == len(places) else (ABSENT, None)
    if task.origin.endswith(".toml"):
        return FILES, str(Path(task.origin).parent)
    return (ABSENT if task.data else BROUGHT), None


def other_names(task: Task) -> tuple[str, ...]:
    """What a task's folder may be called beside its name: its short name, TFDS's names."""
    from spotfw.tasks.t5.catalogue import find_entry

    entry = find_entry(task.name)
    names = () if entry is None else entry.also
    if not task.data.startswith("tfds "):
        return names
    return (*names, *(folder_name(n.strip()) for n in task.data[len("tfds ") :].split(",")))
