"""Parts with gradients of their own give what PyTorch's give."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from spotfw_torch import layers, on_cpu  # noqa: E402
from spotfw_torch.loss import _of_real_tokens, token_losses  # noqa: E402

ROWS, LENGTH, HEADS, WIDE = 3, 7, 2, 4
#: Of float64's values; bfloat16 has eight bits.
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


def _draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def _compare(function, reference, given: torch.Tensor, dtype: torch.dtype) -> None:
    """Values and gradients of a function against a reference in float64."""
    ours = given.to(dtype, copy=True).requires_grad_()
    exact = given.to(dtype).double().detach().requires_grad_()
    value, expected = function(ours), reference(exact)
    weights = _draw(*value.shape).to(dtype)
    value.backward(weights)
    expected.backward(weights.double())
    assert value.dtype == ours.grad.dtype == dtype
    for mine, true in ((value, expected), (ours.grad, exact.grad)):
        apart = (mine.double() - true).norm() / true.norm()
        assert apart.item() < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_norm(dtype: torch.dtype) -> None:
    weight = (1 + _draw(16) / 10).to(dtype)
    _compare(
        lambda x: on_cpu.norm(x, weight, 1e-6),
        lambda x: functional.rms_norm(x, (16,), weight.double(), 1e-6),
        _draw(ROWS, LENGTH, 16),
        dtype,
    )


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "with dropped keys"])
def test_attention(dtype: torch.dtype, masked: bool) -> None:
    bias = _draw(ROWS, HEADS, LENGTH, LENGTH).to(dtype)
    bias[1, :, :, 5:] = -1e9
    keys = None
    if masked:
        keys = torch.where(_draw(ROWS, HEADS, LENGTH, 1) > 0, 2.0, 0.0).to(dtype)

    def reference(qkv: torch.Tensor) -> torch.Tensor:
        q, k, v = layers.split_heads(qkv, 3, HEADS)
        v = v if keys is None else v * keys.double()
        return layers.merge_heads(torch.softmax(q @ k.transpose(2, 3) + bias.double(), -1) @ v)

    _compare(
        lambda x: on_cpu.attention(x, bias, keys, HEADS),
        reference,
        _draw(ROWS, LENGTH, 3 * HEADS * WIDE),
        dtype,
    )


def test_one_bias_for_all_rows() -> None:
    bias = _draw(1, HEADS, LENGTH, LENGTH)
    qkv = _draw(ROWS, LENGTH, 3 * HEADS * WIDE)
    each = bias.expand(ROWS, -1, -1, -1)
    torch.testing.assert_close(
        on_cpu.attention(qkv, bias, None, HEADS), on_cpu.attention(qkv, each, None, HEADS)
    )


def test_logits_are_made_of_real_tokens_only() -> None:
    class Model:
        made = 0

        def logits(self, hidden: torch.Tensor) -> torch.Tensor:
            self.made += len(hidden)
            return hidden

    model = Model()
    hidden = _draw(2, 3, 8)
    targets = torch.tensor([[4, 1, 0], [1, 0, 0]])
    nats, normaliser = _of_real_tokens(model, hidden, targets)  # type: ignore[arg-type]
    assert model.made == 3
    all_nats, all_normalisers = token_losses(hidden, targets)
    real = targets != 0
    torch.testing.assert_close(nats, all_nats * real)
    torch.testing.assert_close(normaliser, all_normalisers * real)
