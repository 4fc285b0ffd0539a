"""Libraries that are only read, and libraries that are read together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.errors import SpotError, UnknownName
from spotfw.library import ExtendedLibrary, Library, ReleasedLibrary
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt


def made(number: int, **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=(3, 4))
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": "t", **values}))


@pytest.fixture
def released(tmp_path: Path) -> ReleasedLibrary:
    """With one prompt, as its distribution has it: without an index."""
    folder = tmp_path / "released"
    Library(folder, indexed=False).add(made(1, task="theirs"), made(2, task="theirs"))
    return ReleasedLibrary(str(folder), "small")


def test_a_released_library_is_read_and_never_written(released: ReleasedLibrary) -> None:
    before = {e.name: e.stat().st_mtime_ns for e in os.scandir(released.folder)}
    (entry,) = released.entries()
    assert released.embedding(entry.id) == released.embedding(entry.id)
    for write in (
        lambda: released.add(made(3)),
        lambda: released.remove(entry.id),
        released.sweep,
    ):
        with pytest.raises(SpotError, match="comes with the model small and is only read"):
            write()
    assert released.verify() == [] == released.leftovers()
    assert {e.name: e.stat().st_mtime_ns for e in os.scandir(released.folder)} == before


def test_a_damaged_released_library_is_reported_and_still_not_written(
    released: ReleasedLibrary,
) -> None:
    (entry,) = released.entries()
    Path(released.path(entry.embedding_id)).write_bytes(b"nothing")
    assert {p.name[:16] for p in released.verify()} == {entry.id, entry.embedding_id}
    assert all(e.name.endswith(".safetensors") for e in os.scandir(released.folder))


def test_a_library_of_ones_own_extends_it(tmp_path: Path, released: ReleasedLibrary) -> None:
    own = Library(tmp_path / "own")
    both = ExtendedLibrary(own, [released])
    id = both.add(made(5, task="ours"), made(6, task="ours"))
    (theirs,) = released.entries()
    assert [e.provenance.task for e in both.entries()] == ["ours", "theirs"]
    assert [e.id for e in both.entries(task="theirs")] == [theirs.id]
    assert [e.id for e in own.entries()] == [id]
    assert both.best(theirs.id) == released.best(theirs.id)
    assert both.embedding(id) == own.embedding(id)
    assert both.path(theirs.id) == released.path(theirs.id)
    assert both.read_file(theirs.id) == released.read_file(theirs.id)
    metric = Plugins(entry_points=False).metric("per_token_cosine")
    ranking = both.rank(made(2, task=None), metric)
    assert [item.id for item in ranking] == [theirs.id, id]
    with pytest.raises(UnknownName):
        both.get("0000")


def test_what_both_have_counts_once(tmp_path: Path, released: ReleasedLibrary) -> None:
    own = Library(tmp_path / "own")
    own.add(made(1, task="theirs"), made(2, task="theirs"))
    assert len(ExtendedLibrary(own, [released]).entries()) == 1
