"""Each member's loss on its own batch, and its prompt's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from spotfw_torch import on_cpu
from spotfw_torch.dropout import Dropout
from spotfw_torch.model import PAD, START, FrozenT5

Array = npt.NDArray[np.float32]
Ids = npt.NDArray[np.integer[Any]]


def shifted(targets: torch.Tensor) -> torch.Tensor:
    """What the decoder is given for targets [..., S]: the start id and all but the last."""
    return functional.pad(targets[..., :-1], (1, 0), value=START)


def token_losses(logits: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy (nats) and log normaliser, float32 [..., S], of logits [..., S, V]."""
    if logits.requires_grad and on_cpu.here(logits):
        both: tuple[torch.Tensor, torch.Tensor] = _TokenLosses.apply(logits, targets)
        return both
    normaliser = torch.logsumexp(logits, dim=-1)
    chosen = logits.gather(-1, targets[..., None])[..., 0]
    return normaliser - chosen, normaliser


class _TokenLosses(torch.autograd.Function):  # type: ignore[misc]
    """Goes over what is as large as the logits three times in the gradient, PyTorch's own eight."""

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, targets: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        normaliser = torch.logsumexp(logits, dim=-1)
        ctx.save_for_backward(logits, targets, normaliser)
        return normaliser - logits.gather(-1, targets[..., None])[..., 0], normaliser

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        logits, targets, normaliser = ctx.saved_tensors
        to_nats, to_normaliser = gradients
        to_logits = (logits - normaliser[..., None]).exp_()
        to_logits.mul_((to_nats + to_normaliser)[..., None])
        return to_logits.scatter_add_(-1, targets[..., None], -to_nats[..., None]), None


def _of_real_tokens(
    model: FrozenT5, hidden: torch.Tensor, targets: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """`token_losses` of hidden [R, S, E], with zeros at padding, for which no logits are made."""
    at = torch.nonzero(targets.flatten() != PAD)[:, 0]
    parts = token_losses(model.logits(hidden.flatten(0, 1)[at]), targets.flatten()[at])
    nats, normaliser = (part.new_zeros(targets.numel()).index_put((at,), part) for part in parts)
    return nats.view_as(targets), normaliser.view_as(targets)


def member_losses(
    model: FrozenT5,
    prompts: torch.Tensor,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    z_loss: torch.Tensor | None = None,
    dropout: Dropout | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each member's loss, and what is minimised for it, both float32 [M].

    The loss is the mean cross-entropy, in nats, of the real target tokens of its batch. The
    objective adds z_loss times the mean squared log normaliser.

    Args:
      model: frozen.
      prompts: float32 [M, L, E].
      inputs, targets: int64 [M, B, T] and [M, B, S], padded behind with 0.
      z_loss: float32 [M], None for none.
      dropout: of the members' rows, None for none.
    """
    members = len(prompts)
    flat = targets.flatten(0, 1)
    encoded = model.encode(prompts, inputs, dropout)
    hidden = model.decode(encoded, shifted(flat), dropout)
    if model.device.type == "cpu":
        nats, normaliser = _of_real_tokens(model, hidden, flat)
    else:  # of one shape, whatever is padded: so passes can be captured
        nats, normaliser = token_losses(model.logits(hidden), flat)
    real = (flat != PAD).float()
    count = real.view(members, -1).sum(1).clamp(min=1.0)
    loss = (nats * real).view(members, -1).sum(1) / count
    if z_loss is None:
        return loss, loss
    extra = (normaliser.square() * real).view(members, -1).sum(1) / count
    return loss, loss + z_loss * extra


def member_gradients(
    model: FrozenT5,
    prompts: torch.Tensor,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    z_loss: torch.Tensor | None = None,
    dropout: Dropout | None = None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Each member's loss [M] and the gradient of its objective, [M, L, E]; as `member_losses`.

    No member's objective depends on another's prompt, so the gradient of the sum is each
    prompt's own.
    """
    leaf = prompts.detach().requires_grad_()
    with torch.enable_grad():
        losses, objectives = member_losses(model, leaf, inputs, targets, z_loss, dropout)
        (gradients,) = torch.autograd.grad(objectives.sum(), leaf)
    return losses.detach(), gradients


def loss_and_gradient(
    model: FrozenT5, prompts: Sequence[Array] | Array, inputs: Ids, targets: Ids
) -> tuple[Array, Array]:
    """Losses float32 [M] and gradients float32 [M, L, E] of one batch a prompt.

    Args:
      model: frozen.
      prompts: M of float32 [L, E].
      inputs, targets: [M, B, T] and [M, B, S], padded behind with 0.
    """
    losses, gradients = member_gradients(
        model,
        torch.from_numpy(np.asarray(prompts, np.float32)).to(model.device),
        torch.from_numpy(np.asarray(inputs, np.int64)).to(model.device),
        torch.from_numpy(np.asarray(targets, np.int64)).to(model.device),
    )
    return losses.cpu().numpy(), gradients.cpu().numpy()
