"""What a prompt does to the decoder's feed-forward neurons."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.errors import SpotError

BLOCK = "decoder/block_000"


def prompt(seed: int, length: int = 4) -> Any:
    return np.random.default_rng(seed).standard_normal((length, 16)).astype(np.float32)


def test_the_shape_and_that_prompts_differ(tiny_engine: Any) -> None:
    activations = tiny_engine.activations(prompt(0))
    assert activations.shape == (1, 32) and activations.dtype == np.float32
    assert np.isfinite(activations).all() and 0 < (activations > 0).mean() < 1
    assert tiny_engine.activations(prompt(0)).tobytes() == activations.tobytes()
    assert np.abs(tiny_engine.activations(prompt(1)) - activations).max() > 1e-3
    assert tiny_engine.activations(prompt(0, 7)).shape == (1, 32)


def test_the_closed_form_without_attention(tiny_model: Path, tmp_path: Path) -> None:
    """With attention's outputs zeroed the layer sees the start token alone, id 0."""
    from spotfw.backends.mesh.engine import open_model
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint, write_checkpoint

    stored = Checkpoint(str(tiny_model))
    values = {name: stored.read(name) for name in stored.variables}
    for name in ("layer_000/SelfAttention/o", "layer_001/EncDecAttention/o"):
        values[f"{BLOCK}/{name}"] = np.zeros_like(values[f"{BLOCK}/{name}"])
    folder = tmp_path / "m"
    write_checkpoint(str(folder), 1, values.items())
    for name in ("spiece.model", "operative_config.gin"):
        shutil.copy(tiny_model / name, folder / name)
    engine = open_model(str(folder), threads=1)
    activations = engine.activations(prompt(0))
    engine.close()

    x = values["shared/embedding"][0].astype(np.float64)
    x = x / np.sqrt(np.mean(x**2) + 1e-6) * values[f"{BLOCK}/layer_002/rms_norm/scale"]
    x = x @ values[f"{BLOCK}/layer_002/DenseReluDense/wi_0/kernel"]
    gelu = x * 0.5 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(activations[0], gelu, atol=1e-4)


def test_looking_inside_leaves_the_model_as_it_was(tiny_engine: Any) -> None:
    before = tiny_engine.read_variables()
    tiny_engine.activations(prompt(0))
    after = tiny_engine.read_variables()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_prompt_of_another_width(tiny_engine: Any) -> None:
    with pytest.raises(SpotError, match="another model"):
        tiny_engine.activations(np.zeros((4, 8), np.float32))
