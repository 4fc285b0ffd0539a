"""Tokens of many texts, kept on disk so that several processes and later runs need not cut again.

What is kept is named by all that it depends on: the texts as the model reads them, the vocabulary,
the length. So it is never out of date, whatever became of the task. A file appears whole, is
checked when it is read, and is made again where it is not what was written. The folder may be
deleted at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw.reading import read_regular
from spotfw.tasks.tokens import Ragged, Tokens, ended
from spotfw.tasks.vocabulary import encode_all

#: Megabytes that are kept, of 10^6 bytes; 0: none.
VARIABLE = "SPOTFW_TOKENS_CACHE"
DEFAULT_MEGABYTES = 1000

#: Characters of the texts from which tokens are kept: some 0.1 s of cutting.
SMALLEST = 2**19
#: Texts that are held a second time at once: as lists of tokens of any length, as bytes.
_AT_ONCE = 1024
#: A file's part of all that is kept, at most.
_SHARE = 4

SUFFIX = ".tokens"
#: Part of each file's name; another number where tokens are cut or kept otherwise.
_FORMAT = 1
#: Libraries that vocabularies are cut by.
_CUTTERS = ("sentencepiece", "tokenizers")
#: In front of the numbers: SHA-256, then how many texts there are and bytes of a token.
_DIGEST, _HEADER = 32, 32 + 8 + 8


def cut(vocabulary: Any, texts: Sequence[str], length: int) -> Ragged:
    """The tokens of texts, each at most `length` with the end behind it.

    Args:
      vocabulary: a `spotfw.tasks.vocabulary.Vocabulary`; what one without a ``digest`` makes is
        not kept.
      texts: as the model reads them.
      length: tokens kept of each, the end among them.

    Raises:
      WrongUse: the variable `VARIABLE` is no number.
    """
    most = _most_bytes()
    key = None
    if most and sum(map(len, texts)) >= SMALLEST:
        key = _key(vocabulary, texts, length)
    if key is None:
        return _cut(vocabulary, texts, length)
    kept = _read(key, len(texts), length, getattr(vocabulary, "vocab_size", None))
    if kept is None:
        kept = _cut(vocabulary, texts, length)
        _write(key, kept, most)
    return kept


def folder() -> Path:
    """Where tokens are kept."""
    return files.user_cache() / "tokens"


def _cut(vocabulary: Any, texts: Sequence[str], length: int) -> Ragged:
    end = vocabulary.eos_id
    rows: list[Tokens] = []
    for start in range(0, len(texts), _AT_ONCE):
        whole = encode_all(vocabulary, texts[start : start + _AT_ONCE])
        rows.extend(ended(ids, length, end) for ids in whole)
    return Ragged.of(rows)


def _most_bytes() -> int:
    given = os.environ.get(VARIABLE) or str(DEFAULT_MEGABYTES)
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise WrongUse(
            f"The variable {VARIABLE} is {given!r:.40}. Give how many megabytes of tokens are "
            "kept, 0 for none."
        )
    return int(given) * 10**6


def _key(vocabulary: Any, texts: Sequence[str], length: int) -> str | None:
    """A name of the tokens, 32 hex digits; None where the vocabulary has none."""
    # First, since it reads the vocabulary's file: the digest is then that of what was read.
    end = vocabulary.eos_id
    digest = getattr(vocabulary, "digest", None)
    if not isinstance(digest, str):
        return None
    cls = type(vocabulary)
    kind = [cls.__module__, cls.__qualname__, digest, getattr(vocabulary, "extra_ids", None)]
    cutters = [_version(name) for name in _CUTTERS]
    facts = [_FORMAT, kind, end, cutters, length, len(texts)]
    name = hashlib.sha256(json.dumps(facts).encode())
    name.update(np.fromiter(map(len, texts), "<i8", len(texts)).tobytes())
    for start in range(0, len(texts), _AT_ONCE):
        joined = "".join(texts[start : start + _AT_ONCE])
        name.update(joined.encode(errors="surrogatepass"))
    return name.hexdigest()[:32]


def _version(name: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(name)
    return None


def _read(key: str, count: int, length: int, ids: int | None) -> Ragged | None:
    """What is kept by a name; None where nothing is, or not what was written.

    Args:
      count, length: texts, and tokens of each at most.
      ids: that the vocabulary has, None where it does not say.
    """
    try:
        path = folder() / (key + SUFFIX)
        tokens = _unpacked(read_regular(path, _HEADER + 4 * count * (length + 1)), key)
    except (OSError, RuntimeError, ValueError):  # no file, another's, no home
        return None
    lengths = tokens.lengths
    if len(tokens) != count or lengths.min() < 1 or lengths.max() > length:
        return None
    if tokens.flat.min() < 0 or tokens.flat.max() >= (2**31 if ids is None else ids):
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # it is the last that is removed
    return tokens


def _write(key: str, tokens: Ragged, most: int) -> None:
    """Keeps tokens, in place of the oldest where there is no room; where it cannot, nothing."""
    data = _packed(tokens, key)
    if len(data) * _SHARE > most:
        return
    with contextlib.suppress(OSError, SpotError, RuntimeError):
        place = folder()
        files.write_atomically(place / (key + SUFFIX), data)
        for name in files.list_leftovers(place):
            with contextlib.suppress(SpotError):  # another's
                files.remove(place / name)
        _make_room(place, most)


def _make_room(place: Path, most: int) -> None:
    """Removes the files that were not used for longest until the others have room."""
    entries = []
    for path in place.glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another process makes room too
            state = path.stat()
            entries.append((state.st_mtime_ns, state.st_size, path))
    size = sum(entry[1] for entry in entries)
    for _, bytes_, path in sorted(entries):
        if size <= most:
            return
        with contextlib.suppress(OSError):  # a folder, or another's
            path.unlink(missing_ok=True)
            size -= bytes_


def _packed(tokens: Ragged, key: str) -> bytes:
    kind = (
        "<u2" if tokens.flat.max(initial=0) < 2**16 and tokens.flat.min(initial=0) >= 0 else "<i4"
    )
    body = b"".join(
        (
            len(tokens).to_bytes(8, "little"),
            np.dtype(kind).itemsize.to_bytes(8, "little"),
            tokens.lengths.astype("<i4").tobytes(),
            tokens.flat.astype(kind).tobytes(),
        )
    )
    return _digest(key, body) + body


def _unpacked(data: bytes, key: str) -> Ragged:
    """The tokens of a file's bytes.

    Raises:
      ValueError: they are not what was written by this name.
    """
    body = memoryview(data)[_DIGEST:]
    if len(data) < _HEADER or _digest(key, body) != data[:_DIGEST]:
        raise ValueError("the bytes do not match their digest")
    count, size = (int.from_bytes(body[start : start + 8], "little") for start in (0, 8))
    if size not in (2, 4) or count * 4 > len(body):
        raise ValueError("the sizes are no sizes")
    lengths = np.frombuffer(body, "<i4", count, 16).astype(np.int64)
    flat: npt.NDArray[Any] = np.frombuffer(
        body, f"<{'u2' if size == 2 else 'i4'}", -1, 16 + 4 * count
    )
    if (lengths < 0).any() or lengths.sum() != len(flat):
        raise ValueError("the lengths are those of other tokens")
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Ragged(flat.astype(np.int32), offsets)


def _digest(key: str, body: bytes | memoryview) -> bytes:
    """SHA-256 of what is kept and of its name, so that no file stands for another."""
    digest = hashlib.sha256(key.encode())
    digest.update(body)
    return digest.digest()
