"""Passes of a cohort as CUDA graphs: captured once a shape, replayed at every step after.

A pass launches over a thousand kernels, most of them short: launched one by one, the host
takes longer than the device. A graph is launched as one.
"""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from spotfw_torch.dropout import Dropout
from spotfw_torch.loss import member_gradients
from spotfw_torch.model import FrozenT5

#: Shapes kept; each keeps its arrays on the device.
_KEPT = 8
#: Passes before the capture, in which libraries choose their kernels.
_WARMUP = 2


@attrs.frozen(eq=False)
class _Pass:
    """A captured pass: where its inputs are put, and where its results then are."""

    graph: torch.cuda.CUDAGraph
    given: tuple[Tensor, ...]
    losses: Tensor
    gradients: Tensor


class Gradients:
    """`loss.member_gradients` of one model, by graphs where the model's `graphs` says so."""

    def __init__(self, model: FrozenT5) -> None:
        self._model = model
        self._passes: dict[tuple[torch.Size, ...], _Pass] = {}

    def __call__(
        self,
        prompts: Tensor,
        inputs: Tensor,
        targets: Tensor,
        z_loss: Tensor,
        dropout: Dropout | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Each member's loss [M] and gradient [M, L, E]; arguments as `member_gradients`'s."""
        if not self._model.graphs:
            return member_gradients(self._model, prompts, inputs, targets, z_loss, dropout)
        masks = () if dropout is None else (dropout.rows, dropout.border, dropout.scale)
        given = (prompts, inputs, targets, z_loss, *masks)
        key = tuple(tensor.shape for tensor in given)
        if key not in self._passes:
            if len(self._passes) >= _KEPT:
                self._passes.pop(next(iter(self._passes)))
            self._passes[key] = self._captured(given)
        captured = self._passes[key]
        for place, value in zip(captured.given, given, strict=True):
            place.copy_(value)
        captured.graph.replay()
        return captured.losses.clone(), captured.gradients.clone()

    def _captured(self, given: tuple[Tensor, ...]) -> _Pass:
        """A new pass; where memory does not suffice, the kept ones are given up for it."""
        try:
            return self._capture(given)
        except torch.OutOfMemoryError:
            if not self._passes:
                raise
        self._passes.clear()
        torch.cuda.empty_cache()
        return self._capture(given)

    def _capture(self, given: tuple[Tensor, ...]) -> _Pass:
        places = tuple(tensor.detach().clone() for tensor in given)
        prompts, inputs, targets, z_loss, *masks = places
        dropout = Dropout(*masks) if masks else None
        side = torch.cuda.Stream(prompts.device)
        side.wait_stream(torch.cuda.current_stream(prompts.device))
        with torch.cuda.stream(side):
            for _ in range(_WARMUP):
                member_gradients(self._model, prompts, inputs, targets, z_loss, dropout)
        torch.cuda.current_stream(prompts.device).wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            losses, gradients = member_gradients(
                self._model, prompts, inputs, targets, z_loss, dropout
            )
        return _Pass(graph, places, losses, gradients)
