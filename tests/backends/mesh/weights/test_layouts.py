"""All weights over several devices of this machine: updates are those of a single one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.engine import open_model
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.lookup import looked_up
from spotfw.backends.mesh.placement import LocalMesh
from spotfw.backends.mesh.programs import Shapes
from spotfw.backends.mesh.weights.requests import begun
from spotfw.config import ModelTuningSettings

STEPS = 3
SETTINGS = ModelTuningSettings(batch_size=4, dropout=0.1, factored_from=16, seed=2)


def outcome(folder: Path, batches: Any, **options: Any) -> tuple[list[float], dict[str, Any]]:
    """Losses, and weights with second moments after all steps."""
    model = open_model(str(folder), threads=1, **options)
    shapes = Shapes(batch=4, inputs=16, targets=4, prompt_length=0, dropout=0.1)
    weights = begun(model.origin(), model.checkpoint, 16, shapes)
    losses = [weights.step(*batches(60 + step), SETTINGS, step) for step in range(STEPS)]
    after = dict(weights.runtime.newest(slots=True))
    weights.runtime.close()
    model.close()
    return losses, after


@pytest.fixture(scope="module")
def here(tiny_model: Path, batches: Any) -> tuple[list[float], dict[str, Any]]:
    """Of a single device."""
    return outcome(tiny_model, batches)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mesh_shape", "layout"),
    [("batch:2", None), ("batch:2,model:2", None), ("d:2", "d_model:d")],
)
def test_several_devices_give_what_one_gives(
    tiny_model: Path, batches: Any, here: Any, mesh_shape: str, layout: str | None
) -> None:
    there = outcome(tiny_model, batches, mesh_shape=mesh_shape, layout=layout)
    np.testing.assert_allclose(there[0], here[0], rtol=1e-5)
    assert there[1].keys() == here[1].keys()
    for name, value in here[1].items():
        size = np.abs(value).max()
        np.testing.assert_allclose(there[1][name], value, atol=1e-5 * size, err_msg=name)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_a_tables_gradient_sums_over_where_rows_were_looked_up(devices: int, kind: str) -> None:
    random = np.random.RandomState(0)
    ids, toward = random.randint(0, 5, (4, 6)), random.standard_normal((4, 6, 3))
    toward = toward.astype(np.float32)
    layout = Layout.parse(f"batch:{devices}") if devices > 1 else Layout()
    names = [f"/device:CPU:{number}" for number in range(devices)] if devices > 1 else [""]
    with tf.Graph().as_default():
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        rows, width = mtf.Dimension("vocab", 5), mtf.Dimension("d_model", 3)
        places = [mtf.Dimension("batch", 4), mtf.Dimension("length", 6)]
        given = {
            "table": (random.standard_normal((5, 3)), [rows, width]),
            "ids": (ids.astype(np.int32), places),
            "toward": (toward, [*places, width]),
        }
        table, at, slope = (
            mtf.import_fully_replicated(mesh, tf.constant(value), mtf.Shape(dims), name)
            for name, (value, dims) in given.items()
        )
        table, slope = (mtf.cast(each, tf.as_dtype(kind)) for each in (table, slope))
        made = looked_up(table, at)
        (gradient,) = mtf.gradients([made], [table], grad_ys=[slope])
        over = LocalMesh((0,), (0,), layout, names)
        lowering = mtf.Lowering(mesh.graph, {mesh: over}, autostack=False)
        fetches = [
            tf.cast(lowering.export_to_tf_tensor(each), tf.float32) for each in (made, gradient)
        ]
        config = tf.ConfigProto(device_count={"CPU": devices})
        with tf.Session(config=config) as session:
            rows_there, sums = session.run(fetches)
    expected = np.zeros((5, 3), np.float32)
    np.add.at(expected, ids, toward)
    tolerance = 1e-6 if kind == "float32" else 2e-2 * np.abs(expected).max()
    np.testing.assert_allclose(sums, expected, atol=tolerance)
    np.testing.assert_allclose(rows_there, given["table"][0][ids], atol=tolerance)


def test_a_batch_comes_out_even_over_the_devices() -> None:
    from spotfw.backends.mesh.weights.tuning import shapes_of_part

    ids = np.ones((128, 512), np.int32), np.ones((128, 8), np.int32)
    paper = attrs.evolve(SETTINGS, batch_size=128)
    assert shapes_of_part(Layout(), *ids, paper).batch == 16  # 2^13 positions
    assert shapes_of_part(Layout.parse("batch:32"), *ids, paper).batch == 32
    rows = ids[0][:33], ids[1][:33]
    assert shapes_of_part(Layout(), *rows, paper).batch == 11  # 3 parts, alike
    assert shapes_of_part(Layout.parse("batch:2"), *rows, paper).batch == 12
