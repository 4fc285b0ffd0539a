"""oneDNN's products are the plain ones up to rounding, and are used only where they are meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional  # noqa: E402

from spotfw_torch import products  # noqa: E402

AMD, INTEL = "vendor_id\t: AuthenticAMD\n", "vendor_id\t: GenuineIntel\n"


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, ...]]]:
    """The shapes of products that oneDNN was given, on a machine where it is the faster."""
    if not torch.backends.mkldnn.is_available() or not torch.backends.mkl.is_available():
        pytest.skip("this PyTorch has not both libraries")
    monkeypatch.setattr(products, "_made_by_amd", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    products._onednn.cache_clear()
    product, shapes = products._onednn(), []
    assert product is not None

    def counted(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        shapes.append((*x.shape, *weight.shape))
        return product(x, weight)

    monkeypatch.setattr(products, "_onednn", lambda: counted)
    yield shapes
    monkeypatch.undo()
    products._onednn.cache_clear()


def _draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("shape", [(4, 512), (3, 70, 96), (2, 5, 7, 128)])
def test_values_and_gradients_are_the_plain_product_s(
    shape: tuple[int, ...], fast: list[tuple[int, ...]]
) -> None:
    weight = _draw(2**20 // shape[-1], shape[-1])
    ours, theirs = _draw(*shape).requires_grad_(), _draw(*shape).double().requires_grad_()
    made, expected = products.linear(ours, weight), functional.linear(theirs, weight.double())
    toward = _draw(*made.shape)
    made.backward(toward)
    expected.backward(toward.double())
    for mine, exact in ((made, expected), (ours.grad, theirs.grad)):
        assert mine.dtype == torch.float32 and mine.shape == exact.shape
        assert ((mine - exact).norm() / exact.norm()).item() < 1e-6
    assert fast == [(*shape, *weight.shape), (*made.shape, *weight.t().shape)]


def test_the_weight_gets_a_gradient_where_it_is_tuned(fast: list[tuple[int, ...]]) -> None:
    x, weight = _draw(3, 70, 96), _draw(2**20 // 96, 96)
    ours = weight.clone().requires_grad_()
    theirs = weight.double().requires_grad_()
    made = products.linear(x, ours)
    toward = _draw(*made.shape)
    made.backward(toward)
    functional.linear(x.double(), theirs).backward(toward.double())
    assert ((ours.grad - theirs.grad).norm() / theirs.grad.norm()).item() < 1e-6
    assert len(fast) == 3


def test_inputs_and_gradients_need_not_be_in_one_piece(fast: list[tuple[int, ...]]) -> None:
    weight = _draw(1024, 64)
    x = _draw(64, 4, 32).transpose(0, 2)[..., :1].expand(-1, -1, 64).requires_grad_()
    made = products.linear(x, weight)
    torch.testing.assert_close(made, functional.linear(x, weight))
    (gradient,) = torch.autograd.grad(made.sum(), x)
    (expected,) = torch.autograd.grad(functional.linear(x, weight).sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-4)
    assert len(fast) == 2


def test_what_is_small_or_of_another_type_stays_with_pytorch(fast: list[tuple[int, ...]]) -> None:
    for x, weight in (
        (_draw(8, 64), _draw(64, 64)),
        (_draw(2, 1024), _draw(1024, 1024)),
        (_draw(64, 256).bfloat16(), _draw(256, 256).bfloat16()),
        (_draw(64, 256).double(), _draw(256, 256).double()),
        (_draw(0, 256), _draw(256, 256)),
    ):
        assert torch.equal(products.linear(x, weight), functional.linear(x, weight))
    assert fast == []


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_weight_gives_the_same(
    dtype: torch.dtype, fast: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    weight = _draw(96, 48).to(dtype)
    x = _draw(2, products._MANY // 2, 48).to(dtype)
    products.pack([weight, _draw(48)])
    ours, theirs = x.clone().requires_grad_(), x.double().requires_grad_()
    made, expected = products.linear(ours, weight), functional.linear(theirs, weight.double())
    toward = _draw(*made.shape).to(dtype)
    made.backward(toward)
    expected.backward(toward.double())
    tolerance = 1e-6 if dtype == torch.float32 else 1e-2
    for mine, exact in ((made, expected), (ours.grad, theirs.grad)):
        assert mine.dtype == dtype and mine.shape == exact.shape
        assert ((mine - exact).norm() / exact.norm()).item() < tolerance
    assert len(fast) == 2
    with torch.inference_mode():
        assert torch.equal(products.linear(x, weight), made)
    products.linear(x[:1], weight)  # of few rows: as it is
    assert len(fast) == 3
    known = len(products._packed)
    monkeypatch.setattr(products, "_MOST_PACKED", 1)
    products.pack([_draw(96, 48)])
    assert len(products._packed) == known
    del weight, made, ours
    assert len(products._packed) == known - 1


@pytest.mark.parametrize(
    ("about", "capability"), [(INTEL, "AVX512"), (AMD, "AVX2"), (None, "AVX512")]
)
def test_other_processors_stay_with_pytorch(
    about: str | None, capability: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processors = tmp_path / "cpuinfo"
    if about is not None:
        processors.write_text(f"processor\t: 0\n{about}")
    amd = products._made_by_amd(processors)
    assert amd == (about == AMD)
    monkeypatch.setattr(products, "_made_by_amd", lambda: amd)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    assert products._onednn.__wrapped__() is None


def test_a_pytorch_without_the_operation_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing(*given: object) -> torch.Tensor:
        raise RuntimeError("expected 5 arguments")

    monkeypatch.setattr(products, "_made_by_amd", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.ops.mkldnn, "_linear_pointwise", refusing)
    assert products._onednn.__wrapped__() is None
