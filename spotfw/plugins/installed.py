"""What installed distributions offer under an entry-point group, each read by itself.

`importlib.metadata.entry_points` reads the files of all distributions at once, and a single one
that cannot be read or parsed takes all others with it.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Iterator
from pathlib import Path

import attrs

from spotfw.plugins.strangers import is_an_interrupt, one_line
from spotfw.reading import read_regular

#: Bytes of a distribution's file.
_MOST = 4 * 2**20


@attrs.frozen
class Broken:
    """A distribution whose entry points cannot be read: its folder's name, and why."""

    name: str
    error: str


def entry_points(group: str) -> Iterator[importlib.metadata.EntryPoint | Broken]:
    """Entry points of a group; of distributions of one name the first on the path counts."""
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        folder = getattr(distribution, "_path", None)
        label = str(getattr(folder, "name", "")) or "a distribution"
        # As importlib compares names, without reading METADATA of each: it takes a second.
        stem = label.removesuffix(".egg-info").partition("-")[0]
        name = stem.lower().replace("-", "_").replace(".", "_")
        if folder is not None and name in seen:
            continue
        seen.add(name)
        try:
            text = _text(distribution, folder, "entry_points.txt")
            if group in text:
                # As a list here: what is lazy would raise at whoever asks.
                yield from [e for e in distribution.entry_points if e.group == group]
        except BaseException as error:
            if is_an_interrupt(error):
                raise
            yield Broken(label, f"its entry_points.txt cannot be read: {one_line(error)}")


def origin(entry: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution of an entry point; a broken one has none."""
    try:
        if entry.dist is None:
            return "unknown", ""
        _text(entry.dist, getattr(entry.dist, "_path", None), "METADATA")
        facts = entry.dist.metadata  # parsed anew at each look
        return str(facts["Name"] or "unknown"), str(facts["Version"] or "")
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        return "unknown", ""


def _text(distribution: importlib.metadata.Distribution, folder: object, name: str) -> str:
    """A file of a distribution, empty where there is none.

    Raises:
      OSError: it is no file, or too long.
      UnicodeDecodeError: it is not UTF-8.
    """
    if not isinstance(folder, Path) or not folder.is_dir():
        return distribution.read_text(name) or ""  # in an archive on the path
    path = folder / name
    return read_regular(path, _MOST).decode() if os.path.lexists(path) else ""
