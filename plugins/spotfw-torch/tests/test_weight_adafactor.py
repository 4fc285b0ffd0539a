"""Adafactor with parameter scaling and factoring: against NumPy, transformers and Mesh TF's."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

from spotfw_torch.adafactor import second_moment_decay  # noqa: E402
from spotfw_torch.weight_adafactor import moment_shapes, update_  # noqa: E402

STEPS, RATE, DECAY = 20, 0.001, 0.8
SHAPES = {"matrix": (24, 40), "tall": (40, 6), "norm": (24,), "small": (3, 5), "zeros": (9, 8)}


def _starts_and_gradients():
    random = np.random.RandomState(0)
    starts = {n: random.standard_normal(s) * (n != "zeros") for n, s in SHAPES.items()}
    gradients = [
        # Now and then ten times as large: then clipping acts.
        {n: random.standard_normal(s) * (10.0 if step % 7 == 3 else 1.0) for n, s in SHAPES.items()}
        for step in range(STEPS)
    ]
    return starts, gradients


def _ours(starts, gradients, factored_from):
    values = {n: torch.tensor(v, dtype=torch.float32) for n, v in starts.items()}
    moments = {
        n: {m: torch.zeros(size) for m, size in moment_shapes(SHAPES[n], factored_from).items()}
        for n in SHAPES
    }
    for step, of_step in enumerate(gradients):
        beta = second_moment_decay(step, DECAY)
        for name, gradient in of_step.items():
            gradient = torch.tensor(gradient, dtype=torch.float32)
            update_(values[name], moments[name], gradient, rate=RATE, beta=beta)
    return values, moments


@pytest.mark.parametrize("factored_from", [1, 6, 128])
def test_twenty_updates_follow_the_formulas(reference_update, factored_from):
    starts, gradients = _starts_and_gradients()
    values, moments = _ours(starts, gradients, factored_from)
    for name, value in starts.items():
        expected, second = value, {}
        for step, of_step in enumerate(gradients):
            expected = reference_update(expected, second, of_step[name], step, factored_from)
        np.testing.assert_allclose(values[name].numpy(), expected, rtol=1e-5, atol=1e-6)
        assert sorted(moments[name]) == sorted(second)
        for moment, wanted in second.items():
            np.testing.assert_allclose(moments[name][moment].numpy(), wanted, rtol=1e-5)


def test_which_tensors_are_factored():
    assert moment_shapes((128, 300), 128) == {"vr": (128,), "vc": (300,)}
    assert moment_shapes((127, 300), 128) == {"v": (127, 300)}
    assert moment_shapes((300,), 128) == {"v": (300,)}


def test_it_is_transformers_adafactor():
    """transformers factors every matrix, however small."""
    optimization = pytest.importorskip("transformers.optimization", reason="no transformers")
    starts, gradients = _starts_and_gradients()
    ours, _ = _ours(starts, gradients, factored_from=1)
    theirs = {n: torch.nn.Parameter(torch.tensor(v).float()) for n, v in starts.items()}
    adafactor = optimization.Adafactor(
        theirs.values(),
        lr=RATE,
        eps=(1e-30, 1e-3),
        clip_threshold=1.0,
        decay_rate=-DECAY,
        beta1=None,
        weight_decay=0.0,
        scale_parameter=True,
        relative_step=False,
        warmup_init=False,
    )
    for of_step in gradients:
        for name, gradient in of_step.items():
            theirs[name].grad = torch.tensor(gradient).float()
        adafactor.step()
    for name, value in ours.items():
        np.testing.assert_allclose(
            value.numpy(), theirs[name].detach().numpy(), rtol=1e-5, atol=1e-6
        )
