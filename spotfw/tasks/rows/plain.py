"""What TFDS gives as plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """What TFDS gives as plain Python: text, numbers, lists, dictionaries."""
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, bytes):
        # Bytes that are not UTF-8 become lone surrogates, which the checks find.
        return value.decode(errors="surrogateescape")
    if hasattr(value, "to_list"):  # a ragged tensor
        return plain(value.to_list())
    if hasattr(value, "tolist"):  # a NumPy scalar or array
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if hasattr(value, "__iter__") and not isinstance(value, str):  # a data set in a row
        return [plain(part) for part in value]
    return value
