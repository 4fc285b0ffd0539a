"""Two optimizers: Adam whose steps are in proportion to each tensor, and Muon for matrices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn

#: Coefficients of the Newton-Schulz steps that orthogonalise a matrix.
_POLYNOMIALS = (
    (4.0848, -6.8946, 2.9270),
    (3.9505, -6.3029, 2.6377),
    (3.7418, -5.5913, 2.3037),
    (2.8769, -3.1427, 1.2046),
    (2.8366, -3.0525, 1.2012),
)


class Optimizer(Protocol):
    """Changes parameters by their gradients."""

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Its tensors by name, all that it needs to go on but the number of its steps."""

    def step(self, number: int, factor: float) -> None:
        """One update, the `number`-th from 1, at a share of the rate."""


class ScaledAdam:
    """Adam with each tensor's update scaled by its root mean square, as Adafactor scales.

    Args:
      parameters: by name.
      rate: the update's size, relative to the tensor's.
      beta1, beta2: decay of both moments.
      floor: of a tensor's root mean square.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        rate: float,
        beta1: float = 0.9,
        beta2: float = 0.98,
        floor: float = 0.03,
    ) -> None:
        self._parameters = dict(parameters)
        self._rate, self._beta1, self._beta2, self._floor = rate, beta1, beta2, floor
        self._state: dict[str, Tensor] = {}
        for name, parameter in self._parameters.items():
            self._state[f"{name}.first"] = torch.zeros_like(parameter)
            self._state[f"{name}.second"] = torch.zeros_like(parameter)

    @property
    def state(self) -> Mapping[str, Tensor]:
        """Both moments of each parameter."""
        return self._state

    @torch.no_grad()
    def step(self, number: int, factor: float) -> None:
        """One update."""
        for name, parameter in self._parameters.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            first, second = self._state[f"{name}.first"], self._state[f"{name}.second"]
            first.lerp_(gradient, 1 - self._beta1)
            second.mul_(self._beta2).addcmul_(gradient, gradient, value=1 - self._beta2)
            mean = first / (1 - self._beta1**number)
            spread = (second / (1 - self._beta2**number)).sqrt() + 1e-12
            scale = parameter.pow(2).mean().sqrt().clamp(min=self._floor)
            parameter.sub_(mean / spread * scale * (self._rate * factor))


class Muon:
    """Orthogonalised momentum, for matrices; an update's root mean square is 0.05 of the rate.

    Args:
      parameters: matrices, or stacks of them, by name.
      rate: of updates.
      momentum: of gradients.
      decay: of weights, relative to the rate.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        rate: float,
        momentum: float = 0.95,
        decay: float = 0.02,
    ) -> None:
        self._parameters = dict(parameters)
        self._rate, self._momentum, self._decay = rate, momentum, decay
        self._state: dict[str, Tensor] = {
            f"{name}.momentum": torch.zeros_like(parameter)
            for name, parameter in self._parameters.items()
        }

    @property
    def state(self) -> Mapping[str, Tensor]:
        """The momentum of each parameter."""
        return self._state

    @torch.no_grad()
    def step(self, number: int, factor: float) -> None:
        """One update; matrices of one shape are orthogonalised together."""
        rate = self._rate * factor
        by_shape: dict[tuple[int, ...], list[tuple[nn.Parameter, Tensor]]] = {}
        for name, parameter in self._parameters.items():
            gradient = parameter.grad
            if gradient is None:
                continue
            momentum = self._state[f"{name}.momentum"]
            momentum.lerp_(gradient, 1 - self._momentum)
            update = gradient.lerp(momentum, self._momentum)
            by_shape.setdefault(tuple(parameter.shape[-2:]), []).append((parameter, update))
        for shape, pairs in by_shape.items():
            size = max(shape) ** 0.5 * 0.05 * rate
            matrices = torch.cat([update.reshape(-1, *shape) for _, update in pairs])
            updates = orthogonalised(matrices) * size
            counts = [parameter[..., 0, 0].numel() for parameter, _ in pairs]
            for (parameter, _), update in zip(pairs, updates.split(counts), strict=True):
                change = update.reshape(parameter.shape).to(parameter.dtype)
                parameter.mul_(1 - rate * self._decay).sub_(change)


def orthogonalised(matrices: Tensor) -> Tensor:
    """Matrices [N, A, B] with their singular values brought near 1, in bfloat16."""
    x = matrices.bfloat16()
    turned = x.shape[-2] > x.shape[-1]
    if turned:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.02 + 1e-12)
    for a, b, c in _POLYNOMIALS:
        square = x @ x.transpose(-1, -2)
        x = a * x + (b * square + c * square @ square) @ x
    return x.transpose(-1, -2) if turned else x


def optimizers(model: nn.Module, name: str, rate: float) -> list[Optimizer]:
    """What changes a model's parameters.

    Args:
      model: a `PackedT5`.
      name: ``muon`` (with `ScaledAdam` for all that is no hidden matrix) or ``adam``.
      rate: of updates.
    """
    parameters = dict(model.named_parameters())
    if name == "adam":
        return [ScaledAdam(parameters, rate)]
    hidden = {
        name: parameter
        for name, parameter in parameters.items()
        if name.startswith(("encoder.", "decoder.")) and parameter.dim() >= 2
    }
    rest = _without(parameters, hidden)
    return [Muon(hidden, rate), ScaledAdam(rest, rate * 0.75)]


def _without(
    parameters: Mapping[str, nn.Parameter], names: Iterable[str]
) -> dict[str, nn.Parameter]:
    left_out = set(names)
    return {name: value for name, value in parameters.items() if name not in left_out}
