"""Likelihoods of given targets under many prompts, without dropout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from spotfw_torch.chunks import POSITIONS, on_device, runs, stacked, without_gradients
from spotfw_torch.examples import TARGET_MULTIPLE, Examples, pad, padded_length
from spotfw_torch.loss import shifted, token_losses
from spotfw_torch.model import PAD, FrozenT5

Array = npt.NDArray[np.float32]
#: Numbers of a run's logits; targets are longer than labels, so they may bound a run.
_LOGITS = 2**28


@without_gradients
def example_losses(
    model: FrozenT5,
    prompts: Sequence[Array] | Array,
    examples: Examples,
    positions_at_once: int = POSITIONS,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Each example's loss under each prompt, and its number of target tokens.

    Args:
      model: frozen.
      prompts: P of float32 [L, E].
      examples: N of them.
      positions_at_once: most encoder positions of one run, to bound memory.

    Returns:
      nats float64 [P, N], summed over the example's target tokens, and tokens int64 [N].
    """
    stack = stacked(model, prompts)
    length = stack.shape[1]
    wide = padded_length(examples.targets.shape[1], TARGET_MULTIPLE)
    bound = min(positions_at_once, _fitting(model, wide) * (length + examples.inputs.shape[1]))
    nats = np.zeros((len(stack), len(examples)))
    for part, chosen, padded in runs(len(stack), length, examples.input_lengths, bound):
        longest = int(examples.target_lengths[chosen].max())
        count = part.stop - part.start
        inputs = on_device(model, examples.inputs, chosen, padded, count)
        size = padded_length(longest, TARGET_MULTIPLE)
        targets = on_device(model, examples.targets, chosen, size, count).flatten(0, 1)
        hidden = model.decode(model.encode(stack[part], inputs), shifted(targets))
        losses, _ = token_losses(model.logits(hidden), targets)
        sums = (losses * (targets != PAD)).sum(1, dtype=torch.float64).view(count, -1)
        nats[part, chosen] = sums.cpu().numpy()
    return nats, examples.target_lengths


def mean_loss(
    model: FrozenT5,
    prompts: Sequence[Array] | Array,
    examples: Examples,
    positions_at_once: int = POSITIONS,
) -> npt.NDArray[np.float64]:
    """Each prompt's loss over all examples, float64 [P], nats per real target token."""
    nats, tokens = example_losses(model, prompts, examples, positions_at_once)
    mean: npt.NDArray[np.float64] = nats.sum(1) / tokens.sum()
    return mean


@without_gradients
def label_scores(
    model: FrozenT5,
    prompts: Sequence[Array] | Array,
    inputs: Sequence[npt.ArrayLike],
    labels: Sequence[npt.ArrayLike],
    positions_at_once: int = POSITIONS,
) -> Array:
    """Natural-log likelihood of each label for each input under each prompt.

    The encoder runs once an input. The labels stand in one sequence of the decoder, in which
    none sees another.

    Args:
      model: frozen.
      prompts: P of float32 [L, E].
      inputs: N rows of token ids, end id included.
      labels: rows of token ids, end id included; a label's score is the sum over all of them.
      positions_at_once: most encoder positions of one run, to bound memory.

    Returns:
      float32 [P, N, labels].
    """
    stack = stacked(model, prompts)
    padded_inputs, lengths = pad(inputs)
    padded_labels, _ = pad(labels)
    count, size = padded_labels.shape
    targets = torch.from_numpy(padded_labels.astype(np.int64)).to(model.device)
    given, targets, real = shifted(targets).flatten(), targets.flatten(), (targets != PAD).float()
    bias = model.causal_bias(size, groups=count)
    length = stack.shape[1]
    bound = min(
        positions_at_once, _fitting(model, count * size) * (length + padded_inputs.shape[1])
    )
    scores = np.zeros((len(stack), len(padded_inputs), count), np.float32)
    for part, chosen, padded in runs(len(stack), length, lengths, bound):
        ids = on_device(model, padded_inputs, chosen, padded, part.stop - part.start)
        encoded = model.encode(stack[part], ids)
        rows = len(encoded.hidden)
        hidden = model.decode(encoded, given.expand(rows, -1), bias=bias)
        losses, _ = token_losses(model.logits(hidden), targets.expand(rows, -1))
        sums = -(losses.view(rows, count, size) * real).sum(2)
        scores[part, chosen] = sums.view(-1, len(chosen), count).cpu().numpy()
    return scores


def _fitting(model: FrozenT5, targets: int) -> int:
    """Rows whose logits of so many target positions fit."""
    return max(1, _LOGITS // (targets * model.vocabulary_size))
