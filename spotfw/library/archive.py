"""A library, or a part of one, as a single zip for sharing: packed, and checked when it is read.

The zip holds `manifest.json` and the library's own files, flat. The manifest lists every
file with its size and SHA-256, and the entries for people to read. An archive is taken
whole or refused whole: all members are checked before the first is used, and what is wrong
is named. Nothing is ever written under a name that an archive gives.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.library.check import Pair, check_pair
from spotfw.library.headers import summarize
from spotfw.library.index import KEY, Entry, as_entry
from spotfw.prompts import SoftPrompt, unpack_prompt
from spotfw.prompts.bytes import MOST
from spotfw.prompts.foreign import HEAD, foreign_file
from spotfw.reading import MOST_JSON, parse_json
from spotfw.version import __version__

#: What a manifest says of itself; a later layout would count up.
FORMAT = "spotfw.library/1"
MANIFEST = "manifest.json"
_NAME = re.compile(r"([0-9a-f]{16})\.safetensors")
_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"


@attrs.frozen(kw_only=True)
class Limits:
    """How much of an archive is read at most.

    Attributes:
      members: files in it.
      member_bytes: of one file, expanded.
      total_bytes: of all files, expanded, and of the archive itself.
    """

    members: int = 20_000
    member_bytes: int = 64 * 2**20
    total_bytes: int = 2**30


LIMITS = Limits()


def pack_archive(entries: Iterable[Entry], data: Mapping[str, bytes]) -> bytes:
    """A zip of files of a library; equal files give equal bytes.

    Args:
      entries: what the files hold.
      data: the bytes of each file, by its name ``ID.safetensors``.

    Raises:
      SpotError: there are more or larger files than `read_archive` would take.
    """
    total = sum(map(len, data.values()))
    if len(data) >= LIMITS.members or total > LIMITS.total_bytes:
        raise SpotError(
            f"{len(data)} files of {total / 2**20:.0f} MiB are more than one archive holds "
            f"({LIMITS.members - 1} files, {LIMITS.total_bytes / 2**20:.0f} MiB). Export parts, by "
            "--task or --family."
        )
    manifest = {
        "format": FORMAT,
        "spotfw": __version__,
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in sorted(data.items())
        },
        "entries": [_described(entry) for entry in entries],
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:  # floats do not shrink
        archive.writestr(_member(MANIFEST), json.dumps(manifest, indent=1).encode())
        for name, content in sorted(data.items()):
            archive.writestr(_member(name), content)
    return stream.getvalue()


def read_archive(path: files.PathLike, limits: Limits = LIMITS) -> list[Pair]:
    """The values and keys of an archive, all checked.

    Raises:
      SpotError: it is not a sound archive of a library; the message names the members at fault.
    """
    where = os.fspath(path)
    if not files.is_remote(path) and os.path.isfile(path):
        _check_size(os.path.getsize(path), where, limits)
    data = files.read_bytes(path, _most(limits) + 1)
    _check_size(len(data), where, limits)
    other = foreign_file(data[:HEAD])
    if other is not None:
        raise SpotError(f"The file {where} {other}.")
    _check_directory(data, where, limits)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            contents = _contents(archive, where, limits)
    except SpotError:
        raise
    except Exception as error:  # zipfile raises many kinds on a broken directory
        raise _broken(where, " ".join(str(error).split())[:200]) from error
    return _pairs(contents, where)


def _described(entry: Entry) -> dict[str, Any]:
    origin = entry.provenance
    names = ("task", "family", "seed", "step", "score", "model", "fingerprint")
    known = {name: getattr(origin, name) for name in names}
    return {
        "id": entry.id,
        "embedding_id": entry.embedding_id,
        "length": entry.length,
        "width": entry.width,
        **{name: value for name, value in known.items() if value is not None},
    }


def _member(name: str) -> zipfile.ZipInfo:
    """A member with nothing of this machine or moment in it."""
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o644 << 16
    info.create_system = 3
    return info


def _most(limits: Limits) -> int:
    # Stored members leave an archive a little larger than what it holds.
    return limits.total_bytes + 2**20 + 4096 * limits.members


def _check_size(size: int, where: str, limits: Limits) -> None:
    if size > _most(limits):
        raise _broken(where, f"it has {size:,} bytes, more than the {limits.total_bytes:,} taken")


def _check_directory(data: bytes, where: str, limits: Limits) -> None:
    """Refuses a list of members too long to be read at all."""
    end = data.rfind(_END, max(0, len(data) - 65557))
    if end < 0 or len(data) < end + 22:
        raise _broken(where, "it is not a zip file, or cut off")
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    if data[max(0, end - 20) :].startswith(_END64) or size > 256 * (limits.members + 1):
        raise _broken(where, f"it lists more than the {limits.members:,} members taken")


def _contents(archive: zipfile.ZipFile, where: str, limits: Limits) -> dict[str, bytes]:
    """The bytes of all prompts, by id, after every check that concerns bytes."""
    members = archive.infolist()
    if len(members) > limits.members:
        raise _broken(where, f"it has {len(members):,} members, {limits.members:,} are taken")
    total = sum(member.file_size for member in members)
    if total > limits.total_bytes:
        raise _broken(where, f"it expands to {total:,} bytes, {limits.total_bytes:,} are taken")
    bad: dict[str, str] = {}
    by_name: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        name = member.filename
        why = "there twice" if name in by_name else _refused(member, limits)
        by_name[name] = member
        if why:
            bad[name] = why
    if MANIFEST not in by_name or MANIFEST in bad:
        raise _broken(where, f"it has no sound {MANIFEST}: {bad.get(MANIFEST, 'absent')}")
    text, damage = _expanded(archive, by_name[MANIFEST])
    if damage:
        raise _broken(where, f"its {MANIFEST} is {damage}")
    listed = _listed(text, where)
    contents = {}
    for name in sorted({*by_name, *listed} - {MANIFEST} - set(bad)):
        if name not in listed:
            bad[name] = f"not listed in {MANIFEST}"
        elif name not in by_name:
            bad[name] = "listed, but not there"
        else:
            content, why = _read(archive, by_name[name], listed[name])
            if why:
                bad[name] = why
            contents[name.partition(".")[0]] = content
    _raise_if(bad, where)
    return contents


def _refused(member: zipfile.ZipInfo, limits: Limits) -> str | None:
    """Why a member is not even read, or None."""
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        return "a link or another thing that is not a file"
    if member.filename != MANIFEST and not _NAME.fullmatch(member.filename):
        return "not named as a library names its files"
    if member.flag_bits & 1 or member.compress_type not in (
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
    ):
        return "encrypted, or compressed in a way that is not read"
    most = min(limits.member_bytes, MOST_JSON if member.filename == MANIFEST else MOST)
    if member.file_size > most:
        return f"of {member.file_size:,} bytes, {most:,} are taken"
    return None


def _listed(text: bytes, where: str) -> dict[str, Any]:
    """The files that the manifest lists."""
    try:
        manifest = parse_json(text)
        layout, listed = manifest["format"], manifest["files"]
        if not isinstance(listed, dict):
            raise TypeError("'files' is not a table")
    except (ValueError, KeyError, TypeError) as error:
        raise _broken(where, f"its {MANIFEST} cannot be read ({error!r:.200})") from error
    if layout != FORMAT:
        raise SpotError(
            f"The archive {where} has the layout {layout!r}, but this spotfw knows {FORMAT!r} "
            "only. Install a newer spotfw to read it."
        )
    return listed


def _expanded(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[bytes, str | None]:
    """A member's bytes, no more than it says it has, and what is wrong with the zip's own."""
    try:
        with archive.open(member) as stream:
            return stream.read(member.file_size + 1), None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        return b"", f"damaged ({' '.join(str(error).split())[:80]})"


def _read(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, facts: Any
) -> tuple[bytes, str | None]:
    """A member's bytes, and what is wrong with them."""
    content, damage = _expanded(archive, member)
    if damage:
        return b"", damage
    digest = hashlib.sha256(content).hexdigest()
    if not isinstance(facts, dict) or (facts.get("sha256"), facts.get("bytes")) != (
        digest,
        len(content),
    ):
        return content, f"not what {MANIFEST} says: its SHA-256 or size differs"
    if not member.filename.startswith(digest[:16]):
        return content, "not named by its content"
    return content, None


def _pairs(contents: Mapping[str, bytes], where: str) -> list[Pair]:
    """The entries that the files make."""
    bad: dict[str, str] = {}
    prompts: dict[str, SoftPrompt] = {}
    for id, content in contents.items():
        try:
            prompts[id] = unpack_prompt(content, f"{id}.safetensors of {where}")
        except SpotError as error:
            bad[f"{id}.safetensors"] = str(error)
    entries = [as_entry(id, summarize(prompt)) for id, prompt in prompts.items()]
    values = [entry for entry in entries if entry is not None]
    pairs = []
    for entry in values:
        name, key = f"{entry.id}.safetensors", prompts.get(entry.embedding_id)
        own = entry.embedding_id == entry.id
        try:
            if key is None:
                raise SpotError(f"its task embedding {entry.embedding_id} is not there")
            if not own:
                check_pair(prompts[entry.id], key)
        except SpotError as error:
            bad[name] = str(error)
        pairs.append(Pair(prompts[entry.id], None if own else key))
    for id in sorted(set(prompts) - {i for e in values for i in (e.id, e.embedding_id)}):
        bad[f"{id}.safetensors"] = f"belongs to no entry (it names no {KEY})"
    _raise_if(bad, where)
    return pairs


def _raise_if(bad: Mapping[str, str], where: str) -> None:
    if bad:
        shown = "; ".join(f"{name!r:.80} is refused: {why}" for name, why in list(bad.items())[:5])
        more = f"; and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise _broken(where, f"{shown}{more}")


def _broken(where: str, why: str) -> SpotError:
    return SpotError(
        f"The archive {where} cannot be imported, and nothing of it was: {why.rstrip('.')}. Take "
        "another copy of it, or export it again."
    )
