"""Greedy decoding for many prompts at once, with cached keys and values."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from spotfw_torch import layers
from spotfw_torch.chunks import POSITIONS, on_device, runs, stacked, without_gradients
from spotfw_torch.examples import Ids, pad
from spotfw_torch.model import END, PAD, START, Encoded, FrozenT5
from spotfw_torch.placement import beside
from spotfw_torch.positions import of_block, relative_bias
from spotfw_torch.products import linear


@attrs.frozen(eq=False)
class _Cache:
    """Keys and values of a decoder block, each [R, heads, positions, d].

    Those of its self attention are filled as tokens come. `cross`, those of the cross attention,
    are computed once; None where so few tokens are decoded that taking each query to the
    encoder's output costs less, as `layers.cross_attention` does.
    """

    keys: Tensor
    values: Tensor
    cross: tuple[Tensor, Tensor] | None

    def rows(self, kept: Tensor) -> _Cache:
        """The cache of some of its rows."""
        kept = kept.to(self.keys.device)
        cross = None if self.cross is None else (self.cross[0][kept], self.cross[1][kept])
        return _Cache(self.keys[kept], self.values[kept], cross)


@without_gradients
def greedy(
    model: FrozenT5,
    prompts: Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32],
    inputs: Sequence[npt.ArrayLike],
    max_tokens: int,
    positions_at_once: int = POSITIONS,
) -> list[list[Ids]]:
    """The most likely next token, and so on, for each input under each prompt.

    Args:
      model: frozen.
      prompts: P of float32 [L, E].
      inputs: N rows of token ids, end id included.
      max_tokens: most tokens to decode.
      positions_at_once: most encoder positions of one run, to bound memory.

    Returns:
      For each prompt, for each input, int32 ids up to and with the end id, where it came.
    """
    stack = stacked(model, prompts)
    padded, lengths = pad(inputs)
    decoded: list[list[Ids]] = [[np.zeros(0, np.int32)] * len(lengths) for _ in range(len(stack))]
    shapes = (len(stack), stack.shape[1], lengths, positions_at_once, model.multiple)
    for part, chosen, length in runs(*shapes):
        ids = on_device(model, padded, chosen, length, part.stop - part.start)
        rows = _decode(model, model.encode(stack[part], ids), max_tokens).cpu().numpy()
        places = [(prompt, at) for prompt in range(part.start, part.stop) for at in chosen]
        for (prompt, at), row in zip(places, rows, strict=True):
            ends = np.flatnonzero(row == END)
            decoded[prompt][at] = row[: ends[0] + 1] if len(ends) else row
    return decoded


def _decode(model: FrozenT5, encoded: Encoded, max_tokens: int) -> Tensor:
    """int32 [R, max_tokens], the end id and then padding where a row has ended."""
    rows = len(encoded.hidden)
    made = torch.full((rows, max_tokens), PAD, dtype=torch.int32, device=model.device)
    caches = [_new_cache(model, encoded, block, max_tokens) for block in model.weights.decoder]
    hidden, cross_bias = encoded.hidden, encoded.bias
    places = torch.arange(max_tokens, device=model.device)
    bias = relative_bias(
        model.weights.decoder_positions,
        places,
        places,
        bidirectional=False,
        max_distance=model.dimensions.max_distance,
    )[None]
    going = torch.arange(rows, device=model.device)  # where these rows belong in `made`
    running = torch.ones(rows, dtype=torch.bool, device=model.device)
    token = torch.full((rows,), START, dtype=torch.int64, device=model.device)
    for place in range(max_tokens):
        x = functional.embedding(token[:, None], model.weights.embedding)
        for number, (block, cache) in enumerate(zip(model.weights.decoder, caches, strict=True)):
            x, bias, hidden, cross_bias = beside(block, x, bias, hidden, cross_bias)
            own = of_block(bias, number, model.settings.heads)
            x = _step(x, block, model.settings, cache, place, own, hidden, cross_bias)
        token = model.logits(model.finish(x.to(model.device)))[:, 0].argmax(-1)
        made[going, place] = token.int()
        running = running & (token != END)
        kept = torch.nonzero(running)[:, 0]
        if not len(kept):
            break
        # Rows that have ended are taken out once they are half: each time costs a copy.
        if 2 * len(kept) <= len(token):
            going, token, running = going[kept], token[kept], running[kept]
            there = kept.to(hidden.device)
            hidden, cross_bias = hidden[there], cross_bias[there]
            caches = [cache.rows(kept) for cache in caches]
    return made


def _new_cache(
    model: FrozenT5, encoded: Encoded, block: layers.DecoderBlock, max_tokens: int
) -> _Cache:
    heads, wide = model.settings.heads, model.dimensions.d_kv
    (hidden,) = beside(block, encoded.hidden)
    cross = None
    if max_tokens >= wide:
        both = linear(hidden, block.cross.key_value)
        key, value = layers.split_heads(both, 2, heads)
        cross = (key, value)
    shape = (len(encoded.hidden), heads, max_tokens, wide)
    keys = torch.zeros(shape, dtype=model.dtype, device=hidden.device)
    return _Cache(keys, torch.zeros_like(keys), cross)


def _step(
    x: Tensor,
    block: layers.DecoderBlock,
    settings: layers.Settings,
    cache: _Cache,
    place: int,
    bias: Tensor,
    hidden: Tensor,
    cross_bias: Tensor,
) -> Tensor:
    """A decoder's block at one position: x [R, 1, E], the encoder's hidden [R, K, E]."""
    weights, heads = block.attention, settings.heads
    normed = layers.norm(x, weights.norm, settings.epsilon)
    q, k, v = layers.split_heads(linear(normed, weights.qkv), 3, heads)
    cache.keys[:, :, place], cache.values[:, :, place] = k[:, :, 0], v[:, :, 0]
    seen = place + 1
    mixed = layers.attend(
        q, cache.keys[:, :, :seen], cache.values[:, :, :seen], bias[:, :, place:seen, :seen]
    )
    x = x + linear(layers.merge_heads(mixed), weights.output)
    if cache.cross is None:
        x = layers.cross_attention(x, hidden, block.cross, settings, cross_bias, None, None)
    else:
        normed = layers.norm(x, block.cross.norm, settings.epsilon)
        (q,) = layers.split_heads(linear(normed, block.cross.query), 1, heads)
        mixed = layers.attend(q, *cache.cross, cross_bias)
        x = x + linear(layers.merge_heads(mixed), block.cross.output)
    return layers.feed_forward(x, block.feed_forward, settings, None, None)
