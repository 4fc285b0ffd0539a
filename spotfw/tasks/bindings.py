"""Which folder of this machine holds a task's data: what the user said, kept in one JSON file.

A folder is bound by hand (``spotfw tasks bind NAME FOLDER``), or is found in one of the
folders that the environment variable `VARIABLE` names, each of which holds one folder a
task. The first is more particular and comes first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.files import write_atomically
from spotfw.reading import MOST_JSON, parse_json, read_regular

#: Folders that hold one folder a task, by the task's name; separated as in PATH.
VARIABLE = "SPOTFW_DATA"


def bindings_file() -> Path:
    """The file that keeps the bindings: ``spotfw/bindings.json`` in the user's configuration."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "spotfw" / "bindings.json"


def bindings() -> dict[str, Path]:
    """All bindings made by hand, by task name.

    Raises:
      SpotError: the file that keeps them cannot be read.
    """
    path = bindings_file()
    try:
        data = read_regular(path, MOST_JSON)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _spoilt(path, error.strerror or str(error)) from error
    try:
        folders = parse_json(data)
    except ValueError as error:
        raise _spoilt(path, str(error)) from error
    if not isinstance(folders, dict) or not all(isinstance(v, str) and v for v in folders.values()):
        raise _spoilt(path, "it is no JSON object of folders by task name")
    return {name: Path(folder) for name, folder in sorted(folders.items())}


def bind(name: str, folder: str | os.PathLike[str]) -> Path:
    """Points the task `name` to a folder; returns the folder as an absolute path.

    Whether the folder's rows are the task's is seen when they are read.

    Raises:
      WrongUse: there is no such folder.
      SpotError: the bindings cannot be kept.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        what = "is a file, not a folder" if place.exists() else "does not exist"
        raise WrongUse(
            f"{place} {what}, so the task {name!r} cannot be bound to it. Name the folder that "
            "holds its train.jsonl and validation.jsonl."
        )
    place = place.resolve()
    _keep({**bindings(), name: place})
    return place


def unbind(name: str) -> None:
    """Forgets the folder of the task `name`; the folder itself stays.

    Raises:
      UnknownName: it is not bound.
    """
    known = bindings()
    if name not in known:
        raise UnknownName("bound task", name, known)
    _keep({k: v for k, v in known.items() if k != name})


def bound(name: str, *also: str) -> Path | None:
    """The folder of a task's data, None where there is none.

    Args:
      name: the task's name.
      also: its other names, in the order they are tried.

    Raises:
      SpotError: the folder it was bound to is gone; a folder of `VARIABLE` does not exist.
    """
    names = dict.fromkeys((name, *also))
    by_hand = bindings()
    for alias in names:
        if alias in by_hand:
            if not by_hand[alias].is_dir():
                raise SpotError(
                    f"The task {name!r} is bound to the folder {by_hand[alias]}, which is not "
                    "there (any more). Bind another one with "
                    f"`spotfw tasks bind {alias} FOLDER`, or forget it with "
                    f"`spotfw tasks unbind {alias}`."
                )
            return by_hand[alias]
    for parent in parents():
        for alias in names:
            if _is_plain(alias) and (parent / alias).is_dir():
                return parent / alias
    return None


def folder_name(tfds: str) -> str:
    """The folder's name that stands for a TFDS name: ``super_glue/wsc.fixed:1.0.2`` as
    ``super_glue_wsc_fixed``."""
    return tfds.partition(":")[0].replace("/", "_").replace(".", "_").replace("-", "_")


def parents() -> list[Path]:
    """The folders that `VARIABLE` names.

    Raises:
      WrongUse: one of them is no folder.
    """
    folders = []
    for part in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        parent = Path(part).expanduser()
        if not parent.is_dir():
            raise WrongUse(
                f"The variable {VARIABLE} names {part}, which is no folder. It lists folders, "
                f"separated by {os.pathsep!r}, that hold one folder a task."
            )
        folders.append(parent.resolve())
    return folders


def _is_plain(name: str) -> bool:
    """Whether a name is one folder's, and cannot lead elsewhere."""
    return name not in ("", ".", "..") and "/" not in name and os.sep not in name


def _keep(known: Mapping[str, Path]) -> None:
    text = json.dumps({k: str(v) for k, v in sorted(known.items())}, indent=1)
    write_atomically(bindings_file(), text.encode() + b"\n")


def _spoilt(path: Path, why: str) -> SpotError:
    return SpotError(
        f"The file {path}, which keeps the folders that tasks are bound to, cannot be read "
        f"({' '.join(why.split())[:200]}). Mend it, or remove it and bind the tasks again."
    )
