"""T5 1.1 for rows of one fixed shape, in which several examples may stand.

Weights are kept as training likes them: queries, keys and values together, queries without T5's
missing 1/sqrt(d_kv). The output layer is the embedding table times d_model ** -0.5. `export`
writes them as Hugging Face's T5 1.1 has them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from spotfw_english.pretraining.sizes import ModelSize

#: Added where attention may not look; bfloat16 holds it.
_FAR = -30_000.0


class Norm(nn.Module):
    """T5's norm: by the root mean square, in float32."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6)
        return (scaled * self.weight).to(x.dtype)


class Attention(nn.Module):
    """Attention of rows to themselves, or to another side's rows."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        inner = size.heads * size.d_kv
        self.heads, self.d_kv = size.heads, size.d_kv
        self.queries = _matrix(inner, size.d_model)
        self.keys_values = _matrix(inner, size.d_model, 2)
        self.out = _matrix(size.d_model, inner)

    def forward(self, x: Tensor, other: Tensor, bias: Tensor | None, seen: Tensor) -> Tensor:
        """x [B, Q, D], other [B, K, D], bias [H, Q, K], seen [B, 1, Q, K] of bool."""
        queries = self._by_head(functional.linear(x, self.queries.to(x.dtype)), 1)[0]
        both = self.keys_values.flatten(0, 1).to(x.dtype)
        keys, values = self._by_head(functional.linear(other, both), 2)
        scores = torch.matmul(queries * self.d_kv**-0.5, keys.transpose(-1, -2)).float()
        if bias is not None:
            scores = scores + bias
        weights = torch.softmax(torch.where(seen, scores, _FAR), -1).to(values.dtype)
        mixed = torch.matmul(weights, values).transpose(1, 2).flatten(2)
        return functional.linear(mixed, self.out.to(x.dtype))

    def _by_head(self, x: Tensor, parts: int) -> Tensor:
        shaped = x.unflatten(-1, (parts, self.heads, self.d_kv))
        return shaped.permute(2, 0, 3, 1, 4)


class Gated(nn.Module):
    """The gated feed-forward layer."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.gate_up = _matrix(size.d_ff, size.d_model, 2)
        self.down = _matrix(size.d_model, size.d_ff)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = functional.linear(x, self.gate_up.flatten(0, 1).to(x.dtype)).chunk(2, -1)
        shut = functional.gelu(gate, approximate="tanh") * up
        return functional.linear(shut, self.down.to(x.dtype))


class EncoderLayer(nn.Module):
    """Self-attention and feed-forward."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.norms = nn.ModuleList(Norm(size.d_model) for _ in range(2))
        self.attention, self.feed = Attention(size), Gated(size)

    def forward(self, x: Tensor, bias: Tensor, seen: Tensor) -> Tensor:
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed, bias, seen)
        return x + self.feed(self.norms[1](x))


class DecoderLayer(nn.Module):
    """Self-attention, attention to the encoder, and feed-forward."""

    def __init__(self, size: ModelSize) -> None:
        super().__init__()
        self.norms = nn.ModuleList(Norm(size.d_model) for _ in range(3))
        self.attention, self.cross, self.feed = Attention(size), Attention(size), Gated(size)

    def forward(
        self, x: Tensor, memory: Tensor, bias: Tensor, seen: Tensor, seen_memory: Tensor
    ) -> Tensor:
        normed = self.norms[0](x)
        x = x + self.attention(normed, normed, bias, seen)
        x = x + self.cross(self.norms[1](x), memory, None, seen_memory)
        return x + self.feed(self.norms[2](x))


class PackedT5(nn.Module):
    """The model.

    Args:
      size: of it.
      dtype: of what flows through it; weights are float32.
    """

    def __init__(self, size: ModelSize, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.size, self.dtype = size, dtype
        self.embeddings = nn.Parameter(torch.randn(size.vocabulary, size.d_model))
        self.encoder_bias, self.decoder_bias = (
            nn.Parameter(torch.randn(size.buckets, size.heads) * size.d_model**-0.5)
            for _ in range(2)
        )
        self.encoder = nn.ModuleList(EncoderLayer(size) for _ in range(size.encoder_layers))
        self.encoder_norm = Norm(size.d_model)
        self.decoder = nn.ModuleList(DecoderLayer(size) for _ in range(size.decoder_layers))
        self.decoder_norm = Norm(size.d_model)

    def forward(
        self,
        inputs: Tensor,
        input_segments: Tensor,
        decoder_inputs: Tensor,
        target_segments: Tensor,
    ) -> Tensor:
        """Logits [B, T, V] in float32; ids are int64 [B, N] and [B, T]."""
        memory = functional.embedding(inputs, self.embeddings).to(self.dtype)
        bias = self._bias(self.encoder_bias, inputs.shape[1], both_ways=True)
        seen = _same(input_segments, input_segments)
        for layer in self.encoder:
            memory = layer(memory, bias, seen)
        memory = self.encoder_norm(memory)
        x = functional.embedding(decoder_inputs, self.embeddings).to(self.dtype)
        length = decoder_inputs.shape[1]
        bias = self._bias(self.decoder_bias, length, both_ways=False)
        past = torch.ones(length, length, dtype=torch.bool, device=x.device).tril()
        seen = _same(target_segments, target_segments) & past
        seen_memory = _same(target_segments, input_segments)
        for layer in self.decoder:
            x = layer(x, memory, bias, seen, seen_memory)
        x = self.decoder_norm(x) * self.size.d_model**-0.5
        return functional.linear(x, self.embeddings.to(x.dtype)).float()

    def _bias(self, table: Tensor, length: int, both_ways: bool) -> Tensor:
        place = torch.arange(length, device=table.device)
        relative = place[None, :] - place[:, None]
        buckets = bucket(relative, both_ways, self.size.buckets, self.size.distance)
        return table[buckets].permute(2, 0, 1)


def bucket(relative: Tensor, both_ways: bool, buckets: int, distance: int) -> Tensor:
    """T5's bucket of each relative position, keys minus queries."""
    offset = torch.zeros_like(relative)
    if both_ways:
        buckets //= 2
        offset = (relative > 0).long() * buckets
        away = relative.abs()
    else:
        away = (-relative).clamp(min=0)
    exact = buckets // 2
    rising = torch.log(away.float().clamp(min=1) / exact) / math.log(distance / exact)
    far = exact + (rising * (buckets - exact)).long()
    return offset + torch.where(away < exact, away, far.clamp(max=buckets - 1))


def _matrix(rows: int, columns: int, *stacked: int) -> nn.Parameter:
    """A matrix, or several of one shape; Muon takes each by itself."""
    return nn.Parameter(torch.randn(*stacked, rows, columns) * columns**-0.5)


def _same(queries: Tensor, keys: Tensor) -> Tensor:
    """[B, 1, Q, K]: whether both are of one example."""
    return queries[:, None, :, None] == keys[:, None, None, :]
