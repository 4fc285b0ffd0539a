"""Dropout masks that are functions of (seed, step, place) alone.

A mask's bits are hashes of coordinates: the member's seed and step, the site in the model,
the row within the member, and the feature (or head and key position). So a member drops the
same elements whether it is tuned alone or beside others, and however far its batch is padded.

As in T5 (Mesh TensorFlow's and T5X's), a mask is shared by all positions of a sequence, and
in attention by all queries. Dropping a key's weight for all queries is dropping its value, so
fused attention stays usable.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import torch

_BITS = 0xFFFFFFFF
_GOLDEN = 0x9E3779B9


def mix(value: torch.Tensor) -> torch.Tensor:
    """A 32-bit integer hash of each element, int64 values in [0, 2**32).

    Both multipliers are below 2**31, so no product leaves int64.
    """
    value = ((value ^ (value >> 16)) * 0x21F0AAAD) & _BITS
    value = ((value ^ (value >> 15)) * 0x735A2D97) & _BITS
    return value ^ (value >> 15)


def _enter(state: torch.Tensor, index: torch.Tensor | int) -> torch.Tensor:
    """The state after one more coordinate, by broadcasting; coordinates are below 2**31."""
    return mix((state + index * _GOLDEN) & _BITS)


@attrs.frozen(eq=False)
class Dropout:
    """The masks of one step, for the R rows of its members; `site` numbers places in the model.

    Attributes:
      rows: hash of each row's seed, step and number within the member, int64 [R].
      border: hashes below it are dropped, int64 [R].
      scale: 1 / (1 - rate) of each row, [R], of the masks' type.
    """

    rows: torch.Tensor
    border: torch.Tensor
    scale: torch.Tensor

    @classmethod
    def of(
        cls,
        seeds: Sequence[int],
        steps: Sequence[int],
        rates: Sequence[float],
        batch_size: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> Dropout:
        """The masks of M members with `batch_size` rows each.

        Args:
          seeds, steps, rates: of each member; a rate lies in [0, 1).
          batch_size: rows of a member.
          device, dtype: of the masks.
        """
        counters = zip(seeds, steps, strict=True)
        words = np.array([[s & _BITS, s >> 32 & _BITS, step] for s, step in counters], np.int64)
        state = torch.zeros(len(words), dtype=torch.int64)
        for column in torch.from_numpy(words).unbind(1):
            state = mix((state + mix(column) + _GOLDEN) & _BITS)
        rows = _enter(state[:, None], torch.arange(batch_size)).reshape(-1)
        shares = np.asarray(rates, np.float64).repeat(batch_size)
        border = np.floor(shares * 2.0**32).astype(np.int64)
        return cls(
            rows.to(device),
            torch.from_numpy(border).to(device),
            torch.from_numpy(1.0 / (1.0 - shares)).to(device, dtype),
        )

    def part(self, rows: slice) -> Dropout:
        """The masks of some of the rows."""
        return Dropout(self.rows[rows], self.border[rows], self.scale[rows])

    def features(self, site: int, width: int) -> torch.Tensor:
        """A mask [R, 1, width] with 0 where dropped and 1 / (1 - rate) elsewhere."""
        state = _enter(self.rows, site)
        state = _enter(state[:, None, None], torch.arange(width, device=state.device))
        return self._mask(state)

    def keys(self, site: int, heads: int, length: int) -> torch.Tensor:
        """A mask [R, heads, length, 1] of attention to each key."""
        state = _enter(self.rows, site)
        state = _enter(state[:, None], torch.arange(heads, device=state.device))
        state = _enter(state[:, :, None], torch.arange(length, device=state.device))
        return self._mask(state)[..., None]

    def _mask(self, state: torch.Tensor) -> torch.Tensor:
        border, scale = self.border[:, None, None], self.scale[:, None, None]
        return torch.where(state >= border, scale, torch.zeros_like(scale))
