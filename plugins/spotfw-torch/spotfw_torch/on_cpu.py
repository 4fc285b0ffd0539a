"""Parts of a block on the CPU, with gradients of their own.

PyTorch's own are made of several operations each, which read and write an activation a dozen
times where three or four would do, and its fused attention is slow in bfloat16. These give the
same values up to rounding. Where a program is compiled, or on a GPU, `layers` uses PyTorch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

#: Keys up to which a gradient finds the shares kept; beyond, memory matters more than time.
_SHORT = 256
#: Scores that are made at once; longer rows, of up to as many, have them made again for the
#: gradient.
_MOST = 2**26
#: PyTorch's softmax takes numbers of bfloat16 by so many, and those that are left one by one.
_TOGETHER = 32


def here(x: Tensor) -> bool:
    """Whether these take the place of PyTorch's for x."""
    return x.is_cpu and not torch.compiler.is_compiling()


def makes_scores(x: Tensor, heads: int) -> bool:
    """Whether `attention` is faster than PyTorch's for x [R, length, ...] and fits in memory.

    However many rows there are: PyTorch's rounds otherwise, and a member's result would depend on
    how many others are computed with it.
    """
    length: int = x.shape[1]
    fits = length <= _SHORT or heads * length**2 <= _MOST
    return here(x) and x.dtype == torch.bfloat16 and fits


def columns(x: Tensor, heads: int) -> int:
    """How many columns `attention` would have a bias of x [R, length, ...] have.

    Where many would be left, more of them cost less; where few, products cost more than is saved.
    """
    length: int = x.shape[1]
    missing = -length % _TOGETHER
    return length + missing if makes_scores(x, heads) and missing <= _TOGETHER // 2 else length


def norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """RMS norm over the last dimension; sums are float32."""
    normed: Tensor = _Norm.apply(x, weight, epsilon)
    return normed


class _Norm(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        size = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = (size.square_().div_(x.shape[-1]).add_(epsilon)).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        if x.dtype == torch.float32:
            return (x * weight).mul_(scale)
        # The scale is one for a row: rounded, its error would not average out. Types are mixed in
        # place only: PyTorch's product of two types takes four times as long.
        return x.float().mul_(scale).mul_(weight).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None]:
        x, weight, scale = ctx.saved_tensors
        tuned = ctx.needs_input_grad[1]  # where all weights are tuned
        # The gradient of a layer norm whose mean was 0, less what the mean's own part took away.
        to_x, to_weight, _ = torch.ops.aten.native_layer_norm_backward(
            gradients[0],
            x,
            x.shape[-1:],
            torch.zeros_like(scale),
            scale,
            weight.float(),
            None,
            [True, tuned, False],
        )
        mean = torch.matmul(gradients[0], weight)[..., None] * (scale / x.shape[-1])
        return to_x.add_(mean.to(x.dtype)), to_weight.to(weight.dtype) if tuned else None, None


def attention(qkv: Tensor, bias: Tensor, keys: Tensor | None, heads: int) -> Tensor:
    """Self attention without 1/sqrt(d), [R, length, heads * d].

    Args:
      qkv: [R, length, 3 * heads * d], queries, keys, values.
      bias: [R or 1, heads, length, K], of the same type; very negative from `length` on, where
        K is larger.
      keys: a dropout mask [R, heads, length, 1] of values, or None.
      heads: how many.
    """
    (rows, length, _), columns = qkv.shape, bias.shape[-1]
    most = rows if length <= _SHORT else max(1, _MOST // (heads * length * columns))
    parts = []
    for first in range(0, rows, most):
        part = slice(first, first + most)
        own = bias if len(bias) == 1 else bias[part]
        mask = None if keys is None else keys[part]
        parts.append(_Attention.apply(qkv[part], own, mask, heads))
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class _Attention(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, bias: Tensor, keys: Tensor | None, heads: int) -> Tensor:
        rows, length, _ = qkv.shape
        split = qkv.view(rows, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
        query = split[0].reshape(rows * heads, length, -1)
        key, value = _widened(split[1:], bias.shape[-1]).flatten(1, 2).unbind(0)
        if keys is not None:
            keys = _widened(keys, bias.shape[-1]).flatten(0, 1)
            value = value * keys
        share = _shares(query, key, bias)
        kept = share if length <= _SHORT else bias
        ctx.save_for_backward(query, key, value, kept, keys)
        ctx.heads, ctx.bias_rows = heads, bias.shape[0]
        mixed = torch.bmm(share, value).view(rows, heads, length, -1)
        return mixed.transpose(1, 2).reshape(rows, length, -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        query, key, value, kept, keys = ctx.saved_tensors
        count, length, wide = query.shape
        share = kept if length <= _SHORT else _shares(query, key, kept)
        rows, heads = count // ctx.heads, ctx.heads
        mixed = gradients[0].view(rows, length, heads, wide).transpose(1, 2)
        mixed = mixed.reshape(count, length, wide)
        to_value = torch.bmm(share.transpose(1, 2), mixed)
        if keys is not None:
            to_value.mul_(keys)
        to_share = torch.bmm(mixed, value.transpose(1, 2))
        scores = torch.ops.aten._softmax_backward_data(to_share, share, -1, share.dtype)
        to_query, to_key = torch.bmm(scores, key), torch.bmm(scores.transpose(1, 2), query)
        split = query.new_empty(rows, length, 3, heads, wide)
        for number, part in enumerate((to_query, to_key, to_value)):
            split[:, :, number] = part.view(rows, heads, -1, wide)[:, :, :length].transpose(1, 2)
        to_bias = None
        if ctx.needs_input_grad[1]:  # where all weights are tuned
            to_bias = scores.view(rows, heads, length, -1)
            if ctx.bias_rows == 1:
                to_bias = to_bias.sum(0, keepdim=True)
        return split.view(rows, length, -1), to_bias, None, None


def _shares(query: Tensor, key: Tensor, bias: Tensor) -> Tensor:
    """Of queries [R * heads, length, d] and a bias [R or 1, heads, length, K]."""
    count, length, _ = query.shape
    every = bias.expand(count // bias.shape[1], -1, -1, -1).reshape(count, length, -1)
    scores = torch.baddbmm(every, query, key.transpose(1, 2))
    return torch.softmax(scores, dim=-1, out=scores)


def _widened(x: Tensor, length: int) -> Tensor:
    """x [..., positions, width] in one piece, with zeros behind up to a length."""
    if x.shape[-2] == length:
        return x.contiguous()
    return torch.nn.functional.pad(x, (0, 0, 0, length - x.shape[-2]))


def asked(query: Tensor, encoded: Tensor, bias: Tensor, keys: Tensor | None) -> Tensor:
    """What queries see of an encoder's output, which is their keys and values at once.

    Args:
      query: [R, heads * Q, E].
      encoded: [R, K, E].
      bias: without a gradient, broadcast to [R, heads, Q, K].
      keys: a dropout mask [R, heads, 1, K] of shares, or None.

    Returns:
      [R, heads * Q, E].
    """
    seen: Tensor = _Asked.apply(query, encoded, bias, keys)
    return seen


class _Asked(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, encoded: Tensor, bias: Tensor, keys: Tensor | None
    ) -> Tensor:
        heads = 1 if keys is None else keys.shape[1]
        scores = torch.bmm(query, encoded.transpose(1, 2)).float().unflatten(1, (heads, -1))
        share = torch.softmax(scores + bias, dim=-1)
        used = share.to(query.dtype)
        used = (used if keys is None else used * keys).flatten(1, 2)
        ctx.save_for_backward(query, encoded, share, used, keys)
        return torch.bmm(used, encoded)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        query, encoded, share, used, keys = ctx.saved_tensors
        (toward,) = gradients
        to_share = torch.bmm(toward, encoded.transpose(1, 2)).view_as(share)
        if keys is not None:
            to_share = to_share * keys
        scores = torch.ops.aten._softmax_backward_data(to_share.float(), share, -1, share.dtype)
        to_scores = scores.to(query.dtype).flatten(1, 2)
        # As keys and as values in one product, laid out as the other layers' gradients are: two
        # transposed ones take three times as long to add up.
        both = torch.cat([to_scores, used], dim=1).transpose(1, 2)
        to_encoded = torch.bmm(both, torch.cat([query, toward], dim=1))
        return torch.bmm(to_scores, encoded), to_encoded, None, None
