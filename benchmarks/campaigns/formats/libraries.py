"""Libraries: index, entries' files and archives; what is shown must be the files' truth."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import stat
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import attrs

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.formats.prompts import header_changed
from benchmarks.campaigns.verdict import Format, Shown, WrongValue


@attrs.frozen
class Sound:
    """A sound library: its files, and what it lists."""

    folder: Path
    files: dict[str, bytes]
    listed: list[dict[str, Any]]
    archive: bytes


def _prepare(folder: Path) -> Sound:
    from spotfw.testing.tiny_library import fill_library
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    place = folder / "library"
    fill_library(place, write_tiny_tasks(folder / "tasks"), seeds=2)
    cli("library", "verify", "--library", place)
    listed = json.loads(cli("library", "list", "--library", place, "--json").out)
    cli("library", "export", folder / "all.zip", "--library", place)
    files = {path.name: path.read_bytes() for path in place.iterdir()}
    return Sound(place, files, listed, (folder / "all.zip").read_bytes())


def _place(case: Path, sound: Sound) -> None:
    shutil.copytree(sound.folder, case / "library")


def _index(random: Random, case: Path, sound: Sound) -> str:
    path = case / "library" / "index.json"
    if random.random() < 0.1:
        return mutate.pick(random, path, sound.files["index.json"])
    text, what = mutate.json_text(random, json.loads(sound.files["index.json"]))
    path.write_bytes(text)
    return what


def _take_index(case: Path, sound: Sound) -> Shown:
    shown = cli("library", "list", "--library", case / "library", "--json")
    if shown.status == 0 and json.loads(shown.out) != sound.listed:
        raise WrongValue("the list is not what the files say")
    plain = cli("library", "list", "--library", case / "library")
    checked = cli("library", "verify", "--library", case / "library")
    if checked.status:
        raise WrongValue("verify finds fault with sound files")
    return Shown(max(shown.status, plain.status), plain.out + checked.out, shown.err + plain.err)


def _entry(random: Random, case: Path, sound: Sound) -> str:
    name = random.choice([name for name in sound.files if name.endswith(".safetensors")])
    path, data = case / "library" / name, sound.files[name]
    if random.random() < 0.5:
        (case / "library" / "index.json").unlink()
    act = random.choice(("damage", "damage", "damage", "header", "renamed", "stray", "gone"))
    if act == "damage":
        return mutate.pick(random, path, data)
    if act == "header":
        changed, what = header_changed(random, data)
        if random.random() < 0.5:  # named by its content, as a library would
            path.unlink()
            path = path.with_name(hashlib.sha256(changed).hexdigest()[:16] + ".safetensors")
        path.write_bytes(changed)
        return f"{what} as {path.name}"
    if act == "renamed":
        path.rename(
            path.with_name(random.choice(("0" * 16, "\x1b[31m", "a b", name[:8])) + ".safetensors")
        )
        return f"renamed {name}"
    if act == "stray":
        stray = random.choice(("\x1b[31mred.safetensors", "x.safetensors", ".safetensors"))
        (case / "library" / stray).write_bytes(data)
        return "a stray file"
    path.unlink()
    return f"gone {name}"


def _take_entry(case: Path, sound: Sound) -> Shown:
    place = case / "library"
    shown = [
        cli("library", "list", "--library", place, "--json"),
        cli("library", "list", "--library", place),
        cli("library", "verify", "--library", place),
        cli("library", "verify", "--library", place, "--json"),
    ]
    changed = {
        name
        for name, data in sound.files.items()
        if name.endswith(".safetensors") and _bytes(place / name) != data
    }
    strange = {p.name for p in place.iterdir()} - set(sound.files)
    if changed and not strange and shown[2].status == 0:
        gone = all(not (place / name).exists() for name in changed)
        values = {entry["id"] + ".safetensors" for entry in sound.listed}
        if not (gone and changed <= values):
            raise WrongValue("verify finds nothing where a file is damaged")
    if shown[0].status == 0:
        _same_prompts(json.loads(shown[0].out), place)
    status = max(answer.status for answer in shown)
    return Shown(status, "".join(s.out for s in shown), "".join(s.err for s in shown))


def _same_prompts(listed: list[dict[str, Any]], place: Path) -> None:
    """Whatever is given by an id must be the bytes the id is made of."""
    from spotfw.errors import SpotError
    from spotfw.library import Library

    library = Library(str(place))
    for entry in listed:
        try:
            library.best(entry["id"])
        except SpotError:
            continue
        data = (place / f"{entry['id']}.safetensors").read_bytes()
        if hashlib.sha256(data).hexdigest()[:16] != entry["id"]:
            raise WrongValue("a prompt that is not what was added")


def _bytes(path: Path) -> bytes | None:
    if not path.is_file() or path.stat().st_size > 2**24:
        return None
    return path.read_bytes()


def _place_archive(case: Path, sound: Sound) -> None:
    (case / "shared.zip").write_bytes(sound.archive)


def _archive(random: Random, case: Path, sound: Sound) -> str:
    path = case / "shared.zip"
    if random.random() < 0.4:
        return mutate.pick(random, path, sound.archive)
    with zipfile.ZipFile(io.BytesIO(sound.archive)) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    names = [name for name in members if name != "manifest.json"]
    name = random.choice(names)
    extra: list[tuple[zipfile.ZipInfo, bytes]] = []
    packed = zipfile.ZIP_DEFLATED
    act = random.choice(
        (
            "manifest",
            "manifest",
            "bomb",
            "bytes",
            "header",
            "name",
            "twice",
            "link",
            "many",
            "member",
            "gone",
        )
    )
    what = act
    if act == "manifest":
        members["manifest.json"], what = mutate.json_text(
            random, json.loads(members["manifest.json"])
        )
    elif act == "bomb":
        filling = random.choice((b" ", b"[", b'{"a":', b"0", b'["",', b"{},"))
        size = random.choice((2**20, 2**24, 2**26))
        head = b'{"files": [' if filling in (b"{},", b"0") else b""
        members["manifest.json"] = head + filling * (size // len(filling))
        what = f"a manifest of {size} bytes of {filling!r}"
    elif act == "bytes":
        members[name], what = mutate.damaged(random, members[name])
    elif act == "header":
        changed, what = header_changed(random, members.pop(name))
        digest = hashlib.sha256(changed).hexdigest()
        members[f"{digest[:16]}.safetensors"] = changed
        manifest = json.loads(members["manifest.json"])
        manifest["files"].pop(name)
        manifest["files"][f"{digest[:16]}.safetensors"] = {"bytes": len(changed), "sha256": digest}
        members["manifest.json"] = json.dumps(manifest).encode()
    elif act == "name":
        new = random.choice(
            ("../../outside/x.safetensors", "/tmp/x.safetensors", "a/b", "\x1b[31m", "..", "a\0b")
        )
        members[new] = members.pop(name)
    elif act == "twice":
        extra.append((zipfile.ZipInfo(name), members[name]))
    elif act == "link":
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        info.create_system = 3
        members.pop(name)
        extra.append((info, b"../../outside/secret.txt"))
    elif act == "many":
        for number in range(random.choice((100, 25_000))):
            extra.append((zipfile.ZipInfo(f"{number:016x}.safetensors"), b""))
    elif act == "member":
        members[name] = bytes(random.choice((2**20, 2**26, 2**26 + 1)))
    elif act == "gone":
        members.pop(name)
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", packed) as archive:
        warnings.simplefilter("ignore")
        for each, content in members.items():
            archive.writestr(each, content)
        for info, content in extra:
            archive.writestr(info, content)
    return what


def _take_archive(case: Path, sound: Sound) -> Shown:
    place = case / "library"
    shown = cli("library", "import", case / "shared.zip", "--library", place, "--json")
    there = {path.name for path in place.iterdir()} if place.is_dir() else set()
    prompts = {name for name in there if name.endswith(".safetensors")}
    if shown.status and prompts:
        raise WrongValue("an archive that was refused left prompts in the library")
    for name in prompts:
        data = (place / name).read_bytes()
        if hashlib.sha256(data).hexdigest()[:16] != name[:16]:
            raise WrongValue("a prompt that is not named by its content")
    if there - prompts - {"index.json"}:
        raise WrongValue("a file that is no library's")
    if shown.status == 0:
        listed = cli("library", "list", "--library", place)
        return Shown(listed.status, listed.out, shown.err + listed.err)
    return shown


FORMATS = (
    Format(
        name="library index",
        prepare=_prepare,
        place=_place,
        change=_index,
        take=_take_index,
    ),
    Format(
        name="library entry",
        prepare=_prepare,
        place=_place,
        change=_entry,
        take=_take_entry,
    ),
    Format(
        name="library archive",
        prepare=_prepare,
        place=_place_archive,
        change=_archive,
        take=_take_archive,
        megabytes=400,
    ),
)
