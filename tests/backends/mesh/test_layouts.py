"""Layouts over several devices of this machine compute what a single device does.

`benchmarks.layouts` is the longer form, on a model of eight heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import TuneRequest, TuningState
from spotfw.errors import WrongUse
from spotfw.tasks import Example

STEPS = 6
EXAMPLES = [Example(inputs="a good thing", targets="positive") for _ in range(3)]
SETTINGS = TuningSettings(
    prompt_length=4,
    steps=STEPS,
    checkpoint_every=1,
    batch_size=8,
    learning_rate=0.1,
    dropout=0.1,
    max_eval_examples=5,
    eval_batch_size=5,
)


def opened(folder: Path, **options: Any) -> Any:
    from spotfw.plugins.builtin.backends import MeshBackend

    return MeshBackend().open(str(folder), threads=1, **options)


def outcome(engine: Any, task: Any, members: int) -> dict[str, Any]:
    """Losses and last prompts of a cohort, and all else that an engine gives, for the first."""
    requests = []
    for seed in range(members):
        start = np.random.default_rng(seed).standard_normal((4, engine.width)).astype(np.float32)
        settings = attrs.evolve(SETTINGS, seed=seed)
        state = TuningState(step=0, prompt=start)
        requests.append(TuneRequest(task=task, settings=settings, start=state))
    losses, prompts = np.zeros((members, STEPS)), {}
    for progress in engine.tune(requests):
        assert progress.error is None
        losses[progress.request, progress.step - 1] = progress.loss
        prompts[progress.request] = progress.state.prompt
    stacked = np.stack([prompts[member] for member in range(members)])
    first = stacked[0]
    (evaluation,) = engine.evaluate([first], task, "validation", SETTINGS)
    return {
        "losses": losses,
        "prompts": stacked,
        "score": evaluation.score,
        "activations": engine.activations(first),
        "nats": engine.losses([first], EXAMPLES, SETTINGS),
    }


@pytest.fixture(scope="module")
def alone(tiny_model: Path, tiny_task: Any) -> Iterator[Any]:
    """What a single device gives, by the cohort's size."""
    engine = opened(tiny_model, cohort=4)
    kept: dict[int, Any] = {}

    def of(members: int) -> Any:
        if members not in kept:
            kept[members] = outcome(engine, tiny_task, members)
        return kept[members]

    yield of
    engine.close()


@pytest.mark.parametrize(
    ("options", "members"),
    [
        pytest.param({"mesh_shape": "batch:8"}, 1, marks=pytest.mark.slow),
        ({"mesh_shape": "batch:2,model:2"}, 1),
        pytest.param({"mesh_shape": "batch:4,model:2"}, 1, marks=pytest.mark.slow),
        pytest.param({"mesh_shape": "d:2", "layout": "d_model:d"}, 1, marks=pytest.mark.slow),
        pytest.param({"mesh_shape": "cohort:4", "cohort": 4}, 4, marks=pytest.mark.slow),
        pytest.param({"mesh_shape": "cohort:2,model:2", "cohort": 2}, 4, marks=pytest.mark.slow),
        ({"devices": "CPU:0"}, 1),
    ],
    ids=str,
)
def test_several_devices_give_what_one_gives(
    tiny_model: Path, tiny_task: Any, alone: Any, options: dict[str, Any], members: int
) -> None:
    engine = opened(tiny_model, **options)
    try:
        there, here = outcome(engine, tiny_task, members), alone(members)
    finally:
        engine.close()
    assert np.abs(here["prompts"]).max() > 0.1
    for name, value in here.items():
        np.testing.assert_allclose(there[name], value, rtol=0, atol=1e-5, err_msg=name)


def test_what_a_mesh_cannot_split_is_refused(tiny_model: Path, tiny_task: Any) -> None:
    with pytest.raises(WrongUse, match=r"splits heads into 4 parts, but .* has 2 of it"):
        opened(tiny_model, mesh_shape="model:4")
    with pytest.raises(WrongUse, match="2 devices are named"):
        opened(tiny_model, mesh_shape="batch:4", devices="CPU:0,CPU:1")
    engine = opened(tiny_model, mesh_shape="batch:3")
    with pytest.raises(WrongUse, match="does not divide"):
        engine.check_settings(SETTINGS)
    start = TuningState(step=0, prompt=np.ones((4, engine.width), np.float32))
    (report,) = engine.tune([TuneRequest(task=tiny_task, settings=SETTINGS, start=start)])
    assert "does not divide. Give a multiple of 3" in str(report.error)
    engine.close()
