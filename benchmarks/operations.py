"""What a training step computes, counted."""

from __future__ import annotations

from typing import Protocol


class Dimensions(Protocol):
    """Those of a T5, as either engine names them."""

    d_model: int
    d_ff: int
    d_kv: int
    num_heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary_size: int


def step_operations(dims: Dimensions, batch: int, prompt: int, inputs: int, targets: int) -> float:
    """Multiplications and additions of matrix products in a step.

    Forward, and the gradient of activations, which costs alike; weights have no gradient. The
    decoder with its cross attention's keys and values of every position of the encoder.
    """
    inner = dims.num_heads * dims.d_kv
    attention, fed = 4 * dims.d_model * inner, 3 * dims.d_model * dims.d_ff
    length = prompt + inputs
    encoder = length * (attention + fed + 2 * length * inner) * dims.encoder_layers
    cross = length * 2 * dims.d_model * inner
    decoder = (targets * (1.5 * attention + fed) + cross) * dims.decoder_layers
    head = targets * dims.d_model * dims.vocabulary_size
    return 2.0 * 2.0 * batch * (encoder + decoder + head)
