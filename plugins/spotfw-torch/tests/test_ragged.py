"""Rows encoded by groups of like lengths give what one padded batch gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from spotfw_torch import ragged  # noqa: E402
from spotfw_torch.dropout import Dropout  # noqa: E402
from spotfw_torch.model import Encoded, FrozenT5, load  # noqa: E402

MEMBERS, ROWS, PROMPT = 2, 5, 3
LENGTHS = [[2, 9, 4, 9, 1], [3, 3, 12, 1, 7]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, write_small: Callable[..., Path]) -> FrozenT5:
    """Of the CPU: only there are rows encoded by groups."""
    return load(write_small(tmp_path_factory.mktemp("ragged")), device="cpu")


def _batch(model: FrozenT5) -> tuple[torch.Tensor, torch.Tensor]:
    numbers = torch.Generator().manual_seed(0)
    ids = torch.randint(3, model.vocabulary_size, (MEMBERS, ROWS, 14), generator=numbers)
    ids[torch.arange(14) >= torch.tensor(LENGTHS)[..., None]] = 0
    return torch.randn(MEMBERS, PROMPT, model.width, generator=numbers), ids


def test_lengths_end_at_the_last_token() -> None:
    ids = torch.tensor([[[5, 0, 6, 0], [0, 0, 0, 0]]])
    assert ragged.real_lengths(ids).tolist() == [[3, 0]]
    assert ragged.real_lengths(ids[..., :0]).tolist() == [[0, 0]]


def test_a_group_ends_where_its_padding_costs_more_than_another_group() -> None:
    free = ragged._CALLS // 64
    assert ragged.borders([free + 1, free + 1, 2, 2, 1], 1, 64) == [0, 3, 5]
    assert ragged.borders([9] * 16, 4, 512) == [0, 16]
    assert ragged.borders([free + 1, 2, 2], 2, 64) == [0, 1, 3]


def test_groups_give_what_one_batch_gives(model: FrozenT5, monkeypatch: pytest.MonkeyPatch) -> None:
    prompts, ids = _batch(model)
    encode, rows = model._encode, []

    def noted(prompts: torch.Tensor, ids: torch.Tensor, dropout: Dropout | None) -> Encoded:
        rows.append(ids.shape[1])
        return encode(prompts, ids, dropout)

    monkeypatch.setattr(model, "_encode", noted)
    results = []
    for calls in (2**40, 0):
        monkeypatch.setattr(ragged, "_CALLS", calls)
        with torch.inference_mode():
            encoded = model.encode(prompts, ids)
        results.append((encoded.hidden * (encoded.bias[:, 0, 0, :, None] == 0), encoded.bias))
    assert rows == [ROWS, 1, 1, 1, 1, 1]
    for whole, apart in zip(*results, strict=True):
        torch.testing.assert_close(apart, whole, rtol=1e-4, atol=1e-5)
    rows.clear()
    model.encode(prompts.requires_grad_(), ids)
    assert rows == [ROWS]


def test_a_shared_prompt_is_projected_once(
    model: FrozenT5, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw_torch import layers

    prompts, ids = _batch(model)
    results = []
    for shared in (layers.shared_qkv, lambda *given: None):
        monkeypatch.setattr(layers, "shared_qkv", shared)
        leaf = prompts.clone().requires_grad_()
        hidden = model.encode(leaf, ids).hidden
        (gradient,) = torch.autograd.grad(hidden.square().sum(), leaf)
        results.append((hidden.detach(), gradient))
    for once, each in zip(*results, strict=True):
        torch.testing.assert_close(once, each, rtol=1e-4, atol=1e-4)
