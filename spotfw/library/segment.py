"""One file of a vector index: entries of a library and the vectors they are compared by.

A segment never changes, and its name holds the SHA-256 of its bytes: what does not match is no
segment. Its vectors lie at the end, in memory's own layout, so that a local file is mapped and
not read; see `spotfw.library.halves` where they are kept in half precision.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import mmap
import os
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import attrs
import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.errors import SpotError
from spotfw.library.halves import Floats, fast_products, products, widened
from spotfw.reading import open_regular, parse_json, too_long

#: An entry: the ids of its value and key, a hash of its task (0: none), and its kind's place.
ROW = np.dtype([("id", "<u8"), ("embedding", "<u8"), ("task", "<u8"), ("kind", "<u8")])
FORMAT = "spotfw.vectors/1"
FLOAT32, BFLOAT16 = "float32", "bfloat16"
SUFFIX = ".vectors"
#: Bytes to which the header and the vectors are aligned.
_ALIGNED = 64
#: Bytes of a segment, so that what is no segment is not read on and on. One of 16,384 rows of the
#: widest T5 takes 2**28; a merged one is some of these.
_MOST = 2**32
#: Bytes that are hashed at once.
_CHUNK = 2**20
#: Bytes of a header; a kind of model takes about one hundred.
_MOST_HEADER = 2**20

#: What prompts of one model and shape have in common: fingerprint, model, length, width.
Kind = tuple[str | None, str | None, int, int]


@attrs.frozen(eq=False, kw_only=True)
class Segment:
    """Entries with their vectors.

    Attributes:
      rows: `ROW` [n].
      others: uint64 [m], ids of files that are no entries, which need not be read again.
      kinds: that rows name by their place.
      width: D, of a vector.
      precision: ``float32`` or ``bfloat16``.
      vectors: float32 [n, D], or uint32 [n, D / 2] where the precision is ``bfloat16``.
    """

    rows: npt.NDArray[Any]
    others: npt.NDArray[np.uint64]
    kinds: tuple[Kind, ...]
    width: int
    precision: str
    vectors: npt.NDArray[Any]

    def products(self, query: Floats, out: Floats, *, rough: bool = False) -> None:
        """The dot products of a vector [D] with each of the segment's, into `out` [n].

        Args:
          rough: bfloat16 vectors may be multiplied faster with a query that is rounded too.
        """
        if self.precision == FLOAT32:
            np.dot(self.vectors, query, out=out)
        elif not (rough and fast_products(self.vectors, query, out)):
            products(self.vectors, query, out)

    def vectors_of(self, places: npt.NDArray[np.int64]) -> Floats:
        """The vectors at some places, float32 [places, D]."""
        chosen = self.vectors[places]
        return widened(chosen) if self.precision == BFLOAT16 else chosen


def packed(segment: Segment, features: str) -> bytes:
    """A segment as bytes.

    Args:
      segment: what to pack.
      features: the name of what its vectors are.
    """
    header = {
        "format": FORMAT,
        "features": features,
        "count": len(segment.rows),
        "others": len(segment.others),
        "width": segment.width,
        "precision": segment.precision,
        "kinds": [list(kind) for kind in segment.kinds],
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGNED)
    ids = segment.rows.tobytes() + segment.others.astype("<u8").tobytes()
    ids += bytes(-len(ids) % _ALIGNED)
    return len(text).to_bytes(8, "little") + text + ids + segment.vectors.tobytes()


def write_segment(folder: str, segment: Segment, features: str) -> str:
    """Writes a segment, whole or not at all; its name.

    Raises:
      SpotError: the folder cannot be written, or the segment is larger than is read.
    """
    data = packed(segment, features)
    if len(data) > _MOST:
        raise SpotError(f"An index file of {len(data):,} bytes is larger than is read.")
    name = hashlib.sha256(data).hexdigest()[:32] + SUFFIX
    files.write_atomically(files.join(folder, name), data, tidy=False)
    return name


def open_segment(folder: str, name: str, features: str) -> Segment | None:
    """The segment of a name, mapped where it is local; None where it is of other features.

    All its bytes are read once, to compare them with its name.

    Raises:
      SpotError: it is absent, larger than 4 GiB, or not what was written.
    """
    path = files.join(folder, name)
    with contextlib.ExitStack() as opened:
        data, digest = _bytes_of(path, opened)
        try:
            return _unpacked(data, digest, name, features)
        except (ValueError, TypeError, KeyError, OverflowError, OSError) as error:
            raise SpotError(f"The index file {path} is not what was written ({error}).") from None


def _bytes_of(path: str, opened: contextlib.ExitStack) -> tuple[memoryview, Callable[[], str]]:
    """A file's bytes, mapped where it is local, and what computes their SHA-256."""
    if files.is_remote(path):
        data = files.read_bytes(path, _MOST)
        return memoryview(data), lambda: hashlib.sha256(data).hexdigest()
    try:
        stream = opened.enter_context(open_regular(path))
        size = os.fstat(stream.fileno()).st_size
        if size > _MOST:
            raise too_long(_MOST)
        mapped = memoryview(mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ))
        return mapped, lambda: _digest(stream, size)
    except ValueError:  # empty, or cut off since
        return memoryview(b""), lambda: ""
    except OSError as error:
        raise SpotError(f"The index file {path} cannot be read: {error.strerror}.") from None


def _digest(stream: BinaryIO, size: int) -> str:
    """SHA-256 of the bytes; read, for the end of a mapping that was cut off ends the process.

    Raises:
      ValueError: there are fewer now.
    """
    digest, left = hashlib.sha256(), size
    while left:
        chunk = stream.read(min(left, _CHUNK))
        if not chunk:
            raise ValueError(f"it was cut off by {left:,} bytes while it was read")
        digest.update(chunk)
        left -= len(chunk)
    return digest.hexdigest()


def _unpacked(
    data: memoryview, digest: Callable[[], str], name: str, features: str
) -> Segment | None:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 10 or not 2 <= size <= min(_MOST_HEADER, len(data) - 8):
        raise ValueError("it has no header")
    header = parse_json(bytes(data[8 : 8 + size]))
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("it is of another format")
    if header["features"] != features:
        return None
    count, others, width = (_whole(header[key]) for key in ("count", "others", "width"))
    precision = header["precision"]
    if precision not in (FLOAT32, BFLOAT16) or (precision == BFLOAT16 and width % 2):
        raise ValueError("its numbers are of another kind")
    ids = 8 + size
    vectors = ids + count * ROW.itemsize + others * 8
    vectors += -(vectors - ids) % _ALIGNED
    words = width if precision == FLOAT32 else width // 2
    whole = vectors + 4 * count * words
    if len(data) != whole:
        how = ", as if it was cut off" if len(data) < whole else ""
        raise ValueError(f"it has {len(data):,} bytes, not {whole:,}{how}")
    if digest()[:32] + SUFFIX != name:
        raise ValueError("its bytes do not match its name")
    kind = np.float32 if precision == FLOAT32 else np.uint32
    rows = np.frombuffer(data, ROW, count, ids)
    kinds = tuple(_kind(value) for value in header["kinds"])
    if count and rows["kind"].max() >= len(kinds):
        raise ValueError("a row is of no kind")
    return Segment(
        rows=rows,
        others=np.frombuffer(data, "<u8", others, ids + count * ROW.itemsize),
        kinds=kinds,
        width=width,
        precision=precision,
        vectors=np.frombuffer(data, kind, count * words, vectors).reshape(count, words),
    )


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**40:
        raise ValueError("its sizes are no numbers")
    return value


def _kind(value: Sequence[Any]) -> Kind:
    fingerprint, model, length, width = value
    if not all(isinstance(text, str | None) for text in (fingerprint, model)):
        raise ValueError("a kind is no text")
    return fingerprint, model, _whole(length), _whole(width)
