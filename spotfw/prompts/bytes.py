"""Bytes of prompt files: safetensors, NumPy and PEFT's adapter, checked when they are read.

Headers are parsed here rather than by a library so that a broken file ends in one
paragraph, and written here so that equal prompts are equal bytes, which the library's
content addresses rest on. Nothing is ever unpickled.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw import reading
from spotfw.errors import SpotError

Array = npt.NDArray[np.float32]

#: Longest header read, bytes; ours take a few thousand.
MAX_HEADER = 16 * 1024 * 1024
#: Bytes of a prompt's file; a thousand tokens of T5 XXL take 16 MiB.
MOST = 256 * 2**20
NPY_MAGIC = b"\x93NUMPY"
_FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


def pack_safetensors(tensor: str, array: Array, metadata: Mapping[str, str]) -> bytes:
    """One float32 tensor and its metadata as a safetensors file; equal input, equal bytes."""
    data = np.ascontiguousarray(array, dtype="<f4").tobytes()
    header = {
        "__metadata__": dict(metadata),
        tensor: {"dtype": "F32", "shape": list(array.shape), "data_offsets": [0, len(data)]},
    }
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def unpack_safetensors(data: bytes, tensor: str, where: str) -> tuple[Array, dict[str, str]]:
    """The tensor asked for, as float32, and the metadata of a safetensors file.

    Raises:
      SpotError: it is not a sound safetensors file, or has no such tensor of floats.
    """
    header, body = _header(data, where)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _broken(where, "its metadata is not a table of texts")
    if tensor not in header:
        names = ", ".join(sorted(map(repr, header))[:5]) or "none"
        raise SpotError(
            f"The file {where} holds no tensor {tensor!r} (it has {names}), so it is not a prompt. "
            "Give a prompt's file."
        )
    spans = [_span(name, entry, body, where) for name, entry in header.items()]
    if max(end for _, end in spans) != len(body):
        raise _broken(where, f"it has {len(body)} bytes of data where its header says otherwise")
    entry = header[tensor]
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in _FLOATS:
        raise _broken(where, f"tensor {tensor!r} is {entry['dtype']}, not floating point")
    raw = np.frombuffer(body[begin:end], _FLOATS[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        raw = (raw.astype("<u4") << 16).view("<f4")
    return _float32(raw).reshape(entry["shape"]), metadata


def pack_npy(array: Array) -> bytes:
    """The array as a ``.npy`` file."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array, dtype="<f4"), allow_pickle=False)
    return stream.getvalue()


def unpack_npy(data: bytes, where: str) -> Array:
    """The array of a ``.npy`` file of floats, as float32.

    Raises:
      SpotError: it is not a sound file of such an array.
    """
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # NumPy raises many kinds on a broken header
        raise _broken(where, " ".join(str(error).split())[:200]) from error
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
        kind = getattr(array, "dtype", type(array).__name__)
        raise _broken(where, f"it holds {kind}, not floating point numbers")
    return _float32(array)


def parse_json(text: str | bytes, where: str) -> dict[str, Any]:
    """A JSON object, within the bounds of `spotfw.reading`.

    Raises:
      SpotError: it is not one.
    """
    try:
        value = reading.parse_json(text)
    except ValueError as error:
        raise _broken(where, f"its JSON cannot be read ({error})") from error
    if not isinstance(value, dict):
        raise _broken(where, "its JSON is not an object")
    return value


def plain_json(value: Any) -> Any:
    """The value in plain JSON: NaN and infinities, which JSON does not have, become null."""
    if isinstance(value, Mapping):
        return {str(k): plain_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(v) for v in value]
    if isinstance(value, np.generic):
        return plain_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _header(data: bytes, where: str) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(data[:8], "little")
    if len(data) < 10 or not 2 <= size <= min(MAX_HEADER, len(data) - 8):
        raise _broken(where, f"{len(data)} bytes cannot hold the header they begin with")
    return parse_json(data[8 : 8 + size], where), data[8 + size :]


def _span(name: str, entry: Any, body: bytes, where: str) -> tuple[int, int]:
    """Where a tensor's bytes lie, checked against its shape and the data."""
    try:
        shape, (begin, end), dtype = entry["shape"], entry["data_offsets"], entry["dtype"]
        whole = all(type(n) is int and n >= 0 for n in [*shape, begin, end])
    except (TypeError, KeyError, ValueError):
        raise _broken(where, f"the entry of tensor {name!r} is incomplete") from None
    if len(entry) > 3:  # other readers of the format refuse it
        raise _broken(where, f"the entry of tensor {name!r} has more than a tensor's")
    if not whole or not isinstance(dtype, str) or not begin <= end <= len(body):
        raise _broken(where, f"tensor {name!r} does not lie within the file, which may be cut off")
    if dtype in _FLOATS and math.prod(shape) * np.dtype(_FLOATS[dtype]).itemsize != end - begin:
        raise _broken(
            where, f"tensor {name!r} does not have as many bytes as its shape {shape} needs"
        )
    return begin, end


def _float32(array: npt.NDArray[Any]) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is refused as infinite
        return array.astype(np.float32)


def _broken(where: str, why: str) -> SpotError:
    return SpotError(
        f"The file {where} cannot be read as a prompt: {why}. Take another copy of it, or make "
        "it again."
    )
