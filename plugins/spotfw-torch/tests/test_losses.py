"""Losses of given examples: those of the engine's own scoring, and of the Mesh engine's."""

from __future__ import annotations

import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.plugins import default_plugins
from spotfw.tasks import Example

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

from spotfw_torch.backend import open_model

SETTINGS = TuningSettings(max_input_length=32, max_target_length=8, eval_batch_size=4)
TEXTS = ("the film was good", "a book", "who was it that went home after the long film")
EXAMPLES = [Example(inputs=t, targets=a) for t in TEXTS for a in ("good", "bad", "very good")]


@pytest.fixture(scope="module")
def named():
    return default_plugins().model("playground")


@pytest.fixture(scope="module")
def model(named):
    return open_model(str(named.hf_folder), device="cpu")


def prompts(width: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((n, width)).astype(np.float32) * s for n, s in ((5, 1), (5, 3))]


def test_each_alone_and_together(model) -> None:
    given = [None, *prompts(model.width), prompts(model.width)[0][:2]]
    together = model.losses(given, EXAMPLES, SETTINGS)
    assert together.shape == (4, 9)
    for row, prompt in zip(together, given, strict=True):
        alone = [model.losses([prompt], [e], SETTINGS)[0, 0] for e in EXAMPLES]
        np.testing.assert_allclose(row, alone, rtol=1e-4, atol=1e-5)
    assert model.losses([], EXAMPLES, SETTINGS).shape == (0, 9)


@pytest.mark.slow
def test_both_engines_say_the_same(model, named) -> None:
    from spotfw.backends.mesh.engine import open_model as open_mesh

    mesh = open_mesh(str(named.folder()))
    given = [None, *prompts(model.width)]
    ours, theirs = (m.losses(given, EXAMPLES, SETTINGS) for m in (model, mesh))
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)
    gradients = [m.loss_gradients(given[1:], EXAMPLES, SETTINGS) for m in (model, mesh)]
    scale = np.abs(gradients[1]).max()
    np.testing.assert_allclose(gradients[0] / scale, gradients[1] / scale, atol=1e-4)
    mesh.close()
