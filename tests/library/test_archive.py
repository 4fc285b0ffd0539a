"""A zip of a library comes back as it was, or is refused whole with its faults named."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.library import Library
from spotfw.library.archive import LIMITS, MANIFEST, Limits, read_archive
from spotfw.library.exchange import export_archive, import_prompts
from spotfw.prompts import Provenance, SoftPrompt

Members = dict[str, bytes]


def made(number: int, **values: Any) -> SoftPrompt:
    array = np.random.default_rng(number).normal(size=(3, 4))
    facts = {"fingerprint": "f", "task": f"t{number}", "seed": number, **values}
    return SoftPrompt(array, Provenance(**facts))


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Two entries with a key of their own each, and one that is its own key."""
    place = Library(tmp_path / "lib")
    for number in range(2):
        place.add(made(number, score=80.0), made(number, step=5))
    place.add(made(2))
    return place


@pytest.fixture
def archive(library: Library, tmp_path: Path) -> Path:
    export_archive(library, library.entries(), str(tmp_path / "a.zip"))
    return tmp_path / "a.zip"


def members(path: Path) -> Members:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(path: Path, content: Members, *more: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, data in [*content.items(), *more]:
            file.writestr(name, data)
    return path


def refused(path: Path, library: Library, limits: Limits = LIMITS) -> str:
    """What is said of an archive that is refused, by which the library does not change."""
    before = sorted(os.listdir(library.folder)) if os.path.isdir(library.folder) else []
    with pytest.raises(SpotError) as caught:
        read_archive(path, limits)
    if limits is LIMITS:
        with pytest.raises(SpotError):
            import_prompts(library, [str(path)])
    after = sorted(os.listdir(library.folder)) if os.path.isdir(library.folder) else []
    assert before == after
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


def test_comes_back_as_it_was(library: Library, archive: Path, tmp_path: Path) -> None:
    other = Library(tmp_path / "other")
    done = import_prompts(other, [str(archive)])
    assert {imported.id for imported in done} == {entry.id for entry in library.entries()}
    assert other.entries() == library.entries()
    assert other.verify() == []
    assert other.leftovers() == []
    for entry in library.entries():
        assert other.best(entry.id) == library.best(entry.id)
        assert other.embedding(entry.id) == library.embedding(entry.id)
    names = sorted(os.listdir(other.folder))
    import_prompts(other, [str(archive)])
    assert sorted(os.listdir(other.folder)) == names


def test_equal_libraries_give_equal_bytes(library: Library, archive: Path, tmp_path: Path) -> None:
    export_archive(library, reversed(library.entries()[::-1]), str(tmp_path / "b.zip"))
    assert (tmp_path / "b.zip").read_bytes() == archive.read_bytes()


def test_the_manifest_lists_all_with_checksums(library: Library, archive: Path) -> None:
    content = members(archive)
    manifest = json.loads(content.pop(MANIFEST))
    assert manifest["format"] == "spotfw.library/1"
    assert {name: facts["sha256"] for name, facts in manifest["files"].items()} == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items()
    }
    assert [e["task"] for e in manifest["entries"]] == ["t0", "t1", "t2"]
    assert manifest["entries"][0]["score"] == 80
    assert len(content) == 5


def test_some_entries_only(library: Library, tmp_path: Path) -> None:
    export_archive(library, library.entries(task="t1"), str(tmp_path / "one.zip"))
    assert len(members(tmp_path / "one.zip")) == 3
    with pytest.raises(SpotError, match="No prompt"):
        export_archive(library, [], str(tmp_path / "none.zip"))
    with pytest.raises(SpotError, match="already exists"):
        export_archive(library, library.entries(), str(tmp_path / "one.zip"))


def test_a_damaged_library_is_not_exported(library: Library, tmp_path: Path) -> None:
    entry = library.entries()[0]
    Path(library.path(entry.embedding_id)).write_bytes(b"x")
    with pytest.raises(SpotError, match=entry.embedding_id):
        export_archive(library, [entry], str(tmp_path / "a.zip"))
    assert not (tmp_path / "a.zip").exists()


# What is refused


@pytest.mark.parametrize(
    "name",
    [
        "../evil.safetensors",
        "/etc/evil.safetensors",
        "deep/0123456789abcdef.safetensors",
        "..\\evil.safetensors",
        "0123456789ABCDEF.safetensors",
        "0123456789abcdef.safetensors/",
        "note.txt",
        "index.json",
        "../../0123456789abcdef.safetensors",
    ],
)
def test_names_that_no_library_gives(library: Library, archive: Path, name: str) -> None:
    path = write(archive, members(archive), (name, b"data"))
    said = refused(path, library)
    assert "not named as a library names" in said or "that is not a file" in said
    assert not (archive.parent / "evil.safetensors").exists()


def test_a_link_is_refused(library: Library, archive: Path) -> None:
    content = members(archive)
    name = next(name for name in content if name != MANIFEST)
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    data = content.pop(name)
    assert f"'{name}' is refused: a link" in refused(write(archive, content, (info, data)), library)


def test_a_member_that_is_not_listed(library: Library, archive: Path) -> None:
    name = "0123456789abcdef.safetensors"
    said = refused(write(archive, members(archive), (name, b"x")), library)
    assert f"'{name}' is refused: not listed" in said


def test_a_member_that_is_missing(library: Library, archive: Path) -> None:
    content = members(archive)
    name = sorted(content)[0]
    del content[name]
    assert f"'{name}' is refused: listed, but not there" in refused(
        write(archive, content), library
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice(library: Library, archive: Path) -> None:
    content = members(archive)
    name = sorted(content)[0]
    path = write(archive, content, (name, content[name]))
    assert f"'{name}' is refused: there twice" in refused(path, library)


def test_another_content_than_the_checksum(library: Library, archive: Path) -> None:
    content = members(archive)
    first, second, *_ = sorted(content)
    content[first], content[second] = content[second], content[first]
    said = refused(write(archive, content), library)
    assert f"'{first}' is refused: not what {MANIFEST} says" in said
    assert f"'{second}' is refused" in said


def relisted(content: Members) -> Members:
    """The members with a manifest that agrees with them."""
    manifest = json.loads(content[MANIFEST])
    manifest["files"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in content.items()
        if name != MANIFEST
    }
    return {**content, MANIFEST: json.dumps(manifest).encode()}


def test_a_name_that_is_not_of_the_content(library: Library, archive: Path) -> None:
    content = members(archive)
    name = sorted(content)[0]
    content["0123456789abcdef.safetensors"] = content.pop(name)
    said = refused(write(archive, relisted(content)), library)
    assert "'0123456789abcdef.safetensors' is refused: not named by its content" in said


def test_a_file_that_is_no_prompt(library: Library, archive: Path) -> None:
    data = b"no prompt"
    name = hashlib.sha256(data).hexdigest()[:16] + ".safetensors"
    said = refused(write(archive, relisted({**members(archive), name: data})), library)
    assert f"'{name}' is refused: The file {name} of" in said


def test_an_entry_without_its_key_and_a_key_without_its_entry(
    library: Library, archive: Path
) -> None:
    entry = library.entries()[0]
    for gone, said in ((entry.embedding_id, "is not there"), (entry.id, "belongs to no entry")):
        content = members(archive)
        del content[f"{gone}.safetensors"]
        path = write(archive.with_name("b.zip"), relisted(content))
        assert said in refused(path, library)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b'{"format": "spotfw.library/1"}', "cannot be read"),
        (b'{"format": "spotfw.library/1", "files": []}', "cannot be read"),
        (b'{"format": "spotfw.library/9", "files": {}}', "Install a newer"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"format": "spotfw.library/1", "files": {}}', "not listed"),
    ],
)
def test_a_broken_manifest(library: Library, archive: Path, text: bytes, said: str) -> None:
    assert said in refused(write(archive, {**members(archive), MANIFEST: text}), library)


def test_without_a_manifest(library: Library, archive: Path) -> None:
    content = members(archive)
    del content[MANIFEST]
    assert "no sound manifest.json: absent" in refused(write(archive, content), library)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_that_are_not_read(library: Library, archive: Path, method: int) -> None:
    content = members(archive)
    with zipfile.ZipFile(archive, "w", method) as file:
        for name, data in content.items():
            file.writestr(name, data)
    assert "compressed in a way" in refused(archive, library)


def test_deflated_by_others_is_read(library: Library, archive: Path) -> None:
    content = members(archive)
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in content.items():
            file.writestr(name, data)
    assert len(read_archive(archive)) == 3


def test_bounds(library: Library, archive: Path) -> None:
    assert len(read_archive(archive, Limits(members=6))) == 3
    cases: list[tuple[dict[str, int], str]] = [
        ({"members": 5}, "6 members"),
        ({"members": 0}, "lists more than the 0 members"),
        ({"member_bytes": 100}, "100 are taken"),
        ({"total_bytes": 100}, "100 are taken"),
    ]
    for limits, said in cases:
        assert said in refused(archive, library, Limits(**limits))
    size = archive.stat().st_size
    with archive.open("r+b") as file:
        file.truncate(size + 2**23)
    assert "bytes, more than" in refused(archive, library, Limits(members=10, total_bytes=2**20))


def test_a_bomb_is_not_expanded(library: Library, archive: Path) -> None:
    """65 MiB of zeros in 66 kB, and the same again with a header that lies about it."""
    name = "0123456789abcdef.safetensors"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(MANIFEST, json.dumps({"format": "spotfw.library/1", "files": {name: {}}}))
        file.writestr(name, bytes(65 * 2**20))
    assert "67,108,864 are taken" in refused(archive, library)
    data = archive.read_bytes()
    lying = data.replace((65 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != data
    archive.write_bytes(lying)
    assert name in refused(archive, library)


@given(st.data())
def test_cut_or_changed_it_is_refused_or_the_same(data: st.DataObject) -> None:
    whole = _packed()
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    if data.draw(st.booleans()):
        broken = broken[:place]
    else:
        broken[place] ^= data.draw(st.integers(1, 255))
    path = _SCRATCH / "broken.zip"
    path.write_bytes(bytes(broken))
    try:
        (pair,) = read_archive(path)
    except SpotError as error:
        assert "\n" not in str(error)
        return
    assert pair.best.array.tobytes() == made(1).array.tobytes()


_SCRATCH = Path()


@pytest.fixture(autouse=True, scope="module")
def _scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _SCRATCH
    _SCRATCH = tmp_path_factory.mktemp("archives")


def _packed() -> bytes:
    path = _SCRATCH / "whole.zip"
    if not path.exists():
        library = Library(_SCRATCH / "lib")
        library.add(made(1))
        export_archive(library, library.entries(), str(path))
    return path.read_bytes()


def test_what_is_no_zip(library: Library, tmp_path: Path) -> None:
    for data in (b"", b"PK", b"no zip at all" * 100):
        (tmp_path / "x.zip").write_bytes(data)
        assert "not a zip file" in refused(tmp_path / "x.zip", library)
    with pytest.raises(SpotError, match="no file"):
        read_archive(tmp_path / "absent.zip")


def test_an_interrupted_import_leaves_a_valid_library(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after every number of writes."""
    from spotfw import files

    real: Callable[..., None] = files.write_atomically
    counts = []
    for most in range(6):
        other = Library(tmp_path / f"other{most}")
        written = io.StringIO()

        def stopping(
            path: Any, data: bytes, most: int = most, log: Any = written, **options: Any
        ) -> None:
            if len(log.getvalue()) == most:
                raise KeyboardInterrupt
            log.write("x")
            real(path, data, **options)

        with monkeypatch.context() as patch:
            patch.setattr(files, "write_atomically", stopping)
            if most < 5:
                with pytest.raises(KeyboardInterrupt):
                    import_prompts(other, [str(archive)])
            else:
                import_prompts(other, [str(archive)])
        assert other.verify() == []
        counts.append(len(other.entries()))
        assert all(re.fullmatch(r"[0-9a-f]{16}\.safetensors", n) for n in other.leftovers())
        import_prompts(other, [str(archive)])
        assert len(other.entries()) == 3
        assert other.leftovers() == []
    assert counts == sorted(counts)
    assert (counts[0], counts[-2], counts[-1]) == (0, 2, 3)
