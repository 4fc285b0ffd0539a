"""Entries leave without harm to the others, and killed writers leave none."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw import files
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.library import Library, open_library
from spotfw.prompts import Provenance, SoftPrompt


def made(number: int, **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=(3, 4))
    return SoftPrompt(array, Provenance(**{"fingerprint": "f", "task": "t", **values}))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "lib")


def ids(library: Library) -> set[str]:
    names = os.listdir(library.folder)
    return {name.partition(".")[0] for name in names if name.endswith(".safetensors")}


def test_an_entry_goes_with_its_key(library: Library) -> None:
    kept, gone = library.add(made(1), made(2)), library.add(made(3), made(4))
    key = library.get(gone).embedding_id
    planned = library.remove(gone[:10], dry_run=True)
    assert planned == [f"{gone}.safetensors", f"{key}.safetensors"]
    assert len(library.entries()) == 2
    assert library.remove(gone[:10]) == planned
    assert [entry.id for entry in library.entries()] == [kept]
    assert ids(library) == {kept, library.get(kept).embedding_id}
    assert library.verify() == []
    assert library.leftovers() == []


def test_a_key_that_another_entry_uses_stays(library: Library) -> None:
    first, second = library.add(made(1), made(9)), library.add(made(2), made(9))
    key = library.get(first).embedding_id
    assert library.get(second).embedding_id == key
    assert library.remove(first) == [f"{first}.safetensors"]
    assert library.embedding(second).array.tobytes() == made(9).array.tobytes()
    assert library.remove(second) == [f"{second}.safetensors", f"{key}.safetensors"]
    assert ids(library) == set()


def test_several_at_once_share_their_key(library: Library) -> None:
    first, second, alone = (library.add(made(i), made(9)) for i in range(3))
    library.remove(first, second, alone)
    assert ids(library) == set()


def test_an_entry_that_is_anothers_key_stays(library: Library) -> None:
    own = library.add(made(1))
    embedding = library.best(own)  # named by its content, so that a value can be a key too
    other = library.add(made(2), embedding)
    key = library.get(other).embedding_id
    with pytest.raises(WrongUse, match=f"{key} is the task embedding of the entry {other}"):
        library.remove(key)
    assert len(library.entries()) == 2


def test_what_is_not_there(library: Library) -> None:
    id = library.add(made(1))
    with pytest.raises(UnknownName, match="no prompt in"):
        library.remove(id, "zzzz")
    assert len(library.entries()) == 1


def test_a_damaged_file_can_be_removed_and_takes_no_key(library: Library) -> None:
    damaged, other = library.add(made(1), made(9)), library.add(made(2), made(8))
    key = library.get(damaged).embedding_id
    Path(library.path(damaged)).write_bytes(b"x")
    Path(library.folder, "index.json").unlink()
    with pytest.raises(SpotError, match="spotfw library remove"):
        library.entries()
    # While it is there, nobody knows whose key it is.
    library.remove(other)
    assert key in ids(library)
    library.remove(damaged)
    assert library.entries() == []
    assert set(library.sweep()) == {f"{id}.safetensors" for id in ids_of(made(9), made(8))}
    assert ids(library) == set()


def ids_of(*prompts: SoftPrompt) -> set[str]:
    """The ids of prompts as keys."""
    import hashlib

    from spotfw.prompts import pack_prompt

    return {hashlib.sha256(pack_prompt(prompt)).hexdigest()[:16] for prompt in prompts}


def test_a_removal_cut_short_leaves_a_valid_library(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, gone = library.add(made(1), made(2)), library.add(made(3), made(4))
    real, count = files.remove, iter(range(9))

    def stopping(path: Any) -> None:
        if next(count) == 1:
            raise KeyboardInterrupt
        real(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "remove", stopping)
        with pytest.raises(KeyboardInterrupt):
            library.remove(gone)
    assert [entry.id for entry in library.entries()] == [kept]
    assert library.verify() == []
    assert len(library.sweep()) == 1
    assert len(ids(library)) == 2


def test_a_library_that_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="does not exist") as caught:
        open_library(tmp_path / "absent")
    assert "\n" not in str(caught.value)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpotError, match="is a file"):
        open_library(tmp_path / "file")
    assert open_library(tmp_path).entries() == []


# Many processes


def _add(folder: str, worker: int) -> None:
    library = Library(folder)
    for number in range(12):
        library.add(made(100 * worker + number), made(5))  # one key for all


def _remove(folder: str) -> None:
    library = Library(folder)
    for _ in range(30):
        for entry in library.entries()[:2]:
            with contextlib.suppress(UnknownName):
                library.remove(entry.id)


@pytest.mark.slow
def test_removing_while_others_add_with_the_same_key(library: Library) -> None:
    context = multiprocessing.get_context("spawn")
    jobs = [context.Process(target=_add, args=(library.folder, i)) for i in range(2)]
    jobs.append(context.Process(target=_remove, args=(library.folder,)))
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert [job.exitcode for job in jobs] == [0, 0, 0]
    assert library.verify() == []
    assert library.leftovers() == []


#: Adds without end, and says on stdout what stands.
WRITER = """
import sys
import numpy as np
from spotfw.library import Library
from spotfw.prompts import Provenance, SoftPrompt

folder, first = sys.argv[1], int(sys.argv[2])
library = Library(folder)
number = first
while True:
    array = np.random.default_rng(number).normal(size=(50, 64))
    origin = Provenance(fingerprint="f", task="t", seed=number)
    early = SoftPrompt(array * 2, Provenance(fingerprint="f", task="t", seed=number, step=1))
    print(library.add(SoftPrompt(array, origin), early), flush=True)
    number += 1
"""


@pytest.mark.slow
def test_killed_at_random_moments_it_stays_valid(library: Library) -> None:
    """`kill -9` of a writer, again and again: what it said stands, nothing is half."""
    moments = random.Random(0)
    said: set[str] = set()
    for trial in range(12):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, library.folder, str(1000 * trial)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        for _ in range(moments.randint(1, 12)):
            said.add(writer.stdout.readline().strip())
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(timeout=moments.random() * 0.01)
        writer.kill()
        said |= {line for line in writer.stdout.read().split("\n") if len(line) == 16}
        writer.wait()
        writer.stdout.close()
        ids = {entry.id for entry in library.entries()}
        assert said <= ids
        assert len(ids - said) <= trial + 1  # written, and killed before it could say so
        assert library.verify() == []
        library.sweep()
        assert library.leftovers() == []
        assert {entry.id for entry in library.entries()} == ids
    assert all(not name.startswith(".") for name in os.listdir(library.folder))
    assert library.verify() == []
    assert len(said) >= 12
