"""Adafactor as the paper sets it (2.1.4), for many prompts at once.

With g a prompt's gradient at update t = 1, 2, ...:

    beta = 1 - t^-c
    v    = beta v + (1 - beta) (g^2 + 1e-30)
    u    = g / sqrt(v)
    u    = u / max(1, RMS(u))
    p    = p - rate u - decay p

No parameter scaling, no factoring of the second moment, no momentum.
"""

from __future__ import annotations

import attrs
import torch

_TINY, _CLIP = 1e-30, 1.0


@attrs.frozen(kw_only=True, eq=False)
class Rates:
    """Float32 [M] each: of M prompts, at one step.

    Attributes:
      learning_rate: constant in a tuning.
      weight_decay: the share of its value that each update takes off, `Member.decay`.
      beta: `second_moment_decay` of the update.
    """

    learning_rate: torch.Tensor
    weight_decay: torch.Tensor
    beta: torch.Tensor


def second_moment_decay(step: int, exponent: float) -> float:
    """beta of the update after `step` others."""
    return float(1.0 - (step + 1.0) ** -exponent)


def update(
    prompts: torch.Tensor, moments: torch.Tensor, gradients: torch.Tensor, rates: Rates
) -> tuple[torch.Tensor, torch.Tensor]:
    """The prompts and second moments after one update, all float32 [M, L, E]."""
    beta = rates.beta[:, None, None]
    moments = beta * moments + (1.0 - beta) * (gradients.square() + _TINY)
    changes = gradients * moments.rsqrt()
    size = changes.square().mean(dim=(1, 2), keepdim=True).sqrt()
    changes = changes / (size / _CLIP).clamp(min=1.0)
    off = rates.learning_rate[:, None, None] * changes
    return prompts - (off + rates.weight_decay[:, None, None] * prompts), moments
