"""The cohort's Adafactor against the paper's formulas in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

from spotfw_torch import adafactor  # noqa: E402

STEPS, SHAPE = 20, (7, 12)
SETTINGS = [(0.3, 0.8, 1e-5), (0.3, 0.8, 0.05), (0.01, 0.5, 0.0)]


def reference_update(value, moment, gradient, step, rate, decay, weight_decay):
    """Adafactor (Shazeer and Stern 2018, algorithm 4) in float64, as the paper sets it."""
    share = 1.0 - (step + 1.0) ** -decay
    moment = share * moment + (1.0 - share) * (gradient**2 + 1e-30)
    update = gradient / np.sqrt(moment)
    update = update / max(1.0, np.sqrt(np.mean(update**2)))
    return value - rate * update - weight_decay * value, moment


def _rates(step):
    rate, _, weight_decay = np.transpose(np.array(SETTINGS, np.float32))
    beta = [adafactor.second_moment_decay(step, exponent) for _, exponent, _ in SETTINGS]
    return adafactor.Rates(
        learning_rate=torch.from_numpy(rate.copy()),
        weight_decay=torch.from_numpy(weight_decay.copy()),
        beta=torch.tensor(beta, dtype=torch.float32),
    )


def test_twenty_steps_of_three_members_follow_the_formulas():
    random = np.random.RandomState(0)
    start = random.standard_normal((len(SETTINGS), *SHAPE)).astype(np.float32)
    prompts, moments = torch.from_numpy(start), torch.zeros(start.shape)
    values, expected = start.astype(np.float64), np.zeros(start.shape)
    clipped = 0
    for step in range(STEPS):
        # From tiny to large, so that clipping acts on some steps and not on others.
        size = 10.0 ** random.uniform(-6, 1)
        gradients = (random.standard_normal(start.shape) * size).astype(np.float32)
        prompts, moments = adafactor.update(
            prompts, moments, torch.from_numpy(gradients), _rates(step)
        )
        for member, (rate, decay, weight_decay) in enumerate(SETTINGS):
            values[member], expected[member] = reference_update(
                values[member],
                expected[member],
                gradients[member].astype(np.float64),
                step,
                rate,
                decay,
                weight_decay,
            )
            clipped += bool(np.mean(gradients[member] ** 2 / expected[member]) > 1)
        np.testing.assert_allclose(moments.numpy(), expected, rtol=2e-5)
        np.testing.assert_allclose(prompts.numpy(), values, rtol=2e-5, atol=2e-6)
    assert 0 < clipped < STEPS * len(SETTINGS)  # both sides of the threshold were tested


def test_a_gradient_of_zero_moves_nothing_but_the_decay():
    start = torch.full((3, *SHAPE), 2.0)
    prompts, _ = adafactor.update(
        start, torch.zeros_like(start), torch.zeros_like(start), _rates(0)
    )
    for prompt, (_, _, weight_decay) in zip(prompts, SETTINGS, strict=True):
        assert prompt.numpy() == pytest.approx(2.0 - weight_decay * 2.0, rel=1e-6)
