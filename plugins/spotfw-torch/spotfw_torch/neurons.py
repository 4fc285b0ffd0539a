"""How strongly a prompt alone drives the decoder's feed-forward neurons (Su et al. 2022, 5.1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from spotfw_torch import layers
from spotfw_torch.chunks import stacked, without_gradients
from spotfw_torch.model import END, START, FrozenT5
from spotfw_torch.placement import beside
from spotfw_torch.positions import of_block
from spotfw_torch.products import linear

Array = npt.NDArray[np.float32]


@without_gradients
def activations(model: FrozenT5, prompts: Sequence[Array] | Array) -> Array:
    """The output of each decoder layer's activation function at its first token.

    The encoder is given a prompt in front of nothing but the end id; the decoder its start id.

    Args:
      model: frozen.
      prompts: P of float32 [L, E].

    Returns:
      float32 [P, decoder layers, d_ff], of the gate where the layer is gated.
    """
    stack = stacked(model, prompts)
    only_end = torch.full((len(stack), 1, 1), END, dtype=torch.int64, device=model.device)
    encoded = model.encode(stack, only_end)
    start = torch.full((len(stack), 1), START, dtype=torch.int64, device=model.device)
    x = functional.embedding(start, model.weights.embedding)
    bias, settings = model.causal_bias(1), model.settings
    per_layer = []
    for number, block in enumerate(model.weights.decoder):
        x, bias, hidden, cross = beside(block, x, bias, encoded.hidden, encoded.bias)
        own = of_block(bias, number, settings.heads)
        x = layers.self_attention(x, block.attention, settings, own, None, None)
        x = layers.cross_attention(x, hidden, block.cross, settings, cross, None, None)
        normed = layers.norm(x, block.feed_forward.norm, settings.epsilon)
        inner = linear(normed, block.feed_forward.inner)
        per_layer.append(layers.activated(inner, settings)[0][:, 0].to(model.device))
        x = layers.feed_forward(x, block.feed_forward, settings, None, None)
    driven: Array = torch.stack(per_layer, dim=1).float().cpu().numpy()
    return driven
