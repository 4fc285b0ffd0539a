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
@pytest.mark.parametrize("behind", [0, 3], ids=["all keys", "columns behind"])
@pytest.mark.parametrize("short", [LENGTH, LENGTH - 1], ids=["kept", "made again"])
def test_attention(
    dtype: torch.dtype, masked: bool, behind: int, short: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_cpu, "_SHORT", short)
    bias = _draw(ROWS, HEADS, LENGTH, LENGTH).to(dtype)
    bias[1, :, :, 5:] = -1e9
    keys = None
    if masked:
        keys = torch.where(_draw(ROWS, HEADS, LENGTH, 1) > 0, 2.0, 0.0).to(dtype)

    def reference(qkv: torch.Tensor) -> torch.Tensor:
        q, k, v = layers.split_heads(qkv, 3, HEADS)
        v = v if keys is None else v * keys.double()
        return layers.merge_heads(torch.softmax(q @ k.transpose(2, 3) + bias.double(), -1) @ v)

    wide = functional.pad(bias, (0, behind), value=-1e9)
    _compare(
        lambda x: on_cpu.attention(x, wide, keys, HEADS),
        reference,
        _draw(ROWS, LENGTH, 3 * HEADS * WIDE),
        dtype,
    )


@pytest.mark.parametrize("one", [False, True], ids=["a bias a row", "one bias"])
def test_attention_of_many_rows_is_theirs_alone(one: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_cpu, "_SHORT", LENGTH - 1)
    kind = torch.bfloat16
    keys = torch.where(_draw(ROWS, HEADS, LENGTH, 1) > 0, 2.0, 0.0).to(kind)
    weights = _draw(ROWS, LENGTH, HEADS * WIDE).to(kind)

    def outcome() -> list[torch.Tensor]:
        qkv = _draw(ROWS, LENGTH, 3 * HEADS * WIDE).to(kind).requires_grad_()
        bias = _draw(1 if one else ROWS, HEADS, LENGTH, LENGTH).to(kind).requires_grad_()
        mixed = on_cpu.attention(qkv, bias, keys, HEADS)
        return [mixed, *torch.autograd.grad(mixed, [qkv, bias], weights)]

    whole = outcome()
    monkeypatch.setattr(on_cpu, "_MOST", HEADS * LENGTH**2)
    by_row = outcome()
    for mine, theirs in zip(by_row[: 2 if one else 3], whole, strict=False):
        assert torch.equal(mine, theirs)
    torch.testing.assert_close(by_row[2], whole[2], rtol=2e-2, atol=1e-2)
    assert on_cpu.makes_scores(torch.zeros(1, LENGTH, 1, dtype=kind), HEADS)
    assert on_cpu.makes_scores(torch.zeros(9, LENGTH, 1, dtype=kind), HEADS)
    assert not on_cpu.makes_scores(torch.zeros(1, LENGTH + 1, 1, dtype=kind), HEADS)


@pytest.mark.parametrize("behind", [0, 3], ids=["all keys", "columns behind"])
def test_the_gradient_of_attention_s_bias(behind: int) -> None:
    qkv = _draw(ROWS, LENGTH, 3 * HEADS * WIDE)
    weights = _draw(ROWS, LENGTH, HEADS * WIDE)

    def of(attention) -> torch.Tensor:
        bias = _draw(1, HEADS, LENGTH, LENGTH).requires_grad_()
        attention(bias).backward(weights)
        assert bias.grad is not None
        return bias.grad

    def ours(bias: torch.Tensor) -> torch.Tensor:
        return on_cpu.attention(qkv, functional.pad(bias, (0, behind), value=-1e9), None, HEADS)

    def plain(bias: torch.Tensor) -> torch.Tensor:
        q, k, v = layers.split_heads(qkv, 3, HEADS)
        return layers.merge_heads(torch.softmax(q @ k.transpose(2, 3) + bias, -1) @ v)

    torch.testing.assert_close(of(ours), of(plain))


@pytest.mark.parametrize(
    ("dtype", "length", "columns"),
    [
        (torch.bfloat16, 84, 96),
        (torch.bfloat16, 164, 164),
        (torch.bfloat16, 96, 96),
        (torch.bfloat16, 304, 320),
        (torch.bfloat16, 9_044, 9_044),
        (torch.float32, 84, 84),
    ],
)
def test_columns_are_added_where_softmax_would_leave_many(
    dtype: torch.dtype, length: int, columns: int
) -> None:
    assert on_cpu.columns(torch.zeros(1, length, 1, dtype=dtype), 1) == columns


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("masked", [False, True], ids=["whole", "with dropped keys"])
@pytest.mark.parametrize("by", ["query", "encoded"])
def test_queries_of_an_encoder_s_output(dtype: torch.dtype, masked: bool, by: str) -> None:
    bias = torch.zeros(ROWS, 1, 1, LENGTH)
    bias[1, ..., 5:] = -1e9
    keys = None
    if masked:
        keys = torch.where(_draw(ROWS, HEADS, 1, LENGTH) > 0, 2.0, 0.0).to(dtype)
    query, encoded = _draw(ROWS, HEADS * 3, WIDE).to(dtype), _draw(ROWS, LENGTH, WIDE).to(dtype)

    def of(function, x: torch.Tensor) -> torch.Tensor:
        given = (x, encoded.to(x.dtype)) if by == "query" else (query.to(x.dtype), x)
        mask = None if keys is None else keys.to(x.dtype)
        return function(*given, bias, mask)

    def reference(query, encoded, bias, mask) -> torch.Tensor:
        scores = (query @ encoded.transpose(1, 2)).unflatten(1, (HEADS, -1)) + bias
        share = torch.softmax(scores, -1) * (1.0 if mask is None else mask)
        return share.flatten(1, 2) @ encoded

    given = query if by == "query" else encoded
    _compare(lambda x: of(on_cpu.asked, x), lambda x: of(reference, x), given, dtype)
    torch.testing.assert_close(
        of(layers._asked, given), of(on_cpu.asked, given), rtol=2e-2, atol=1e-2
    )


@pytest.mark.parametrize("kind", TOLERANCE)
def test_in_float32_the_gradient_of_cross_attention_is_pytorch_s(kind: torch.dtype) -> None:
    width = HEADS * WIDE
    weights = layers.CrossAttention(*(torch.eye(n, width, dtype=kind) for n in (1, 8, 16, 8)))
    query = _draw(ROWS, 3, width).to(kind).requires_grad_()
    encoded, bias = _draw(ROWS, LENGTH, width).to(kind), torch.zeros(ROWS, 1, 1, LENGTH)
    mixed = layers._absorbed(query, encoded, weights, HEADS, bias, None)
    seen, waiting = set(), [mixed.grad_fn]
    while waiting:
        node = waiting.pop()
        seen.add(node.name())
        waiting += [following for following, _ in node.next_functions if following is not None]
    assert ("_AskedBackward" in seen) is (kind == torch.bfloat16)


def test_token_losses() -> None:
    targets = torch.tensor([[4, 1, 0], [1, 7, 2]])

    def losses(logits: torch.Tensor) -> torch.Tensor:
        return torch.stack(token_losses(logits, targets))

    def plain(logits: torch.Tensor) -> torch.Tensor:
        normaliser = torch.logsumexp(logits, -1)
        nats = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        return torch.stack([nats.view_as(targets), normaliser])

    given = 5 * _draw(2, 3, 8)
    _compare(losses, plain, given, torch.float32)
    assert torch.equal(losses(given), losses(given.clone().requires_grad_()))


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
