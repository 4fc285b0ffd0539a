"""What spotfw tunes side by side is a cohort here, scored by one call, each as it is alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")

from spotfw.plugins import Plugins
from spotfw.recipe.session import Session
from spotfw.testing.tiny_tasks import write_tiny_tasks
from spotfw_torch import plugin
from spotfw_torch.backend import TorchModel
from spotfw_torch.cohort import Cohort

SETTINGS: dict[str, Any] = {
    "steps": 6,
    "checkpoint_every": 3,
    "embedding_step": 3,
    "batch_size": 4,
    "prompt_length": 4,
    "max_input_length": 16,
    "max_eval_examples": 12,
}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    import spotfw_playground.plugin

    plugins = Plugins(entry_points=False)
    plugins.register(plugin, "torch")
    plugins.register(spotfw_playground.plugin, "playground")
    return Session(
        "playground", runs=str(tmp_path / "runs"), plugins=plugins, backend="torch:device=cpu"
    )


def test_seeds_are_a_cohort_and_what_each_is_alone(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, *_ = write_tiny_tasks(tmp_path / "tasks")
    scored: list[int] = []
    steps: list[int] = []
    evaluate, step = TorchModel.evaluate, Cohort.step

    def scoring(model: TorchModel, prompts: Any, *words: Any) -> Any:
        scored.append(len(prompts))
        return evaluate(model, prompts, *words)

    def stepping(cohort: Cohort) -> None:
        steps.append(len(cohort))
        step(cohort)

    monkeypatch.setattr(TorchModel, "evaluate", scoring)
    monkeypatch.setattr(Cohort, "step", stepping)
    together = session.tune(task, seeds=[0, 1, 2], **SETTINGS)
    assert (steps, scored) == ([3] * 6, [3, 3])
    for seed, tuned in zip(together.seeds, together, strict=True):
        alone = session.tune(task, seed=seed, out=str(tmp_path / f"alone-{seed}"), **SETTINGS)
        np.testing.assert_allclose(tuned.final.array, alone.final.array, atol=1e-5)
        assert tuned.score == alone.score
