"""Folders that seqio's ``seqio_cache_tasks`` wrote, looked at before TensorFlow reads them.

A folder holds a task's examples as its preprocessors made them, up to its
`seqio.CacheDatasetPlaceholder`: for each split records of `tf.train.Example` in
``SPLIT.tfrecord-00000-of-00064`` ..., their kinds in ``info.SPLIT.json``, and how many there are in
``stats.SPLIT.json``. It may be anyone's, and TensorFlow makes room for whatever length a record
says it has; so each says here first.
"""

from __future__ import annotations

import fnmatch
import math
import os
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.errors import SpotError, WrongUse
from spotfw.reading import MOST, open_regular, parse_json, read_regular, too_long
from spotfw.tasks.rows.digests import file_digest

#: Folders that hold one folder a cached task, by its registered name; separated as in PATH.
VARIABLE = "SPOTFW_SEQIO_CACHE"

#: How the origin of a task begins whose examples come from a cache; the folder is behind it.
ORIGIN = "seqio cache "

#: seqio writes it last.
_WHOLE = "COMPLETED"
_INFO = re.compile(r"info\.(.+)\.json", re.DOTALL)
#: Kinds of numbers that a `tf.train.Example` keeps, as seqio names them.
_KINDS = ("int32", "int64", "float32", "bool", "string")
#: Bytes of a record, files of a split, features of an example, numbers that lie together in one.
_RECORD, _SHARDS, _FEATURES, _TOGETHER = 64 * 2**20, 100_000, 1000, 2**20
#: Before a record: its length, and a checksum of that; behind it, its own checksum.
_HEAD, _TAIL = struct.Struct("<QI"), 4


@attrs.frozen
class CachedSplit:
    """What a cache says of a split.

    Attributes:
      name: the split's.
      examples: how many there are.
      shards: number of files.
      kinds: kind of each feature's numbers by its name.
    """

    name: str
    examples: int
    shards: int
    kinds: Mapping[str, str]

    @property
    def files(self) -> list[str]:
        """Names of the files with its records."""
        count = self.shards
        return [f"{self.name}.tfrecord-{i:05d}-of-{count:05d}" for i in range(count)]


def cached_folder(task: str) -> Path | None:
    """The folder of a task's cache, None where there is none or it is not whole.

    Args:
      task: the name that it is registered by with seqio.

    Raises:
      WrongUse: `VARIABLE` names something that is no folder.
    """
    parts = task.split(":")  # as seqio makes folders of a name
    if not all(part not in ("", ".", "..") and os.sep not in part for part in parts):
        return None
    for text in filter(None, os.environ.get(VARIABLE, "").split(os.pathsep)):
        parent = Path(text).expanduser()
        if not parent.is_dir():
            raise WrongUse(
                f"The variable {VARIABLE} names {text}, which is no folder. It lists folders of "
                f"this machine, separated by {os.pathsep!r}, that hold one folder a cached task; "
                "copy a cache here that lies in a bucket."
            )
        folder = parent.resolve().joinpath(*parts)
        if (folder / _WHOLE).is_file():
            return folder
    return None


def cached_splits(folder: Path) -> dict[str, CachedSplit]:
    """The splits of a cache by name, without their records.

    Raises:
      SpotError: what it says of them cannot be read, or is not as seqio writes it.
    """
    names = sorted(m[1] for name in os.listdir(folder) if (m := _INFO.fullmatch(name)))
    return {name: _split(folder, name) for name in names}


def check_records(folder: Path, split: CachedSplit) -> None:
    """Makes sure that a split's records are all there and none is longer than its file.

    Raises:
      SpotError: they are not; the message names the file.
    """
    # seqio reads whatever fits its pattern, so nothing else may.
    pattern = f"{split.name}.tfrecord-*-of-*{split.shards}"
    names = {n for n in os.listdir(folder) if fnmatch.fnmatchcase(n, pattern)}
    for name in sorted(names ^ set(split.files)):
        why = "it is no file of this split" if name in names else "it is not there"
        raise _spoilt(folder / name, why)
    count = sum(_records(folder / name) for name in split.files)
    if count != split.examples:
        raise _spoilt(
            folder / f"stats.{split.name}.json",
            f"it says {split.examples:,} examples, and the files have {count:,}",
        )


def cached_content(folder: Path) -> dict[str, str]:
    """A digest of each file of a cache, by its name."""
    names = sorted(n for n in os.listdir(folder) if n.endswith(".json") or ".tfrecord-" in n)
    return {name: file_digest(folder / name) for name in names}


def _split(folder: Path, name: str) -> CachedSplit:
    info, stats = (_json(folder / f"{what}.{name}.json") for what in ("info", "stats"))
    place = folder / f"info.{name}.json"
    shards, features = info.get("num_shards"), info.get("features")
    if type(shards) is not int or not 1 <= shards <= _SHARDS:
        raise _spoilt(place, "num_shards is no number of files")
    if not isinstance(features, dict) or not 1 <= len(features) <= _FEATURES:
        raise _spoilt(place, "features says nothing of the examples")
    version = info.get("seqio_version", "0.0.0")
    if not isinstance(version, str) or not re.fullmatch(r"[0-9][0-9a-z.+-]{0,60}", version):
        raise _spoilt(place, "seqio_version is no version")
    for feature, facts in features.items():
        if not _is_kind(facts):
            raise _spoilt(
                place,
                f"the feature {feature[:80]!r} is not one of {', '.join(_KINDS)}, with a length of "
                "its own at most in its first dimension",
            )
    examples = stats.get("examples")
    if type(examples) is not int or examples < 0:
        raise _spoilt(folder / f"stats.{name}.json", "examples is no number of examples")
    kinds = {feature: facts["dtype"] for feature, facts in features.items()}
    return CachedSplit(name, examples, shards, kinds)


def _is_kind(facts: Any) -> bool:
    """Whether a feature is as seqio writes it, but for ragged ones, whose parts nobody checks."""
    if not isinstance(facts, dict) or facts.keys() != {"shape", "dtype"}:
        return False
    shape, kind = facts["shape"], facts["dtype"]
    if kind not in _KINDS or not isinstance(shape, list) or len(shape) > 8:
        return False
    inner = shape[1:] if shape[:1] == [None] else shape
    return all(type(n) is int and n > 0 for n in inner) and math.prod(inner) <= _TOGETHER


def _json(path: Path) -> dict[str, Any]:
    try:
        value = parse_json(read_regular(path))
    except OSError as error:
        raise _spoilt(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise _spoilt(path, str(error)) from error
    if not isinstance(value, dict):
        raise _spoilt(path, "it is no JSON object")
    return value


def _records(path: Path) -> int:
    """How many records a file has; none is read."""
    count = place = 0
    try:
        with open_regular(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > MOST:
                raise too_long(MOST)
            while place < size:
                head = stream.read(_HEAD.size)
                length = _HEAD.unpack(head)[0] if len(head) == _HEAD.size else size
                place += _HEAD.size + length + _TAIL
                if place > size or length > _RECORD:
                    raise _spoilt(path, f"record {count:,} is longer than the file, or too long")
                stream.seek(place)
                count += 1
    except OSError as error:
        raise _spoilt(path, error.strerror or str(error)) from error
    return count


def _spoilt(path: Path, why: str) -> SpotError:
    return SpotError(
        f"The cache of a seqio task cannot be read: {path}: {why}. Write it anew with seqio's "
        f"seqio_cache_tasks, or take its folder out of the variable {VARIABLE}."
    )
