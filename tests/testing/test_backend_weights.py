"""The check of tuning all weights: a model that keeps the promises, and ones that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import ModelTuningSettings
from spotfw.contracts import WeightProgress, WeightTuneRequest
from spotfw.testing import NumpyModel
from spotfw.testing.backends import outcomes


class Weights(NumpyModel):
    """Its weights are one number, which scales every loss; a folder holds it."""

    has_optimizer_state = False

    def __init__(self, folder: str, value: float | None = None) -> None:
        super().__init__(folder)
        held = Path(folder, "value")
        stored = float(held.read_text()) if held.exists() else 1.0
        self.value = stored if value is None else value
        self.fingerprint = f"{self.fingerprint[:8]}-{self.value!r}"

    def losses(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return super().losses(prompts, examples, settings) * self.value

    def loss_gradients(self, prompts: Any, examples: Any, settings: Any) -> Any:
        return super().loss_gradients(prompts, examples, settings) * np.float32(self.value)

    def checkpoint_bytes(self, settings: ModelTuningSettings) -> int:
        return 8

    def tune_weights(self, request: WeightTuneRequest) -> Iterator[WeightProgress]:
        value, settings = self.value, request.settings
        if request.checkpoint is not None:
            value = self.read(request.checkpoint)
        for step in range(request.step, settings.steps):
            value = self.updated(value, step)
            done = step + 1
            due = done % settings.checkpoint_every == 0 or done == settings.steps
            yield WeightProgress(
                step=done, loss=1.0, examples=4, tokens=8, checkpoint=self.kept(value, due)
            )

    def read(self, folder: str) -> float:
        return float(Path(folder, "value").read_text())

    def updated(self, value: float, step: int) -> float:
        return value * 0.9 + step * 0.01

    def kept(self, value: float, due: bool) -> Any:
        return _Kept(type(self)(self.name, value)) if due else None


@attrs.frozen
class _Kept:
    model: Weights

    def save(self, folder: str) -> None:
        Path(folder, "value").write_text(repr(self.model.value))


class Forgetful(Weights):
    """Begins anew where it should go on."""

    def read(self, folder: str) -> float:
        return 1.0


class Idle(Weights):
    """Tunes nothing."""

    def updated(self, value: float, step: int) -> float:
        return value


class Moving(Weights):
    """Changes the opened model too."""

    def updated(self, value: float, step: int) -> float:
        self.value = super().updated(value, step)
        return self.value


class Eager(Weights):
    """Gives a checkpoint at each step."""

    def kept(self, value: float, due: bool) -> Any:
        return super().kept(value, True)


@attrs.frozen
class Backend:
    kind: type[NumpyModel]
    name = "weights"
    reads = "huggingface"

    def open(self, model: str, **_: Any) -> NumpyModel:
        return self.kind(model)


def judged(kind: type[NumpyModel], folder: Path) -> tuple[str, str]:
    (outcome,) = outcomes(Backend(kind), model=folder, only=("weights",))
    return outcome.status, outcome.said


def test_a_model_that_keeps_the_promises(tmp_path: Path) -> None:
    assert judged(Weights, tmp_path)[0] == "passed"
    assert judged(NumpyModel, tmp_path)[0] == "skipped"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Forgetful, "as without a break"),
        (Idle, "give other losses"),
        (Moving, "stay as it is"),
        (Eager, "after the steps 2 and 3"),
    ],
)
def test_one_that_does_not(tmp_path: Path, kind: type[Weights], said: str) -> None:
    status, message = judged(kind, tmp_path)
    assert status == "failed"
    assert said in message
