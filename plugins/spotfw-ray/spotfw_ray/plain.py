"""Jobs and results as text and arrays: all of spotfw's that crosses the wire.

Ray pickles what it sends. A JSON text and NumPy arrays need no code of anyone's to be read back,
and a value that is neither is refused where it arises.
"""

from __future__ import annotations

import json
from typing import Any

import attrs
import numpy as np

from spotfw.contracts import JobEnded, JobProgress

#: In place of an array, in the JSON text: its number.
_ARRAY = "\0array"

Packed = tuple[str, list[Any]]


def pack(value: Any) -> Packed:
    """A plain value as JSON and the arrays that stand in it.

    Raises:
      TypeError: it is no plain value (see `spotfw.contracts.jobs`).
    """
    arrays: list[Any] = []

    def default(part: Any) -> Any:
        if not isinstance(part, np.ndarray) or part.dtype.hasobject:
            raise TypeError(f"a {type(part).__name__} is no plain value")
        arrays.append(np.ascontiguousarray(part))
        return {_ARRAY: [len(arrays) - 1, list(part.shape)]}

    return json.dumps(value, default=default), arrays


def unpack(packed: Packed) -> Any:
    """The value that was packed; its arrays can be written."""
    text, arrays = packed

    def as_array(part: dict[str, Any]) -> Any:
        if part.keys() != {_ARRAY}:
            return part
        number, shape = part[_ARRAY]
        return np.array(arrays[number]).reshape(shape)

    return json.loads(text, object_hook=as_array)


def pack_event(event: JobProgress | JobEnded) -> Packed:
    """A job's event; where its result is no plain value, an end that says so."""
    kind = type(event).__name__
    fields = attrs.asdict(event, recurse=False)
    try:
        return pack([kind, fields])
    except (TypeError, ValueError) as error:
        return pack_event(JobEnded.from_exception(event.key, error))


def unpack_event(packed: Packed) -> JobProgress | JobEnded:
    """The event that was packed."""
    kind, fields = unpack(packed)
    event: JobProgress | JobEnded = {"JobProgress": JobProgress, "JobEnded": JobEnded}[kind](
        **fields
    )
    return event
