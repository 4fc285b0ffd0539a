"""A file's content as a short name, without reading a large file twice.

A small file is read each time. A large one is read again only where its size, times or place on
the disk have changed; what is known of it outlasts the process.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

from spotfw.errors import SpotError
from spotfw.files import user_cache, write_atomically
from spotfw.reading import MOST_JSON, open_regular, parse_json, read_regular

#: What stands for a file that is not there, or cannot be read.
ABSENT, UNREADABLE = "absent", "unreadable"

#: Bytes from which a file is known again by its size and times.
LARGE = 64 * 2**20
#: Large files that are remembered.
_MOST = 1000
#: Nanoseconds within which a file can be written twice with the same time.
_TICK = 2 * 10**9
#: Bytes read together.
_CHUNK = 2**20


def file_digest(path: str | os.PathLike[str]) -> str:
    """A digest of a file's bytes: 32 hex digits, or `ABSENT` or `UNREADABLE`."""
    try:
        with open_regular(path) as stream:
            state = os.fstat(stream.fileno())
            large = state.st_size >= LARGE
            key = _key(path, state)
            if large and (known := _known().get(key)) is not None:
                return known
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except FileNotFoundError:
        return ABSENT
    except OSError:
        return UNREADABLE
    name = digest.hexdigest()[:32]
    if large and time.time_ns() - max(state.st_mtime_ns, state.st_ctime_ns) > _TICK:
        _remember(key, name)
    return name


def digest_of_values(value: object) -> str:
    """A digest of plain JSON values: 32 hex digits."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:32]


def _key(path: str | os.PathLike[str], state: os.stat_result) -> str:
    # The time of the last change of any kind, ctime, cannot be set as mtime can.
    place = (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns)
    return f"{Path(path).resolve()} {' '.join(map(str, place))}"


def _memory() -> Path:
    return user_cache() / "digests.json"


def _known() -> Mapping[str, str]:
    try:
        values = parse_json(read_regular(_memory(), MOST_JSON))
    except (OSError, ValueError, RuntimeError):  # no file, a damaged one, no home
        return {}
    texts = isinstance(values, dict) and all(isinstance(v, str) for v in values.values())
    return values if texts else {}


def _remember(key: str, digest: str) -> None:
    recent = list({**_known(), key: digest}.items())[-_MOST:]
    try:
        write_atomically(_memory(), json.dumps(dict(recent), indent=1).encode())
    except (OSError, SpotError, RuntimeError):
        return  # read again next time
