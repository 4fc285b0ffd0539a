"""Whether a sentencepiece model can be loaded at all.

The sentencepiece library ends the process, or reads beyond its own tables, on models whose
protocol buffer is sound but whose content is not. What it relies on is checked here first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

#: Pieces at most; mT5's and umT5's, the largest of a T5, have 256,300.
_MOST_PIECES = 2**21


def check_model(data: bytes) -> None:
    """Refuses a model that would harm the process that loads it.

    Args:
      data: of a ``.model`` file.

    Raises:
      ValueError: says what is wrong, as a clause.
    """
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from sentencepiece import sentencepiece_model_pb2

    try:
        model = sentencepiece_model_pb2.ModelProto.FromString(data)
    except DecodeError as error:
        raise ValueError("it is no protocol buffer of that kind") from error
    pieces = [entry.piece for entry in model.pieces]
    if not pieces:
        raise ValueError("it has no pieces")
    if len(pieces) > _MOST_PIECES:
        raise ValueError(f"it has {len(pieces):,} pieces, more than {_MOST_PIECES:,}")
    for number, piece in enumerate(pieces):
        if not piece or "\0" in piece:
            raise ValueError(f"its piece {number} is {'empty' if not piece else 'not text'}")
    if not np.isfinite([entry.score for entry in model.pieces]).all():
        raise ValueError("a piece has a score that is NaN or infinite")
    for spec in (model.normalizer_spec, model.denormalizer_spec):
        if spec.precompiled_charsmap:
            _check_charsmap(spec.precompiled_charsmap)


def _check_charsmap(data: bytes) -> None:
    """Checks the normalization rules: a double-array trie, and the texts its leaves point to.

    Its units are as in the library Darts-clone: a leaf (bit 31) holds a value, another the
    offset of its children, which lie at ``(place ^ offset) ^ byte``.
    """
    size = int.from_bytes(data[:4], "little")
    if size < 4 or size % 4 or 4 + size >= len(data) or data[-1] != 0:
        raise ValueError("its normalization rules are cut off")
    units = np.frombuffer(data, "<u4", count=size // 4, offset=4)
    leaf = (units >> 31).astype(bool)
    children = _reached(units, leaf)
    if children is None:
        raise ValueError("its normalization rules point beyond their table")
    if int((units[leaf] & 0x7FFFFFFF).max(initial=0)) >= len(data) - 4 - size:
        raise ValueError("its normalization rules point beyond their texts")


def _reached(units: npt.NDArray[Any], leaf: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Where the children of each inner unit begin, or None if any lies beyond the table."""
    places = np.flatnonzero(~leaf)
    inner = units[places]
    offsets = (inner >> 10) << ((inner & 0x200) >> 6)
    begins = places ^ offsets
    return begins if int((begins | 0xFF).max(initial=0)) < len(units) else None
