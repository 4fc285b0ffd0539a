"""Bytes and JSON that may be anyone's, read within bounds.

Only regular files are read: a pipe would wait for a writer, a device has no end. A file is
no longer than is asked for, and JSON has bounds of depth, count and digits, so that what a
small file takes to read is small too.
"""

from __future__ import annotations

import json
import os
import stat
from typing import Any, BinaryIO

#: Bytes read of one file where nothing else is said.
MOST = 2**30
#: Bytes of a JSON text where nothing else is said.
MOST_JSON = 16 * 2**20
#: Objects and lists in objects and lists, and values in all, of a JSON text.
DEPTH, VALUES = 64, 1_000_000
#: Digits of a whole number in JSON; a seed of 128 bits has 39.
DIGITS = 40
_LARGEST = 10**DIGITS
_NESTED = frozenset({dict, list})

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class Unreadable(OSError):
    """Why a file is not read, as an operating system's refusal: `strerror` says it in words."""

    def __init__(self, why: str) -> None:
        super().__init__(0, why)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """A regular file, opened for reading.

    Raises:
      Unreadable: it is a folder, a pipe, a device or a socket.
      OSError: it is absent or cannot be opened.
    """
    try:
        _check_kind(os.stat(path))  # opening alone may wake what is behind a device
        # Between the look and the opening it may have become a pipe: that may not block.
        stream = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - given away
    except ValueError as error:  # a NUL in the name
        raise Unreadable(f"its name cannot be one ({error})") from None
    try:
        _check_kind(os.fstat(stream.fileno()))
    except BaseException:
        stream.close()
        raise
    return stream


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK)


def read_regular(path: str | os.PathLike[str], most: int = MOST) -> bytes:
    """The bytes of a regular file.

    Raises:
      Unreadable: it is no regular file, or has more than `most` bytes.
      OSError: it is absent or cannot be read.
    """
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise too_long(most)
        data = stream.read(most + 1)  # it may grow meanwhile
    if len(data) > most:
        raise too_long(most)
    return data


def too_long(most: int) -> Unreadable:
    """The refusal of a file with more bytes than are read."""
    return Unreadable(f"it has more than the {most:,} bytes that are read of such a file")


def parse_json(
    data: bytes | str, *, most: int = MOST_JSON, values: int = VALUES, depth: int = DEPTH
) -> Any:
    """The value of a JSON text within bounds.

    Args:
      data: the text.
      most: its bytes or characters at most.
      values: how many values it may hold, about: commas and opening brackets are counted.
      depth: how deep they may lie.

    Raises:
      ValueError: it is no JSON, or out of bounds; the message is a clause that says why.
    """
    if len(data) > most:
        raise ValueError(f"it has {len(data):,} bytes, more than the {most:,} that are read")
    if isinstance(data, str):
        marks = [",", "[", "{"]
        count = sum(data.count(mark) for mark in marks)
    else:
        count = sum(data.count(mark) for mark in (b",", b"[", b"{"))
    if count > values:
        raise ValueError(f"it has more than the {values:,} values that are read")
    try:
        value = json.loads(data, parse_int=_whole)
    except RecursionError:
        raise ValueError(f"it has more than {depth} levels of lists and objects") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 at byte {error.start + 1}") from None
    escape = b"\\u" if isinstance(data, bytes) else "\\u"
    if data.isascii() and escape not in data:  # type: ignore[operator]
        _check_depth(value, depth)  # half a surrogate needs more than that, and numbers are bounded
    else:
        check_values(value, depth)
    return value


def _check_depth(value: Any, depth: int) -> None:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth + 1):
        if not any(level):
            return
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if type(inner) in _NESTED  # a document has no others, and may have a million values
        ]
    raise ValueError(f"it has more than {depth} levels of lists and objects")


def _whole(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError(f"it has a number of {len(digits):,} digits")
    return int(digits)


def check_values(value: Any, depth: int = DEPTH) -> None:
    """Refuses what is too deep, too large a number, or text that no file can be written with.

    Args:
      value: of a document: dictionaries, lists and what lies in them.

    Raises:
      ValueError: it is; the message is a clause that says why.
    """
    level = [value]
    for _ in range(depth + 1):
        inner: list[Any] = []
        for item in level:
            # By how often each kind occurs: an index of a library has a million values.
            if isinstance(item, str):
                if not item.isascii():
                    try:
                        item.encode()
                    except UnicodeEncodeError:
                        raise ValueError("it has half a surrogate pair in a text") from None
            elif isinstance(item, dict):
                inner += item.keys()
                inner += item.values()
            elif isinstance(item, list):
                inner += item
            elif isinstance(item, int) and abs(item) >= _LARGEST:
                raise ValueError(f"it has a number of more than {DIGITS} digits")
        if not inner:
            return
        level = inner
    raise ValueError(f"it has more than {depth} levels of lists and objects")


def _check_kind(status: os.stat_result) -> None:
    for is_kind, name in _KINDS:
        if is_kind(status.st_mode):
            raise Unreadable(f"it is {name}, not a file")
