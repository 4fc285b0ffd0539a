"""A large library's headers lie in documents that never change; a new prompt costs a small one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spotfw.library import Library, headers
from spotfw.prompts import Provenance, SoftPrompt


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setattr(headers, "SHARD", 4)
    return Library(tmp_path / "lib")


def add(library: Library, *numbers: int) -> list[str]:
    arrays = [np.random.default_rng(number).normal(size=(3, 4)) for number in numbers]
    return [library.add(SoftPrompt(a, Provenance(task="t"))) for a in arrays]


def names(library: Library) -> set[str]:
    return {path.name for path in Path(library.folder, "index").glob("*")}


def in_last(library: Library) -> set[str]:
    return set(json.loads(Path(library.folder, "index.json").read_text())["prompts"])


def listed(library: Library) -> set[str]:
    return {entry.id for entry in library.entries()}


def test_they_fill_one_after_the_other(library: Library) -> None:
    ids = add(library, *range(7))
    assert listed(library) == set(ids) == in_last(library)
    assert names(library) == set()
    ids += add(library, 7)
    assert listed(library) == set(ids)
    first = names(library)
    assert len(first) == 1 and len(in_last(library)) == 4
    ids += add(library, *range(8, 24))
    assert listed(library) == set(ids) == listed(Library(library.folder))
    assert first < names(library) and len(names(library)) == 5
    assert library.verify() == []
    assert listed(library) == set(ids)


def test_what_is_added_leaves_the_others_as_they_are(library: Library) -> None:
    ids = add(library, *range(9))
    library.entries()
    (shard,) = Path(library.folder, "index").glob("*")
    before = shard.stat().st_mtime_ns, shard.read_bytes()
    ids += add(library, 9)
    assert listed(library) == set(ids)
    assert (shard.stat().st_mtime_ns, shard.read_bytes()) == before


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff" * 99])
def test_a_damaged_one_is_read_anew(library: Library, damage: bytes) -> None:
    ids = add(library, *range(20))
    library.entries()
    for path in sorted(Path(library.folder, "index").glob("*")):
        good = path.read_bytes()
        for bad in (damage, good.replace(b'"width":4', b'"width":5'), good[:-1]):
            path.write_bytes(bad)
            assert {e.width for e in library.entries()} == {4}
            assert listed(library) == set(ids)


def test_one_whose_prompts_went_goes(library: Library) -> None:
    ids = add(library, *range(20))
    library.entries()
    for id in ids:
        Path(library.path(id)).unlink()
        assert id not in listed(library)
    assert names(library) == set() == in_last(library)


def test_removal_keeps_the_rest(library: Library) -> None:
    ids = add(library, *range(20))
    library.entries()
    library.remove(*ids[:3])
    assert listed(library) == set(ids[3:])
    assert library.verify() == []


def test_those_written_again_under_their_names_stay(library: Library) -> None:
    add(library, *range(8))
    library.entries()
    (shard,) = Path(library.folder, "index").glob("*")
    good = shard.read_bytes()
    shard.write_bytes(b"{}")
    library.entries()
    assert shard.read_bytes() == good
    library.verify()
    library.verify()
    assert shard.read_bytes() == good and len(in_last(library)) == 4
