"""A file of rows as UTF-8, or the reason why it holds no rows that can be read.

What begins with UTF-16's or UTF-32's mark of byte order is read as that. What is no text at
all, or one JSON document in place of JSON lines, is refused as a whole: line by line, it would
be a few rows by accident.
"""

from __future__ import annotations

import codecs
import io
import itertools
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from spotfw.errors import SpotError

#: Bytes read at once.
_CHUNK = 2**16

#: Marks of byte order, the longer ones first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

#: How files begin that hold rows, but not as text.
_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive (Excel's .xlsx is one)"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"BZh91AY&SY", "compressed by bzip2"),
    (b"\xfd7zXZ\x00", "compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd"),
    (b"version https://git-lfs.github.com/", "a pointer of Git LFS (git lfs pull gets the file)"),
    (b"PAR1", "a Parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3\0", "an SQLite database"),
)


class NotRows(SpotError):
    """A file that as a whole is none of rows; the message says what it is and what to do."""


def open_rows(stream: BinaryIO) -> BinaryIO:
    """A file's bytes as UTF-8.

    Args:
      stream: the file, at its beginning; it is read on as the result is.

    Raises:
      NotRows: it is not text; also while it is read, where it breaks the encoding that its
        mark of byte order says.
    """
    start = stream.read(_CHUNK)
    for beginning, what in _BEGINNINGS:
        if start.startswith(beginning):
            raise NotRows(
                f"{file_name(stream)} is {what}, not text. Save its rows as UTF-8 text: as CSV, "
                "as tab-separated values or as JSON lines."
            )
    chunks: Iterator[bytes] = itertools.chain([start], iter(lambda: stream.read(_CHUNK), b""))
    encoding = marked_encoding(start)
    if encoding is not None:
        chunks = _recoded(chunks, encoding, stream)
    elif start[:1024].count(0) * 4 > len(start[:1024]) > 3:
        little = start[1:1024:2].count(0) > start[:1024:2].count(0)
        guess = "UTF-16LE" if little else "UTF-16BE"
        raise NotRows(
            f"{file_name(stream)} is not UTF-8: many of its first bytes are 0, as in UTF-16 "
            f"without a mark of byte order. {how_to_convert(stream, guess)}"
        )
    return io.BufferedReader(_Chunks(chunks), _CHUNK)


def marked_encoding(start: bytes) -> str | None:
    """The encoding, UTF-16 or UTF-32, whose mark of byte order a text begins with."""
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def check_json_lines(first: bytes | None, start: bytes, stream: BinaryIO) -> None:
    """Refuses a JSON array in place of JSON lines.

    Args:
      first: the first line that is not blank, None where it is too long to be one.
      start: its first bytes.
      stream: the file, for its name.

    Raises:
      NotRows: it is a JSON array.
    """
    if not start.lstrip().startswith(b"["):
        return
    if first is not None and _is_list_of_values(first):
        return  # a row that is a list; each such line says so
    name = shlex.quote(_path(stream) or "FILE.json")
    raise NotRows(
        f"{file_name(stream)} is a JSON array of rows, not JSON lines (one JSON object a line). "
        'Make JSON lines of it with: python -c "import json, sys; '
        "[print(json.dumps(row)) for row in json.load(open(sys.argv[1], encoding='utf-8'))]\" "
        f"{name} > rows.jsonl"
    )


def file_name(stream: BinaryIO) -> str:
    """A file as the beginning of a sentence."""
    path = _path(stream)
    return f"The file {path}" if path else "The file"


def how_to_convert(file: BinaryIO | Path, encoding: str = "WINDOWS-1252") -> str:
    """The command that makes UTF-8 of a file, as a sentence without its full stop."""
    name = str(file) if isinstance(file, Path) else _path(file)
    also = " if it is Latin-1 or Windows-1252" if encoding == "WINDOWS-1252" else ""
    return f"Convert it{also}: iconv -f {encoding} -t UTF-8 {shlex.quote(name or 'FILE')} > NEW"


def _path(stream: BinaryIO) -> str:
    name = getattr(stream, "name", "")
    return str(name) if isinstance(name, (str, Path)) else ""


def _is_list_of_values(line: bytes) -> bool:
    """Whether a line is a whole JSON list, and none of rows."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, list) and not any(isinstance(part, dict) for part in value)


def _recoded(chunks: Iterator[bytes], encoding: str, stream: BinaryIO) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    place = 0
    for chunk in itertools.chain(chunks, [b""]):
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise NotRows(
                f"{file_name(stream)} begins as {encoding.upper()} and is none near byte "
                f"{place + error.start + 1:,} ({error.reason}). Save it as UTF-8."
            ) from None
        place += len(chunk)
        yield text.encode()


class _Chunks(io.RawIOBase):
    """Bytes that come in pieces, as a stream."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as one piece goes; 0 at the end."""
        while not self._left:
            piece = next(self._chunks, None)
            if piece is None:
                return 0
            self._left = piece
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count
