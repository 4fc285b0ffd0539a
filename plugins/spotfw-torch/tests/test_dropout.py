"""Dropout masks: the hash, their rates, and that they depend on nothing but coordinates."""

from __future__ import annotations

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
torch = pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

from spotfw_torch.dropout import Dropout, mix  # noqa: E402

CPU = torch.device("cpu")


def _masks(seeds, steps, rates, batch=3):
    return Dropout.of(seeds, steps, rates, batch, CPU, torch.float32)


def test_mix_is_a_hash_of_32_bits():
    """Against the same in NumPy's wrapping uint32."""
    given = np.random.RandomState(0).randint(0, 2**32, 1000, dtype=np.uint64)
    value = given.astype(np.uint32)
    for shift, factor in ((16, 0x21F0AAAD), (15, 0x735A2D97)):
        value = (value ^ (value >> np.uint32(shift))) * np.uint32(factor)
    value ^= value >> np.uint32(15)
    assert mix(torch.from_numpy(given.astype(np.int64))).tolist() == value.tolist()


def test_masks_do_not_depend_on_company_or_on_widths():
    together = _masks([5, 6, 7], [0, 9, 2], [0.1, 0.3, 0.0])
    alone = _masks([6], [9], [0.3])
    assert torch.equal(together.features(4, 20)[3:6], alone.features(4, 20))
    assert torch.equal(together.keys(4, 2, 30)[3:6, :, :11], alone.keys(4, 2, 11))


def test_masks_keep_the_share_and_the_mean():
    mask = _masks([1, 2], [0, 0], [0.1, 0.25], batch=50).features(0, 4000)
    for part, rate in ((mask[:50], 0.1), (mask[50:], 0.25)):
        assert abs(float((part == 0).float().mean()) - rate) < 0.005
        assert abs(float(part.mean()) - 1) < 0.01
        assert abs(float(part.max()) - 1 / (1 - rate)) < 1e-6


def test_every_coordinate_changes_the_mask():
    base = _masks([1], [0], [0.5]).features(0, 512)
    others = [
        _masks([2], [0], [0.5]).features(0, 512),
        _masks([1 + 2**32], [0], [0.5]).features(0, 512),
        _masks([1], [1], [0.5]).features(0, 512),
        _masks([1], [0], [0.5]).features(1, 512),
        base.roll(1, 0),
        base.roll(1, 2),
    ]
    for other in others:
        same = float((base == other).float().mean())
        assert 0.4 < same < 0.6  # as of independent masks


def test_a_rate_of_zero_keeps_all():
    assert bool((_masks([1], [0], [0.0]).keys(0, 2, 9) == 1).all())
