"""Products of activations with weights, by the faster of the CPU's two libraries.

PyTorch gives float32 products to Intel's MKL, which on AMD's processors leaves AVX-512 unused:
105 GFLOP/s a core of an EPYC 9005, where oneDNN, which PyTorch has beside it, makes 235. oneDNN
lays a weight out anew for every product; `pack` has it done once for those that never change,
which makes 250, and in bfloat16 510 of 475. Which library is used depends on the machine and on
shapes, never on a clock, so that a run repeats bit for bit. On Intel's processors, where MKL is at
its best, and on all that was not measured, products stay with PyTorch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.weak import WeakTensorKeyDictionary

#: Multiplications from which on oneDNN is faster: each of its calls takes 11 us, MKL's 1 to 3.
_LARGE = 2**20
#: Rows below which MKL's product of a matrix and a vector is as fast or faster.
_FEW = 4
#: Rows from which on a weight is packed: below, the second copy of it is worth more.
_MANY = 256
#: Bytes of a model's packed weights, there and back; larger models do without.
_MOST_PACKED = 2**30


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """x [..., K] times weight [N, K], transposed: [..., N]."""
    rows = x.numel() // x.shape[-1]
    if not x.is_cpu or torch.compiler.is_compiling():
        return functional.linear(x, weight)
    packed = _packed.get(weight) if rows >= _MANY else None
    large = rows >= _FEW and rows * weight.numel() >= _LARGE
    if packed is None and not (large and x.dtype == torch.float32):
        return functional.linear(x, weight)
    product = _onednn()
    if product is None:
        return functional.linear(x, weight)
    made: Tensor = _Product.apply(x, weight, product, packed)
    return made


class Packed:
    """A weight [N, K] as oneDNN wants it, each way made when it is first asked for."""

    def __init__(self, weight: Tensor) -> None:
        self._weight = weight.detach()

    @functools.cached_property
    def there(self) -> Tensor:
        """For activations."""
        return _reordered(self._weight)

    @functools.cached_property
    def back(self) -> Tensor:
        """For gradients."""
        return _reordered(self._weight.t().contiguous())


def _reordered(weight: Tensor) -> Tensor:
    with torch.inference_mode(False):
        made: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, None)
    return made


_packed = WeakTensorKeyDictionary()


def pack(weights: Iterable[Tensor]) -> None:
    """Has products of many rows with these weights, which must not change, use packed ones."""
    matrices = [weight for weight in weights if weight.is_cpu and weight.ndim == 2]
    there_and_back = 2 * sum(weight.numel() * weight.element_size() for weight in matrices)
    if there_and_back <= _MOST_PACKED and _onednn() is not None:
        _packed.update((weight, Packed(weight)) for weight in matrices)


class _Product(torch.autograd.Function):  # type: ignore[misc]
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        product: Callable[[Tensor, Tensor], Tensor],
        packed: Packed | None,
    ) -> Tensor:
        tuned = ctx.needs_input_grad[1]  # where all weights are tuned
        ctx.save_for_backward(weight, x if tuned else None)
        ctx.product, ctx.packed = product, packed
        return product(x, weight if packed is None else packed.there)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        weight, x = ctx.saved_tensors
        to_weight = None
        if x is not None:
            to_weight = ctx.product(gradients[0].flatten(0, -2).t(), x.flatten(0, -2).t())
        back = weight.t() if ctx.packed is None else ctx.packed.back
        return ctx.product(gradients[0], back), to_weight, None, None


@functools.cache
def _onednn() -> Callable[[Tensor, Tensor], Tensor] | None:
    """oneDNN's product, where it is faster than MKL's and this PyTorch has it."""
    has = torch.backends
    if not (has.mkl.is_available() and has.mkldnn.is_available() and _made_by_amd()):
        return None
    if has.cpu.get_cpu_capability() != "AVX512":
        return None
    try:
        operation = torch.ops.mkldnn._linear_pointwise

        def product(x: Tensor, weight: Tensor) -> Tensor:
            result: Tensor = operation(x.contiguous(), weight, None, "none", [], "")
            return result

        # The operations are PyTorch's own business: held against the plain product once.
        x, weight = torch.arange(6.0).view(2, 3), torch.arange(12.0).view(4, 3)
        made, expected = product(x, weight), x @ weight.t()
        known = torch.equal(made, expected) and torch.equal(product(x, _reordered(weight)), made)
        known = known and torch.equal(product(made, weight.t()), expected @ weight)
    except (AttributeError, RuntimeError, TypeError):
        return None
    return product if known else None


def _made_by_amd(about: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether the processor says so, where Linux tells of it."""
    try:
        with about.open() as lines:
            return any(line.startswith("vendor_id") and "AuthenticAMD" in line for line in lines)
    except OSError:
        return False
