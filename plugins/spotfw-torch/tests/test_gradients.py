"""One pass of many members against a pass of each."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch.loss import member_gradients, member_losses  # noqa: E402


def test_losses_and_gradients_are_each_members_own(model, prompts, texts, padded):
    given = prompts(3, 6, model.width)
    inputs = padded(texts(1, 12, 20), 20).reshape(3, 4, 20)
    targets = padded(texts(2, 12, 5), 6).reshape(3, 4, 6)
    losses, gradients = spotfw_torch.loss_and_gradient(model, given, inputs, targets)
    for i in range(3):
        part = slice(i, i + 1)
        loss, gradient = spotfw_torch.loss_and_gradient(
            model, given[part], inputs[part], targets[part]
        )
        assert losses[i] == pytest.approx(loss[0], abs=1e-5)
        np.testing.assert_allclose(gradients[i], gradient[0], atol=1e-5 * np.abs(gradient).max())


def test_padding_changes_nothing(model, prompts, texts, padded):
    given = prompts(1, 6, model.width)
    inputs, targets = texts(1, 4, 20), texts(2, 4, 4)
    results = [
        spotfw_torch.loss_and_gradient(
            model, given, padded(inputs, length)[None], padded(targets, short)[None]
        )
        for length, short in ((20, 4), (48, 12))
    ]
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-5)
    np.testing.assert_allclose(
        results[0][1], results[1][1], atol=1e-5 * np.abs(results[0][1]).max()
    )


def test_the_z_loss_is_minimised_but_not_reported(model, prompts, texts, padded):
    given = torch.from_numpy(prompts(1, 6, model.width)).to(model.device)
    inputs = torch.from_numpy(padded(texts(1, 4, 20), 20))[None].to(model.device)
    targets = torch.from_numpy(padded(texts(2, 4, 4), 4))[None].to(model.device)
    plain, gradient = member_gradients(model, given, inputs, targets)
    with_z, other = member_gradients(model, given, inputs, targets, plain.new_tensor([0.1]))
    assert torch.equal(plain, with_z)
    assert not torch.allclose(gradient, other, rtol=1e-2)


def test_bfloat16_is_near_float32(model, prompts, texts, padded, write_small, tmp_path):
    rough = spotfw_torch.load(write_small(tmp_path), str(model.device), dtype="bfloat16")
    given = prompts(2, 6, model.width)
    inputs = padded(texts(1, 8, 20), 20).reshape(2, 4, 20)
    targets = padded(texts(2, 8, 4), 4).reshape(2, 4, 4)
    exact, gradient = spotfw_torch.loss_and_gradient(model, given, inputs, targets)
    losses, rounded = spotfw_torch.loss_and_gradient(rough, given, inputs, targets)
    np.testing.assert_allclose(losses, exact, rtol=0.05)
    assert np.linalg.norm(rounded - gradient) < 0.1 * np.linalg.norm(gradient)


@pytest.mark.parametrize("length", [1, 16], ids=["more columns would be", "as many"])
def test_compiled_blocks_in_bfloat16(
    length, prompts, texts, padded, write_small, tmp_path, monkeypatch
):
    def as_compiled(block, **_):
        def run(*given):
            with monkeypatch.context() as compiling:
                compiling.setattr(torch.compiler, "is_compiling", lambda: True)
                return block(*given)

        return run

    folder = write_small(tmp_path)
    plain = spotfw_torch.load(folder, dtype="bfloat16")
    monkeypatch.setattr(torch, "compile", as_compiled)  # itself takes half a minute
    compiled = spotfw_torch.load(folder, dtype="bfloat16", compiled=True)
    given = prompts(1, length, plain.width), padded(texts(1, 4, 16), 16)[None]
    targets = padded(texts(2, 4, 4), 4)[None]
    exact, gradient = spotfw_torch.loss_and_gradient(plain, *given, targets)
    losses, rounded = spotfw_torch.loss_and_gradient(compiled, *given, targets)
    np.testing.assert_allclose(losses, exact, rtol=0.05)
    assert np.linalg.norm(rounded - gradient) < 0.1 * np.linalg.norm(gradient)


def test_a_row_of_padding_in_bfloat16(model, padded, texts, write_small, tmp_path):
    rough = spotfw_torch.load(write_small(tmp_path), str(model.device), dtype="bfloat16")
    inputs = torch.zeros(1, 1, 20, dtype=torch.int64, device=model.device)
    targets = torch.from_numpy(padded(texts(2, 1, 4), 4))[None].to(model.device)
    none = torch.zeros(1, 0, model.width, device=model.device)
    with torch.no_grad():
        exact, rounded = (member_losses(m, none, inputs, targets)[0] for m in (model, rough))
    torch.testing.assert_close(exact, rounded, rtol=0.02, atol=0.0)
