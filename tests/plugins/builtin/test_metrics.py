"""The built-in metrics are the public functions, one vector a prompt."""

from __future__ import annotations

import numpy as np
import pytest

from spotfw import metrics
from spotfw.plugins import Plugins


@pytest.mark.parametrize("name", ["average_token_cosine", "per_token_cosine"])
def test_features_and_function_agree(name: str) -> None:
    metric = Plugins(entry_points=False).metric(name)
    function = getattr(metrics, name)
    rng = np.random.default_rng(1)
    prompts = rng.normal(scale=40, size=(9, 6, 4)).astype(np.float32)
    stack = np.stack([metric.features(p) for p in prompts])
    assert stack.shape == (9, 4)
    similarities = metric.compare(metric.features(prompts[0]), stack)
    for prompt, similarity in zip(prompts, similarities, strict=True):
        assert similarity == pytest.approx(function(prompts[0], prompt), abs=1e-12)
        assert metric(prompts[0], prompt) == pytest.approx(similarity, abs=1e-12)
