"""Adafactor as T5 tunes all its weights with (Shazeer and Stern 2018, algorithms 4 and 8).

With g the gradient of a tensor p at update t = 1, 2, ...:

    beta = 1 - t^-c
    v    = beta v + (1 - beta) (g^2 + 1e-30), of a large matrix only the means r of its rows and
           c of its columns, with v = r c / mean(r)
    u    = g / sqrt(v)
    u    = u / max(1, RMS(u))
    p    = p - rate max(1e-3, RMS(p)) u

Unlike `spotfw_torch.adafactor`, with parameter scaling and factored second moments, and without
weight decay. As Mesh TensorFlow's, and T5X's, where tensors are laid out as Hugging Face's are.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

_TINY, _CLIP, _SMALLEST = 1e-30, 1.0, 1e-3

#: Names of a tensor's moments: of all values, or of rows [..., out] and columns [..., in].
FULL, ROWS, COLUMNS = "v", "vr", "vc"

Moments = dict[str, torch.Tensor]


def is_factored(shape: tuple[int, ...], factored_from: int) -> bool:
    """Whether a tensor of this shape has factored second moments."""
    return len(shape) == 2 and min(shape) >= factored_from


def moment_shapes(shape: tuple[int, ...], factored_from: int) -> dict[str, tuple[int, ...]]:
    """The second moments of a tensor, by their names."""
    if is_factored(shape, factored_from):
        return {ROWS: (shape[0],), COLUMNS: (shape[1],)}
    return {FULL: shape}


@torch.no_grad()  # type: ignore[misc,untyped-decorator]
def update_(
    value: torch.Tensor,
    moments: Mapping[str, torch.Tensor],
    gradient: torch.Tensor,
    *,
    rate: float,
    beta: float,
) -> None:
    """Updates a tensor and its moments in place, all float32.

    Args:
      value: the tensor.
      moments: as `moment_shapes` names them, zeros before the first update.
      gradient: of its shape.
      rate: before it is scaled by the tensor's values.
      beta: of this update, `spotfw_torch.adafactor.second_moment_decay`.
    """
    squares = gradient.square().add_(_TINY)
    if FULL in moments:
        change = moments[FULL].lerp_(squares, 1.0 - beta).rsqrt().mul_(gradient)
    else:
        rows = moments[ROWS].lerp_(squares.mean(1), 1.0 - beta)
        columns = moments[COLUMNS].lerp_(squares.mean(0), 1.0 - beta)
        change = gradient * (rows / rows.mean()).rsqrt_()[:, None] * columns.rsqrt()[None]
    change /= (_rms(change) / _CLIP).clamp(min=1.0)
    value.sub_(change.mul_(rate * _rms(value).clamp(min=_SMALLEST)))


def _rms(values: torch.Tensor) -> torch.Tensor:
    return values.square().mean().sqrt()
