"""T5's blocks as functions of activations and frozen weights.

Blocks are functions, not modules, so that all blocks of a stack share one compiled program
and nothing holds a gradient but what is asked. R rows are the members' batches, one after
the other; all activations are [R, length, d_model] in the weights' type.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from spotfw_torch import on_cpu
from spotfw_torch.gating import gated
from spotfw_torch.products import linear


class SelfAttention(NamedTuple):
    """norm [E]; qkv [3 * inner, E], queries first; output [E, inner]."""

    norm: Tensor
    qkv: Tensor
    output: Tensor


class CrossAttention(NamedTuple):
    """norm [E]; query [inner, E]; key_value [2 * inner, E], keys first; output [E, inner]."""

    norm: Tensor
    query: Tensor
    key_value: Tensor
    output: Tensor


class FeedForward(NamedTuple):
    """norm [E]; inner [d_ff, E], or with a gate [2 * d_ff, E], the gate first; output [E, d_ff]."""

    norm: Tensor
    inner: Tensor
    output: Tensor


class Settings(NamedTuple):
    """What a block must know beside its weights."""

    heads: int
    epsilon: float
    gated: bool
    activation: str


class EncoderBlock(NamedTuple):
    attention: SelfAttention
    feed_forward: FeedForward


class DecoderBlock(NamedTuple):
    attention: SelfAttention
    cross: CrossAttention
    feed_forward: FeedForward


class EncoderMasks(NamedTuple):
    """Dropout of a block: keys [R, heads, K, 1], the others [R, 1, width]."""

    keys: Tensor
    attended: Tensor
    inner: Tensor
    fed: Tensor


class DecoderMasks(NamedTuple):
    """As `EncoderMasks`, and those of the cross attention."""

    keys: Tensor
    attended: Tensor
    cross_keys: Tensor
    crossed: Tensor
    inner: Tensor
    fed: Tensor


def norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """RMS norm over the last dimension, computed in float32."""
    if on_cpu.here(x):
        return on_cpu.norm(x, weight, epsilon)
    return functional.rms_norm(x, (x.shape[-1],), weight, epsilon)


def dropped(x: Tensor, mask: Tensor | None) -> Tensor:
    """x with a mask of `dropout.Dropout`, or as it is."""
    return x if mask is None else x * mask


def split_heads(x: Tensor, parts: int, heads: int) -> tuple[Tensor, ...]:
    """[R, length, parts * heads * d] as `parts` tensors [R, heads, length, d]."""
    rows, length, _ = x.shape
    split = x.view(rows, length, parts, heads, -1).permute(2, 0, 3, 1, 4)
    return tuple(split.unbind(0))


def merge_heads(x: Tensor) -> Tensor:
    """[R, heads, length, d] as [R, length, heads * d]."""
    return x.transpose(1, 2).flatten(2)


def attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """T5's attention, without 1/sqrt(d); bias broadcasts to [R, heads, Q, K]."""
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=bias, scale=1.0)


def self_attention(
    x: Tensor,
    weights: SelfAttention,
    settings: Settings,
    bias: Tensor,
    keys: Tensor | None,
    attended: Tensor | None,
    qkv: Tensor | None = None,
) -> Tensor:
    """A residual branch; bias [R or 1, heads, length, length]; qkv where it is there already."""
    if qkv is None:
        qkv = linear(norm(x, weights.norm, settings.epsilon), weights.qkv)
    if on_cpu.makes_scores(qkv, settings.heads):
        mixed = on_cpu.attention(qkv, bias, keys, settings.heads)
    else:
        q, k, v = split_heads(qkv, 3, settings.heads)
        mixed = merge_heads(attend(q, k, dropped(v, keys), bias))
    return x + dropped(linear(mixed, weights.output), attended)


def cross_attention(
    x: Tensor,
    encoded: Tensor,
    weights: CrossAttention,
    settings: Settings,
    bias: Tensor,
    keys: Tensor | None,
    crossed: Tensor | None,
) -> Tensor:
    """A residual branch from encoded [R, K, E] to x [R, Q, E]; bias [R, 1, 1, K].

    Targets are short. Where they are shorter than a head is wide, it costs less to take the
    queries into the space of the encoder's output (q W_k') than all its positions into keys
    and values: Q * heads * E products a position, not 2 * heads * d_kv * E.
    """
    normed = norm(x, weights.norm, settings.epsilon)
    query = linear(normed, weights.query)
    wide = weights.query.shape[0] // settings.heads
    if x.shape[1] < wide:
        mixed = _absorbed(query, encoded, weights, settings.heads, bias, keys)
    else:
        (q,) = split_heads(query, 1, settings.heads)
        k, v = split_heads(linear(encoded, weights.key_value), 2, settings.heads)
        mixed = merge_heads(attend(q, k, dropped(v, keys), bias))
    return x + dropped(linear(mixed, weights.output), crossed)


def _absorbed(
    query: Tensor,
    encoded: Tensor,
    weights: CrossAttention,
    heads: int,
    bias: Tensor,
    keys: Tensor | None,
) -> Tensor:
    """Attention [R, Q, heads * d] with queries taken to d_model before the scores."""
    rows, length, inner = query.shape
    width = encoded.shape[-1]
    to_keys, to_values = weights.key_value.view(2, heads, inner // heads, width).unbind(0)
    # All rows' queries of a head in one product: else a head's weights are copied for each row.
    q = query.view(rows * length, heads, -1).transpose(0, 1)  # [heads, R * Q, d]
    lifted = torch.matmul(q, to_keys).view(heads, rows, length, width)
    lifted = lifted.transpose(0, 1).flatten(1, 2)  # [R, heads * Q, E]
    across = None if keys is None else keys.transpose(2, 3)
    # In float32 little is gained, and begun runs go on bit for bit with PyTorch's own gradient.
    ours = on_cpu.here(query) and query.dtype == torch.bfloat16
    gathered = (on_cpu.asked if ours else _asked)(lifted, encoded, bias, across)
    gathered = gathered.unflatten(1, (heads, length)).transpose(0, 1).flatten(1, 2)
    mixed = torch.matmul(gathered, to_values.transpose(1, 2))
    return mixed.transpose(0, 1).reshape(rows, length, inner)


def _asked(query: Tensor, encoded: Tensor, bias: Tensor, keys: Tensor | None) -> Tensor:
    """As `on_cpu.asked`."""
    heads = 1 if keys is None else keys.shape[1]
    scores = torch.matmul(query, encoded.transpose(1, 2)).unflatten(1, (heads, -1))
    share = torch.softmax(scores.float() + bias, dim=-1).to(query.dtype)
    if keys is not None:
        share = share * keys
    return torch.matmul(share.flatten(1, 2), encoded)


def activated(inner: Tensor, settings: Settings) -> tuple[Tensor, Tensor | None]:
    """The activation's output [..., d_ff] and, with a gate, its other factor."""
    gate, factor = inner.chunk(2, dim=-1) if settings.gated else (inner, None)
    if settings.activation == "relu":
        return torch.relu(gate), factor
    return functional.gelu(gate, approximate="tanh"), factor


def feed_forward(
    x: Tensor,
    weights: FeedForward,
    settings: Settings,
    inner_mask: Tensor | None,
    fed: Tensor | None,
) -> Tensor:
    """A residual branch."""
    normed = norm(x, weights.norm, settings.epsilon)
    inner = linear(normed, weights.inner)
    if settings.gated and on_cpu.here(inner):
        hidden = gated(inner, settings.activation)
    else:
        hidden, factor = activated(inner, settings)
        hidden = hidden if factor is None else hidden * factor
    return x + dropped(linear(dropped(hidden, inner_mask), weights.output), fed)


def shared_qkv(
    prompts: Tensor, tokens: Tensor, weights: SelfAttention, settings: Settings
) -> Tensor:
    """The first block's queries, keys and values of rows that share their members' prompts.

    Each prompt is projected once, not once a row, and its gradient is summed over the rows before
    the product; tokens have none.

    Args:
      prompts: [M, L, E].
      tokens: [M, B, T, E].
      weights, settings: of the block.

    Returns:
      [M * B, L + T, 3 * inner].
    """
    of_prompts, of_tokens = (
        linear(norm(x, weights.norm, settings.epsilon), weights.qkv) for x in (prompts, tokens)
    )
    spread = of_prompts[:, None].expand(-1, tokens.shape[1], -1, -1)
    return torch.cat([spread, of_tokens], dim=2).flatten(0, 1)


def encoder_block(
    x: Tensor,
    weights: EncoderBlock,
    settings: Settings,
    bias: Tensor,
    masks: EncoderMasks | None,
    qkv: Tensor | None = None,
) -> Tensor:
    """One block of the encoder, bias [R, heads, length, length]; qkv as in `self_attention`."""
    keys, attended, inner, fed = masks or (None,) * 4
    x = self_attention(x, weights.attention, settings, bias, keys, attended, qkv)
    return feed_forward(x, weights.feed_forward, settings, inner, fed)


def decoder_block(
    x: Tensor,
    encoded: Tensor,
    weights: DecoderBlock,
    settings: Settings,
    bias: Tensor,
    cross_bias: Tensor,
    masks: DecoderMasks | None,
) -> Tensor:
    """One block of the decoder, bias [1, heads, Q, Q], cross_bias [R, 1, 1, K]."""
    keys, attended, cross_keys, crossed, inner, fed = masks or (None,) * 6
    x = self_attention(x, weights.attention, settings, bias, keys, attended)
    x = cross_attention(x, encoded, weights.cross, settings, cross_bias, cross_keys, crossed)
    return feed_forward(x, weights.feed_forward, settings, inner, fed)
