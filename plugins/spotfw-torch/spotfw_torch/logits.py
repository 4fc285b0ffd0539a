"""Logits in float32 from activations of the weights' type, at that type's speed.

Products of bfloat16 numbers are exact in float32, so with float32 sums and a float32 result
nothing but the inputs is rounded. Only the gradient is rounded to bfloat16 again.
"""

from __future__ import annotations

from typing import Any

import torch

from spotfw_torch.products import linear


def project(
    hidden: torch.Tensor, head: torch.Tensor, wide: torch.Tensor | None = None
) -> torch.Tensor:
    """float32 [..., V] = hidden [..., E] times head [V, E], transposed.

    Args:
      hidden: of the head's type.
      head: float32 or bfloat16.
      wide: the head in float32, where it is at hand; only the CPU needs it.
    """
    if hidden.dtype == torch.float32:
        return linear(hidden, head)
    logits: torch.Tensor = _Project.apply(hidden, head, wide)
    return logits


class _Project(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any, hidden: torch.Tensor, head: torch.Tensor, wide: torch.Tensor | None
    ) -> torch.Tensor:
        tuned = ctx.needs_input_grad[1]  # where all weights are tuned
        ctx.save_for_backward(head, hidden if tuned else None)
        rows = hidden.flatten(0, -2)
        if hidden.is_cuda:
            made = torch.mm(rows, head.t(), out_dtype=torch.float32)
        else:
            made = linear(rows.float(), head.float() if wide is None else wide)
        return made.unflatten(0, hidden.shape[:-1])

    @staticmethod
    def backward(
        ctx: Any, *gradients: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None, None]:
        head, hidden = ctx.saved_tensors
        to_logits = gradients[0].to(head.dtype)
        to_head = None
        if hidden is not None:
            to_head = torch.matmul(to_logits.flatten(0, -2).t(), hidden.flatten(0, -2))
        return torch.matmul(to_logits, head), to_head, None
