"""Turns Hugging Face's T5 tensors into the blocks' weights."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import torch

from spotfw_torch.dimensions import Dimensions
from spotfw_torch.errors import ModelFolderError
from spotfw_torch.layers import (
    CrossAttention,
    DecoderBlock,
    EncoderBlock,
    FeedForward,
    SelfAttention,
)

#: Names under which a file may hold the embedding table, for each stack.
_COPIES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")


@attrs.frozen(kw_only=True, eq=False)
class Weights:
    """All tensors of a frozen T5, of one type and on one device.

    Attributes:
      embedding: [V, E].
      head: [V, E]; the same tensor as `embedding` where they are tied.
      encoder, decoder: the stacks' blocks.
      encoder_norm, decoder_norm: final norms [E].
      encoder_positions, decoder_positions: relative biases [buckets, heads], or of blocks
        that have their own [buckets, blocks * heads].
    """

    embedding: torch.Tensor
    head: torch.Tensor
    encoder: tuple[EncoderBlock, ...]
    decoder: tuple[DecoderBlock, ...]
    encoder_norm: torch.Tensor
    decoder_norm: torch.Tensor
    encoder_positions: torch.Tensor
    decoder_positions: torch.Tensor


def shapes(dims: Dimensions) -> dict[str, tuple[int, ...]]:
    """The tensors a T5 of these dimensions needs, by Hugging Face's names, with their shapes.

    ``lm_head.weight`` is listed only where the head must be a tensor of its own.
    """
    inner = dims.num_heads * dims.d_kv
    attention = {
        "q": (inner, dims.d_model),
        "k": (inner, dims.d_model),
        "v": (inner, dims.d_model),
        "o": (dims.d_model, inner),
    }
    feed_forward = {"wo": (dims.d_model, dims.d_ff)} | {
        name: (dims.d_ff, dims.d_model) for name in (("wi_0", "wi_1") if dims.gated else ("wi",))
    }
    needed: dict[str, tuple[int, ...]] = {"shared.weight": (dims.vocabulary_size, dims.d_model)}
    if dims.separate_head:
        needed["lm_head.weight"] = (dims.vocabulary_size, dims.d_model)
    stacks = {
        "encoder": (dims.encoder_layers, ("SelfAttention",)),
        "decoder": (dims.decoder_layers, ("SelfAttention", "EncDecAttention")),
    }
    for stack, (layers, attentions) in stacks.items():
        for name in _position_tables(stack, layers, dims):
            needed[f"{name}.weight"] = (dims.buckets, dims.num_heads)
        needed[f"{stack}.final_layer_norm.weight"] = (dims.d_model,)
        for layer in range(layers):
            place = f"{stack}.block.{layer}.layer"
            for number, name in enumerate((*attentions, "DenseReluDense")):
                parts = feed_forward if name == "DenseReluDense" else attention
                needed |= {
                    f"{place}.{number}.{name}.{part}.weight": shape for part, shape in parts.items()
                }
                needed[f"{place}.{number}.layer_norm.weight"] = (dims.d_model,)
    return needed


def _position_tables(stack: str, layers: int, dims: Dimensions) -> list[str]:
    """Names of a stack's relative biases."""
    blocks = range(layers if dims.bias_in_every_block else 1)
    return [f"{stack}.block.{n}.layer.0.SelfAttention.relative_attention_bias" for n in blocks]


def arrange(
    tensors: Mapping[str, torch.Tensor],
    dims: Dimensions,
    device: torch.device,
    dtype: torch.dtype,
    blocks: Mapping[str, torch.device] | None = None,
) -> Weights:
    """The weights of these tensors, with queries, keys and values (and gates) stacked.

    Args:
      tensors: by Hugging Face's names.
      dims: of the model.
      device: where they go.
      dtype: what they become.
      blocks: where blocks go that go elsewhere, by names like ``decoder.block.7``.

    Raises:
      ModelFolderError: a tensor is missing, of another shape, or has no place.
    """
    needed = shapes(dims)
    copies = [name for name in _COPIES if name in tensors]
    if "shared.weight" not in tensors and copies:
        tensors = {**tensors, "shared.weight": tensors[copies[0]]}
    if "lm_head.weight" in tensors:
        needed["lm_head.weight"] = needed["shared.weight"]
    wrong = [
        f"{name} should be {list(shape)} and is "
        + (f"{list(tensors[name].shape)}" if name in tensors else "missing")
        for name, shape in needed.items()
        if name not in tensors or tuple(tensors[name].shape) != shape
    ]
    unexpected = [name for name in tensors if name not in needed]
    if unexpected and not wrong:
        raise ModelFolderError(
            f"The weights do not fit config.json: {len(unexpected)} tensors have no place in a T5 "
            f"of its sizes ({', '.join(unexpected[:3])}). Give the folder that both belong to."
        )
    if wrong:
        raise ModelFolderError(
            f"The weights do not fit config.json: {len(wrong)} of {len(needed)} tensors "
            f"({'; '.join(wrong[:3])}). Give the folder that both belong to."
        )

    def take(*names: str) -> torch.Tensor:
        owner = ".".join(names[0].split(".")[:3])
        there = device if blocks is None else blocks.get(owner, device)
        parts = [tensors[f"{name}.weight"].to(there, dtype) for name in names]
        return (torch.cat(parts) if len(parts) > 1 else parts[0]).contiguous()

    def self_attention(place: str) -> SelfAttention:
        part = f"{place}.0.SelfAttention"
        return SelfAttention(
            norm=take(f"{place}.0.layer_norm"),
            qkv=take(f"{part}.q", f"{part}.k", f"{part}.v"),
            output=take(f"{part}.o"),
        )

    def feed_forward(place: str, number: int) -> FeedForward:
        part = f"{place}.{number}.DenseReluDense"
        inner = (f"{part}.wi_0", f"{part}.wi_1") if dims.gated else (f"{part}.wi",)
        return FeedForward(
            norm=take(f"{place}.{number}.layer_norm"), inner=take(*inner), output=take(f"{part}.wo")
        )

    def cross_attention(place: str) -> CrossAttention:
        part = f"{place}.1.EncDecAttention"
        return CrossAttention(
            norm=take(f"{place}.1.layer_norm"),
            query=take(f"{part}.q"),
            key_value=take(f"{part}.k", f"{part}.v"),
            output=take(f"{part}.o"),
        )

    def positions(stack: str, layers: int) -> torch.Tensor:
        tables = [tensors[f"{name}.weight"] for name in _position_tables(stack, layers, dims)]
        return torch.cat(tables, dim=1).to(device, dtype)

    embedding = take("shared")
    encoder = [f"encoder.block.{n}.layer" for n in range(dims.encoder_layers)]
    decoder = [f"decoder.block.{n}.layer" for n in range(dims.decoder_layers)]
    return Weights(
        embedding=embedding,
        head=take("lm_head") if "lm_head.weight" in tensors else embedding,
        encoder=tuple(EncoderBlock(self_attention(p), feed_forward(p, 1)) for p in encoder),
        decoder=tuple(
            DecoderBlock(self_attention(p), cross_attention(p), feed_forward(p, 2)) for p in decoder
        ),
        encoder_norm=take("encoder.final_layer_norm"),
        decoder_norm=take("decoder.final_layer_norm"),
        encoder_positions=positions("encoder", dims.encoder_layers),
        decoder_positions=positions("decoder", dims.decoder_layers),
    )
