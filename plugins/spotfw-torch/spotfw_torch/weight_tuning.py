"""Tunes all weights of a T5: each a float32 tensor by Hugging Face's name, with a gradient.

A step arranges the tensors into a model anew, which autograd follows back, so that the model runs
as it does for prompts; only without one. Products are of the type the model was opened in.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from spotfw.backends.weights import POSITIONS_AT_ONCE
from spotfw.config import ModelTuningSettings
from spotfw.tasks.tokens import Tokens
from spotfw_torch.adafactor import second_moment_decay
from spotfw_torch.dimensions import Dimensions
from spotfw_torch.dropout import Dropout
from spotfw_torch.loss import member_losses
from spotfw_torch.model import PAD, FrozenT5
from spotfw_torch.tensors import read_tensors, settled
from spotfw_torch.weight_adafactor import update_
from spotfw_torch.weight_folder import Optimizer, has_optimizer, read_optimizer
from spotfw_torch.weights import arrange

#: T5's penalty on the log normaliser while training.
_Z_LOSS = 1e-4


class TunedWeights:
    """Weights under way, and the optimizer's state.

    Args:
      folder: a Hugging Face folder, whose weights these are at first, and its optimizer's state
        where it has one.
      dimensions: of the model.
      device, dtype: of its products.
      factored_from: see `weight_adafactor.is_factored`.

    Attributes:
      tensors: float32, by Hugging Face's names.
      optimizer: Adafactor's state.
    """

    def __init__(
        self,
        folder: Path,
        dimensions: Dimensions,
        device: torch.device,
        dtype: torch.dtype,
        factored_from: int,
    ) -> None:
        self._dimensions, self._device, self._dtype = dimensions, device, dtype
        self.tensors = {
            name: tensor.to(device, torch.float32, copy=True).requires_grad_()
            for name, tensor in settled(read_tensors(folder)).items()
        }
        shapes = {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}
        if has_optimizer(folder):
            self.optimizer = read_optimizer(folder, shapes, factored_from, device)
        else:
            self.optimizer = Optimizer.new(shapes, factored_from, device)

    def model(self) -> FrozenT5:
        """The model with these weights; a gradient flows back to them where one is wanted."""
        return self._arranged(self.tensors)

    def _arranged(self, tensors: dict[str, torch.Tensor]) -> FrozenT5:
        weights = arrange(tensors, self._dimensions, self._device, self._dtype)
        return FrozenT5(self._dimensions, weights, graphs=False)

    def frozen(self) -> FrozenT5:
        """The model with these weights as they are, without gradients; none is copied."""
        return self._arranged({name: tensor.detach() for name, tensor in self.tensors.items()})

    def step(
        self, inputs: Tokens, targets: Tokens, settings: ModelTuningSettings, step: int
    ) -> float:
        """See `spotfw.backends.weights.MovingWeights`."""
        rate = settings.dropout
        masks = self.dropout(settings.seed, step, rate, len(inputs)) if rate else None
        loss = self.gradients(self._on_device(inputs), self._on_device(targets), masks)
        if math.isfinite(loss):
            self.update(settings.learning_rate, settings.decay_rate)
        return loss

    def finite(self) -> bool:
        """Whether all weights are numbers."""
        return all(bool(torch.isfinite(tensor).all()) for tensor in self.tensors.values())

    def _on_device(self, ids: Tokens) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(ids, np.int64)).to(self._device)

    def gradients(
        self, inputs: torch.Tensor, targets: torch.Tensor, dropout: Dropout | None
    ) -> float:
        """Leaves the gradient of a batch's objective in the tensors; returns the mean loss.

        Args:
          inputs, targets: int64 [B, T] and [B, S], padded behind with 0.
          dropout: of the B rows, None for none.
        """
        rows = max(1, POSITIONS_AT_ONCE // inputs.shape[1])
        real = float((targets != PAD).sum())
        total = 0.0
        for first in range(0, len(inputs), rows):
            part = slice(first, first + rows)
            share = float((targets[part] != PAD).sum()) / real
            masks = None if dropout is None else dropout.part(part)
            with torch.enable_grad():
                losses, objectives = member_losses(
                    self.model(),
                    torch.zeros(1, 0, self._dimensions.d_model, device=self._device),
                    inputs[part][None],
                    targets[part][None],
                    torch.full((1,), _Z_LOSS, device=self._device),
                    masks,
                )
                (objectives[0] * share).backward()
            total += float(losses.detach()[0]) * share
        return total

    def dropout(self, seed: int, step: int, rate: float, rows: int) -> Dropout:
        """The masks of a step's batch."""
        return Dropout.of([seed], [step], [rate], rows, self._device, self._dtype)

    def update(self, rate: float, decay_rate: float) -> None:
        """One update by the gradients that the tensors hold, which it takes away."""
        beta = second_moment_decay(self.optimizer.updates, decay_rate)
        for name, tensor in self.tensors.items():
            if tensor.grad is not None:
                moments = self.optimizer.moments[name]
                update_(tensor, moments, tensor.grad, rate=rate, beta=beta)
                tensor.grad = None
        self.optimizer = Optimizer(self.optimizer.updates + 1, self.optimizer.moments)
