"""Rows of like lengths together: what the encoder is spared of padding on a CPU.

A batch is padded to its longest row, and the encoder computes its padding as it does its text. On
a CPU, which a few rows keep busy, rows are sorted by length and taken in groups, each padded to its
own longest row. What comes out is padded, put back in the rows' order, and the padding masked, as
if all had been one batch. This pays where no gradient is wanted; in a step it did not.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

#: Elements of an activation [positions, d_model] that cost what a group more costs in calls.
_CALLS = 2**17


def real_lengths(ids: Tensor) -> Tensor:
    """Positions up to the last that is no padding, int64 [M, B], of ids [M, B, T]."""
    place = torch.arange(1, ids.shape[-1] + 1, device=ids.device)
    return (place * (ids != 0)).amax(-1) if ids.shape[-1] else ids.new_zeros(ids.shape[:-1])


def borders(lengths: Sequence[int], members: int, width: int) -> list[int]:
    """Where groups of rows begin, and the number of rows.

    Args:
      lengths: of the rows, the longest first; where there are several members, of the longest of
        them at each place.
      members: whose rows are taken side by side.
      width: d_model.
    """
    begun, waste = [0], 0
    for row, length in enumerate(lengths):
        waste += members * width * (lengths[begun[-1]] - length)
        if waste > _CALLS:
            begun.append(row)
            waste = 0
    return [*begun, len(lengths)]


def joined(groups: Sequence[Tensor], order: Tensor, length: int) -> Tensor:
    """What came of groups, [M * b, positions, E] each, as [M * B, length, E].

    Args:
      groups: of the rows in their order, each as long as its longest row.
      order: int64 [M, B], which row of a member stood at each place.
      length: to pad them to.
    """
    members, rows = order.shape
    padded = [functional.pad(group, (0, 0, 0, length - group.shape[1])) for group in groups]
    whole = torch.cat([group.unflatten(0, (members, -1)) for group in padded], dim=1)
    place = torch.argsort(order, dim=1) + rows * torch.arange(members)[:, None]
    return whole.flatten(0, 1).index_select(0, place.flatten())
