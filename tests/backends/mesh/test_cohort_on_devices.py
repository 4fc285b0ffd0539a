"""A cohort laid over the devices of a mesh: the same results, and nothing goes between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

MEMBERS, STEPS, LENGTH = 8, 50, 4
BATCH, INPUTS, TARGETS = 4, 16, 2
FLOATS = "learning_rate", "weight_decay", "beta", "going"


@pytest.fixture(scope="module")
def shapes() -> Any:
    from spotfw.backends.mesh.programs import Shapes

    return Shapes(
        batch=BATCH,
        inputs=INPUTS,
        targets=TARGETS,
        prompt_length=LENGTH,
        dropout=0.1,
        members=MEMBERS,
    )


def fed(step: int) -> dict[str, Any]:
    """What is fed to an update: each member has its own ids, seed and rate."""
    random = np.random.default_rng(step)
    inputs = random.integers(3, 90, (MEMBERS, BATCH, INPUTS))
    inputs[:, :2, -5:] = 0
    return {
        "inputs": inputs,
        "targets": random.integers(3, 90, (MEMBERS, BATCH, TARGETS)),
        "seed": np.arange(MEMBERS),
        "step": np.full(MEMBERS, step),
        "learning_rate": np.linspace(0.01, 0.1, MEMBERS),
        "weight_decay": np.full(MEMBERS, 1e-5),
        "beta": np.full(MEMBERS, 1.0 - (step + 1.0) ** -0.8),
        "going": np.ones(MEMBERS),
    }


def start() -> Any:
    return np.random.default_rng(1).standard_normal((MEMBERS, LENGTH, 16)).astype(np.float32)


def on_one_device(engine: Any, shapes: Any) -> tuple[Any, Any]:
    from spotfw.backends.mesh.runtime import LivePrompts

    prompts = LivePrompts(array=start())
    program = engine.runtime.program("update", shapes)
    losses = [
        engine.runtime.run(program, ["loss", "update"], prompts=prompts, **fed(step))[0]
        for step in range(STEPS)
    ]
    engine.runtime.fetch(prompts)
    engine.runtime.release(prompts)
    return np.array(losses), prompts.array


def built(engine: Any, shapes: Any) -> tuple[Any, Any]:
    """The feeds and the plan of an update in Mesh TF, in the default graph."""
    from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.model import building
    from spotfw.backends.mesh.programs import feeds_of, update_plan

    feeds = {
        name: tf.placeholder(feed.dtype, feed.shape)
        for name, feed in feeds_of("update", shapes).items()
    }
    with building(
        engine.runtime._config,
        prompt_length=LENGTH,
        members=MEMBERS,
        dropout=shapes.dropout,
        split_vocabulary=False,
    ):
        kind = mtf.VariableDType(tf.float32, tf.float32, tf.float32)
        return feeds, update_plan(engine.rows, shapes, kind, feeds)


def on_eight_devices(engine: Any, shapes: Any) -> tuple[Any, Any]:
    from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.layout import Layout
    from spotfw.backends.mesh.placement import LocalMesh
    from spotfw.backends.mesh.prompted import prompts_name

    devices = [f"/device:CPU:{number}" for number in range(MEMBERS)]
    held = engine.read_variables()
    held[f"shared/{prompts_name(MEMBERS, LENGTH)}"] = start()
    with tf.Graph().as_default(), tf.variable_scope("", use_resource=True):
        feeds, made = built(engine, shapes)
        layout = Layout.parse("all:8", "cohort:all")
        mesh = LocalMesh(feeds["seed"], feeds["step"], layout, devices)
        lowering = mtf.Lowering(made.mesh.graph, {made.mesh: mesh}, autostack=False)
        update = tf.group([lowering.lowered_operation(op) for op in made.updates])
        loss = lowering.export_to_tf_tensor(made.fetches["loss"])
        masters = {v.op.name: v for v in tf.global_variables()}
        config = tf.ConfigProto(device_count={"CPU": MEMBERS})
        # As the engine's sessions; with it sums are rounded otherwise.
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        with tf.Session(config=config) as session:
            for name, variable in masters.items():
                value = held.get(name, np.zeros(variable.shape.as_list(), np.float32))
                session.run(variable.initializer, {variable.initializer.inputs[1]: value})
            session.run(lowering.copy_masters_to_slices())
            losses = []
            for step in range(STEPS):
                given = {feeds[name]: value for name, value in fed(step).items()}
                losses.append(session.run([loss, update], given)[0])
            session.run(lowering.copy_slices_to_masters())
            return np.array(losses), session.run(masters[f"shared/{prompts_name(MEMBERS, LENGTH)}"])


@pytest.mark.slow
def test_a_cohort_over_eight_devices_learns_the_same(tiny_engine: Any, shapes: Any) -> None:
    losses, prompts = on_one_device(tiny_engine, shapes)
    spread_losses, spread_prompts = on_eight_devices(tiny_engine, shapes)
    assert np.abs(prompts - start()).max() > 0.1
    np.testing.assert_allclose(spread_losses, losses, rtol=0, atol=1e-5)
    np.testing.assert_allclose(spread_prompts, prompts, rtol=0, atol=1e-5)


class _Assignment:
    """Stands in for a TPU's device assignment."""

    def tpu_device(self, replica: int = 0) -> str:
        return ""


def reduced(engine: Any, shapes: Any, dimension: str) -> dict[str, float]:
    """What TPU cores laid out over a dimension would exchange in an update.

    Elements by Mesh TF's own counters, which are named by operation and mesh axis.
    """
    from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
    from spotfw.backends.mesh.compat import tf

    with tf.Graph().as_default(), tf.variable_scope("", use_resource=True):
        _, made = built(engine, shapes)
        mesh = mtf.simd_mesh_impl.SimdMeshImpl(
            shape=mtf.convert_to_shape("all:4"),
            layout=mtf.convert_to_layout_rules(f"{dimension}:all"),
            device_assignment=_Assignment(),
        )
        lowering = mtf.Lowering(made.mesh.graph, {made.mesh: mesh}, autostack=False)
        for tensor in made.fetches.values():
            lowering.tensors[tensor].to_laid_out_tensor()
        exchanged = ("allreduce", "allconcat", "alltoall", "receive")
        return {
            name: amount
            for name, amount in lowering.counters
            if name.startswith(exchanged) and amount
        }


def test_cores_that_share_a_cohort_exchange_nothing(tiny_engine: Any, shapes: Any) -> None:
    assert reduced(tiny_engine, shapes, "cohort") == {}
    # The count sees what there is: a batch over the cores sums the prompts' gradients.
    assert sum(reduced(tiny_engine, shapes, "batch").values()) > 0
