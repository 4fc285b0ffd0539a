"""The checks of optional losses: a sound model passes, a spoilt one is told what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.tasks import Task
from spotfw.testing import NumpyModel
from spotfw.testing.backends import outcomes


class Summed(NumpyModel):
    """A loss that depends on the examples beside it."""

    def losses(self, prompts: Any, examples: Any, settings: Any) -> Any:
        nats = super().losses(prompts, examples, settings)
        return nats + nats.sum(axis=1, keepdims=True)


class Flat(NumpyModel):
    def losses(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return super().losses(prompts, examples, settings).mean(axis=1)


class TakesAnything(NumpyModel):
    def losses(self, prompts: Any, examples: Any, settings: Any) -> Any:
        if any(not example.targets for example in examples):
            return np.zeros((len(prompts), len(examples)))
        return super().losses(prompts, examples, settings)


class Doubled(NumpyModel):
    def loss_gradients(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return 2 * super().loss_gradients(prompts, examples, settings)


class Single(NumpyModel):
    def loss_gradients(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return super().loss_gradients(prompts, examples, settings)[0]


CHECKS = ("losses", "loss_gradients")


def said(model: type[NumpyModel], folder: Path, task: Task) -> dict[str, str]:
    class Backend:
        name = "spoilt"

        def open(self, folder: str, **options: Any) -> NumpyModel:
            return model(folder)

    results = outcomes(Backend(), model=folder, task=task, only=CHECKS)
    return {o.check: o.said or "" for o in results if o.status != "passed"}


def test_a_sound_model(tmp_path: Path, spotfw_tiny_tasks: tuple[Task, ...]) -> None:
    assert said(NumpyModel, tmp_path, spotfw_tiny_tasks[0]) == {}


@pytest.mark.parametrize(
    ("model", "check", "sentence"),
    [
        (Summed, "losses", "one by one too"),
        (Flat, "losses", "expected finite losses of 0 or more, [3, 3]"),
        (TakesAnything, "losses", "an example without a target"),
        (Doubled, "loss_gradients", "gradient's norm"),
        (Single, "loss_gradients", "expected finite gradients [2, 3, 32]"),
    ],
)
def test_a_spoilt_one(
    model: type[NumpyModel],
    check: str,
    sentence: str,
    tmp_path: Path,
    spotfw_tiny_tasks: tuple[Task, ...],
) -> None:
    faults = said(model, tmp_path, spotfw_tiny_tasks[0])
    assert check in faults
    assert sentence in faults[check]
