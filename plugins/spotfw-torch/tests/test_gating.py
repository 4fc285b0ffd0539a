"""The gated activation and its gradient are those of PyTorch's GELU and ReLU."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from spotfw_torch import gating  # noqa: E402

#: Of float64's values; bfloat16 has eight bits.
TOLERANCE = {torch.float64: 1e-13, torch.float32: 1e-6, torch.bfloat16: 1e-2}
ACTIVATIONS = ["gelu_new", "relu"]


def _draw(*shape: int) -> torch.Tensor:
    numbers = torch.Generator().manual_seed(sum(shape))
    return 3 * torch.randn(*shape, generator=numbers, dtype=torch.float64)


def _reference(inner: torch.Tensor, activation: str) -> torch.Tensor:
    gate, factor = inner.chunk(2, dim=-1)
    active = gate.relu() if activation == "relu" else functional.gelu(gate, approximate="tanh")
    return active * factor


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("at_once", [gating._AT_ONCE, 40])
def test_values_and_gradients(
    dtype: torch.dtype, activation: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gating, "_AT_ONCE", at_once)
    given = _draw(3, 7, 48).to(dtype)
    ours = given.clone().requires_grad_()
    exact = given.double().requires_grad_()
    value, expected = gating.gated(ours, activation), _reference(exact, activation)
    toward = _draw(*value.shape).to(dtype)
    value.backward(toward)
    expected.backward(toward.double())
    assert value.dtype == ours.grad.dtype == dtype
    for mine, true in ((value, expected), (ours.grad, exact.grad)):
        assert ((mine.double() - true).norm() / true.norm()).item() < TOLERANCE[dtype]
    with torch.inference_mode():
        assert torch.equal(gating.gated(given, activation), value)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_is_the_slope(activation: str) -> None:
    inner = _draw(2, 3, 8).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: gating.gated(x, activation), inner)


def test_far_from_zero_it_is_the_gate_or_nothing() -> None:
    gate = torch.tensor([-1e9, -40.0, 40.0, 1e9])
    inner = torch.cat([gate, torch.full((4,), 2.0)])[None].requires_grad_()
    value = gating.gated(inner, "gelu_new")
    assert value.tolist() == [[0.0, 0.0, 80.0, 2e9]]
    (gradient,) = torch.autograd.grad(value.sum(), inner)
    assert gradient[0, :4].tolist() == [0.0, 0.0, 2.0, 2.0]


def test_no_rows() -> None:
    assert gating.gated(torch.zeros(0, 5, 8), "gelu_new").shape == (0, 5, 4)
