"""T5's relative positions as additive attention biases (Raffel et al. 2020, section 2.1)."""

from __future__ import annotations

import math

import torch

#: Added to the scores of what must not be attended to: finite, so that a row of nothing but
#: such keys gives no NaN.
FORBIDDEN = -1e9
#: CUDA's fused attention wants rows of a bias to start on multiples of this.
_ALIGNMENT = 8


def buckets(
    relative: torch.Tensor, bidirectional: bool, count: int, max_distance: int
) -> torch.Tensor:
    """The bucket of each relative position (key's less query's), int64 of the same shape.

    Half the buckets hold one distance each, the others widen logarithmically up to
    `max_distance`; where positions lie on both sides, each side has half of them.
    """
    side = torch.zeros_like(relative)
    if bidirectional:
        count //= 2
        side = (relative > 0).long() * count
        distance = relative.abs()
    else:
        distance = (-relative).clamp(min=0)
    exact = count // 2
    far = torch.log(distance.clamp(min=1).float() / exact) / math.log(max_distance / exact)
    wide = (exact + (far * (count - exact)).long()).clamp(max=count - 1)
    return side + torch.where(distance < exact, distance, wide)


def relative_bias(
    table: torch.Tensor,
    queries: torch.Tensor,
    keys: torch.Tensor,
    *,
    bidirectional: bool,
    max_distance: int,
) -> torch.Tensor:
    """The bias of each head, [heads, Q, K] of the table's type.

    Args:
      table: [buckets, heads].
      queries, keys: positions, int64 [Q] and [K].
      bidirectional: True in the encoder.
      max_distance: from which on all distances are alike.
    """
    relative = keys[None, :] - queries[:, None]
    chosen = buckets(relative, bidirectional, table.shape[0], max_distance)
    return table[chosen].permute(2, 0, 1)


def of_block(bias: torch.Tensor, block: int, heads: int) -> torch.Tensor:
    """A block's part [..., heads, Q, K] of a stack's bias, which may be the same for all.

    Args:
      bias: [..., heads, Q, K], or [..., blocks * heads, Q, K].
      block: its number in the stack.
      heads: of a block.
    """
    return bias if bias.shape[-3] == heads else bias.narrow(-3, block * heads, heads)


def with_padding(
    bias: torch.Tensor, real: torch.Tensor, columns: int | None = None
) -> torch.Tensor:
    """A bias that also forbids padding, [rows, heads, Q, K].

    Args:
      bias: [heads, Q, K]; heads and Q may be 1.
      real: which keys are real, bool [rows, K].
      columns: in place of K, with forbidden ones behind.
    """
    heads, queries, keys = bias.shape
    if columns is not None and columns > keys:
        # More than padding is: a row of nothing else must not attend to what is no key.
        wide = bias.new_full((real.shape[0], heads, queries, columns), 2 * FORBIDDEN)
        wide[..., :keys].copy_(bias).masked_fill_(~real[:, None, None, :], FORBIDDEN)
        return wide
    padded = keys if bias.is_cpu else -(-keys // _ALIGNMENT) * _ALIGNMENT
    # Rows of an aligned length, of which a part is used: else each layer would copy the bias.
    masked = bias.new_empty((real.shape[0], heads, queries, padded))[..., :keys]
    masked.copy_(bias)
    return masked.masked_fill_(~real[:, None, None, :], FORBIDDEN)
