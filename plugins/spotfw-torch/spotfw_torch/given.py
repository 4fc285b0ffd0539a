"""Losses of examples that spotfw gives, under many prompts at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from spotfw.backends.given import GivenExamples
from spotfw_torch.chunks import POSITIONS
from spotfw_torch.examples import Examples
from spotfw_torch.loss import loss_and_gradient
from spotfw_torch.model import FrozenT5
from spotfw_torch.scoring import example_losses

Array = npt.NDArray[np.float32]


def losses_of(
    model: FrozenT5, prompts: Sequence[Array], examples: GivenExamples, batch: int
) -> npt.NDArray[np.float64]:
    """Nats [prompts, N], summed over each target's tokens; prompts of one length together.

    Args:
      model: frozen.
      prompts: float32 [L, E] each.
      examples: N of them.
      batch: rows of a run on the CPU, which a few rows keep busy.
    """
    nats = np.zeros((len(prompts), len(examples.inputs)))
    if not nats.size:
        return nats
    rows = Examples.of(examples.inputs, examples.targets)
    for length in dict.fromkeys(map(len, prompts)):
        places = [n for n, prompt in enumerate(prompts) if len(prompt) == length]
        positions = POSITIONS
        if model.device.type == "cpu":
            positions = batch * (length + rows.inputs.shape[1])
        chosen = [prompts[n] for n in places]
        nats[places] = example_losses(model, chosen, rows, positions)[0]
    return nats


def gradients_of(
    model: FrozenT5, prompts: Sequence[Array], examples: GivenExamples, batch: int
) -> Array:
    """Gradients float32 [prompts, L, E] of the mean over examples of `losses_of`.

    Prompts run together, so they are of one length.
    """
    stack = np.stack(prompts)
    totals = np.zeros(stack.shape)
    size = max(1, min(batch, len(examples.inputs)))
    for _, inputs, targets in examples.batches(size):
        tokens = np.count_nonzero(targets)  # the loss is the mean over these
        given = [np.broadcast_to(ids, (len(stack), *ids.shape)) for ids in (inputs, targets)]
        totals += loss_and_gradient(model, stack, *given)[1].astype(np.float64) * tokens
    return (totals / len(examples.inputs)).astype(np.float32)
