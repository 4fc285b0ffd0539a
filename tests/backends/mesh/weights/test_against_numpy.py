"""All weights' gradients against differences of the loss, and updates against NumPy's Adafactor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.weights import tuning
from spotfw.backends.mesh.weights.plans import ADDED_UP, GRADIENT, slot_shapes
from spotfw.backends.mesh.weights.tuning import TunedWeights, shapes_of_part
from spotfw.config import ModelTuningSettings

STEPS = 20
SETTINGS = ModelTuningSettings(batch_size=4, dropout=0.0, factored_from=16)


def values(weights: TunedWeights) -> dict[str, Any]:
    return dict(weights.runtime.newest(slots=False))


def gradients(weights: TunedWeights) -> dict[str, Any]:
    """Of the batch that was passed last."""
    names = list(weights.runtime.frozen_variables())
    read = weights.runtime.read([f"{ADDED_UP}{name}" for name in names])
    return dict(zip(names, read, strict=True))


def loss(weights: TunedWeights, inputs: Any, targets: Any) -> float:
    """The mean loss of a batch as weights are, which also leaves its gradient."""
    shapes = Shapes(batch=len(inputs), inputs=16, targets=4, prompt_length=0)
    share, _ = weights.runtime.run(
        weights.runtime.program(GRADIENT, shapes),
        ["loss", "update"],
        inputs=inputs[None],
        targets=targets[None],
        seed=[0],
        step=[0],
        tokens=[np.count_nonzero(targets)],
        keep=0.0,
    )
    return float(share[0])


def test_gradients_are_the_slopes_of_the_loss(
    tiny_engine: Any, begin: Callable[..., TunedWeights], batches: Any
) -> None:
    weights = begin(tiny_engine)
    batch = batches(1)
    loss(weights, *batch)
    slopes, before = gradients(weights), values(weights)
    assert len(slopes) == 29
    for name, gradient in slopes.items():
        size = float(np.linalg.norm(gradient))
        assert size > 0, name
        # Along its gradient, as far as float32 still tells both losses apart.
        far = gradient * (0.02 / size)
        sides = []
        for sign in (1.0, -1.0):
            weights.runtime.write(name, before[name] + sign * far)
            sides.append(loss(weights, *batch))
        weights.runtime.write(name, before[name])
        slope = (sides[0] - sides[1]) / 0.04
        assert slope == pytest.approx(size, rel=0.05, abs=2e-4), name


def test_twenty_steps_follow_the_formulas(
    tiny_engine: Any,
    begin: Callable[..., TunedWeights],
    batches: Any,
    reference_update: Any,
) -> None:
    """Each update by NumPy in float64, with the gradients that were added up."""
    weights = begin(tiny_engine, 16)
    expected: dict[str, Any] = {n: v.astype(np.float64) for n, v in values(weights).items()}
    start = dict(expected)
    moments: dict[str, dict[str, Any]] = {name: {} for name in expected}
    for step in range(STEPS):
        assert np.isfinite(weights.step(*batches(10 + step), SETTINGS, step))
        for name, gradient in gradients(weights).items():
            expected[name] = reference_update(
                expected[name], moments[name], gradient.astype(np.float64), step, 16
            )
    assert {len(second) for second in moments.values()} == {1, 2}  # some are factored
    assert weights.updates == STEPS
    for name, value in values(weights).items():
        assert np.abs(value - expected[name]).max() <= 1e-6, name
        assert np.abs(value - start[name]).max() > 1e-4, name
    _check_moments(dict(weights.runtime.newest(slots=True)), moments)


def _check_moments(stored: dict[str, Any], moments: dict[str, dict[str, Any]]) -> None:
    for name, second in moments.items():
        if "v" in second:
            np.testing.assert_allclose(stored[f"{name}_slot_v"], second["v"], rtol=2e-5)
            continue
        rows, columns = second["rows"], second["columns"]
        # Mesh TF's vr is the mean over the larger side, and over the first of two alike.
        over_rows = len(rows) >= len(columns)
        vr, vc = (columns, rows) if over_rows else (rows, columns)
        np.testing.assert_allclose(stored[f"{name}_slot_vr"], vr, rtol=2e-5)
        np.testing.assert_allclose(stored[f"{name}_slot_vc"], vc, rtol=2e-5)


def test_which_tensors_are_factored() -> None:
    shapes = {"wide": (128, 300), "alike": (128, 128), "narrow": (127, 300), "norm": (300,)}
    assert slot_shapes(shapes, 128) == {
        "wide_slot_vr": (128,),
        "wide_slot_vc": (300,),
        "alike_slot_vr": (128,),
        "alike_slot_vc": (128,),
        "narrow_slot_v": (127, 300),
        "norm_slot_v": (300,),
    }


def test_a_batch_in_parts_has_the_gradient_of_the_whole(
    tiny_engine: Any,
    begin: Callable[..., TunedWeights],
    batches: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = begin(tiny_engine, batch=5)
    inputs, targets = batches(3, 5)
    still = attrs.evolve(SETTINGS, learning_rate=1e-30, factored_from=128)
    whole_loss = weights.step(inputs, targets, still, 0)
    whole = gradients(weights)
    monkeypatch.setattr(tuning, "POSITIONS_AT_ONCE", 2 * 16)  # 2 rows, 2 rows, 1 and a padded one
    assert shapes_of_part(Layout(), inputs, targets, still).batch == 2
    assert weights.step(inputs, targets, still, 1) == pytest.approx(whole_loss, rel=1e-5)
    for name, gradient in gradients(weights).items():
        size = np.abs(whole[name]).max()
        np.testing.assert_allclose(gradient, whole[name], atol=1e-5 * size, err_msg=name)


def test_dropout_is_of_the_seed_the_step_and_the_part(
    tiny_engine: Any,
    begin: Callable[..., TunedWeights],
    batches: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weights = begin(tiny_engine, dropout=0.3)
    inputs, targets = (np.repeat(ids[:1], 4, 0) for ids in batches(3))

    def of(seed: int, step: int) -> float:
        changed = attrs.evolve(SETTINGS, learning_rate=1e-30, dropout=0.3, seed=seed)
        return weights.step(inputs, targets, changed, step)

    losses = [of(1, 0), of(1, 0), of(2, 0), of(1, 1)]
    assert losses[0] == losses[1]
    assert len(set(losses)) == 3
    # Two parts of the same rows, whose masks are not the same.
    monkeypatch.setattr(tuning, "POSITIONS_AT_ONCE", 2 * 16)
    parts, first = of(1, 0), of(1, 0)
    assert parts == first
    program = weights.runtime.program(
        GRADIENT, Shapes(batch=2, inputs=16, targets=4, prompt_length=0, dropout=0.3)
    )
    fed = {"inputs": inputs[None, :2], "targets": targets[None, :2], "seed": [1], "keep": 0.0}
    shares = [
        weights.runtime.run(program, ["loss"], step=[at], tokens=[8], **fed)[0][0]
        for at in (0, 2**31)
    ]
    assert shares[0] != shares[1]
