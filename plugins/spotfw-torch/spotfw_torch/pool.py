"""A cohort's examples on the device, and its batches gathered from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from spotfw_torch.examples import MULTIPLE, TARGET_MULTIPLE, Examples, padded_length


class Pool:
    """The examples of several members, each set of them kept once."""

    def __init__(
        self, sets: Sequence[Examples], device: torch.device, multiple: int = MULTIPLE
    ) -> None:
        """Puts the examples of M members, one set each, on the device.

        Args:
          sets: of the members.
          device: torch's.
          multiple: of it inputs are padded to.
        """
        self._multiple = multiple
        distinct = list({id(examples): examples for examples in sets}.values())
        starts = np.cumsum([0, *map(len, distinct)])
        start = {id(examples): int(at) for examples, at in zip(distinct, starts, strict=False)}
        self._offsets = np.array([start[id(examples)] for examples in sets], np.int64)
        self._inputs = self._stack([examples.inputs for examples in distinct], multiple, device)
        self._targets = self._stack(
            [examples.targets for examples in distinct], TARGET_MULTIPLE, device
        )
        self._input_lengths = np.concatenate([examples.input_lengths for examples in distinct])
        self._target_lengths = np.concatenate([examples.target_lengths for examples in distinct])
        self._device = device

    @staticmethod
    def _stack(
        parts: Sequence[npt.NDArray[np.int32]], multiple: int, device: torch.device
    ) -> torch.Tensor:
        width = padded_length(max(part.shape[1] for part in parts), multiple)
        stacked = np.zeros((sum(map(len, parts)), width), np.int32)
        row = 0
        for part in parts:
            stacked[row : row + len(part), : part.shape[1]] = part
            row += len(part)
        return torch.from_numpy(stacked).to(device)

    def batch(self, chosen: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs and targets, int64 [M, B, T] and [M, B, S], of examples [M, B] of each member.

        T and S are the longest chosen sequences', rounded up.
        """
        rows = chosen + self._offsets[:, None]
        length = padded_length(int(self._input_lengths[rows].max()), self._multiple)
        targets = padded_length(int(self._target_lengths[rows].max()), TARGET_MULTIPLE)
        at = torch.from_numpy(rows).to(self._device, non_blocking=True)
        return self._inputs[at, :length].long(), self._targets[at, :targets].long()
