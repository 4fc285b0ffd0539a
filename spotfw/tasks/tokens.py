"""Examples as tokens: one with its text, many in one array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.tasks.example import Example

Tokens = npt.NDArray[np.int32]


def ended(ids: Sequence[int], most: int, end: int | None) -> Tokens:
    """Ids of a text as an engine reads them, int32: cut to `most`, the end behind them counted."""
    return np.array([*ids[: most - 1], end], np.int32)


@attrs.frozen(eq=False)
class Tokenised:
    """An example and its tokens: inputs and targets, int32, as long as was asked at most."""

    example: Example
    inputs: Tokens
    targets: Tokens


@attrs.frozen(eq=False)
class Ragged:
    """Token sequences of many lengths, end to end.

    Attributes:
      flat: int32 [sum of lengths].
      offsets: int64 [N + 1]; sequence i is ``flat[offsets[i]:offsets[i + 1]]``.
    """

    flat: Tokens
    offsets: npt.NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[npt.NDArray[np.int32] | Sequence[int]]) -> Ragged:
        """Packs sequences."""
        lengths = np.fromiter((len(s) for s in sequences), np.int64, len(sequences))
        flat = np.concatenate([np.zeros(0, np.int32), *sequences]).astype(np.int32)
        return cls(flat, np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)]))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> Tokens:
        """Sequence `index`, int32 [length], a view."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        return self.flat[self.offsets[index] : self.offsets[index + 1]]

    def __iter__(self) -> Iterator[Tokens]:
        return (self[i] for i in range(len(self)))

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Length of each sequence, int64 [N]."""
        return np.diff(self.offsets)
