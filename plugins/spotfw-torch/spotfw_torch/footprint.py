"""How much memory a tuning takes: the weights, and what each member keeps until its gradient.

Frozen weights have no gradient, so of a block only its inputs, its queries, keys, values and
attended values, and its feed-forward activations are kept. Per position of the encoder these are
2 E + 4 I + 3 F numbers a block (E d_model, I heads times d_kv, F d_ff; F alone without a gate).
"""

from __future__ import annotations

import math

import attrs

from spotfw_torch.dimensions import Dimensions
from spotfw_torch.weights import shapes

#: Bytes of an element.
WIDTH = {"float32": 4, "bfloat16": 2}


@attrs.frozen(kw_only=True)
class Batch:
    """The shape of what a member is tuned on.

    Attributes:
      size: examples of a batch.
      prompt, inputs, targets: tokens; inputs and targets as padded.
    """

    size: int
    prompt: int
    inputs: int
    targets: int


def weight_bytes(dims: Dimensions, dtype: str = "float32") -> int:
    """Bytes of a model's weights."""
    return sum(map(math.prod, shapes(dims).values())) * WIDTH[dtype]


def member_bytes(dims: Dimensions, batch: Batch, dtype: str = "float32") -> int:
    """Bytes that one member of a cohort adds to a step; members add up.

    To be held besides: the weights, and a gibibyte or two for work that ends within a step.

    Args:
      dims: of the model.
      batch: of the member.
      dtype: of the weights and their products.
    """
    width, inner = dims.d_model, dims.num_heads * dims.d_kv
    fed = 3 * dims.d_ff if dims.gated else dims.d_ff
    positions = batch.prompt + batch.inputs
    encoder = positions * (2 * width + 4 * inner + fed) * dims.encoder_layers
    biases = dims.encoder_layers if dims.bias_in_every_block else 1
    encoder += biases * dims.num_heads * positions**2
    block = batch.targets * (3 * width + 6 * inner + fed)
    if batch.targets < dims.d_kv:
        # Queries are taken to the encoder's width, by a copy of the keys' and values' weights.
        queries = dims.num_heads * batch.targets
        block += 2 * inner * width + 2 * queries * width + 2 * queries * positions
    else:
        block += 2 * positions * inner
    kept = (encoder + block * dims.decoder_layers) * WIDTH[dtype]
    # Logits, what their normaliser makes of them and two gradients, in float32.
    logits = 4 * 4 * batch.targets * dims.vocabulary_size
    return batch.size * (kept + logits)
