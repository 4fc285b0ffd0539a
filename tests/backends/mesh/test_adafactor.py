"""The prompt's Adafactor against the paper's formulas in plain NumPy."""

from __future__ import annotations

import numpy as np
import pytest

STEPS, SHAPE = 20, (7, 12)


def reference_update(value, moment, gradient, step, rate, decay, weight_decay):
    """Adafactor (Shazeer and Stern 2018, algorithm 4) in float64.

    Unfactored second moment, no momentum, no parameter scale, clipping at RMS 1, a constant
    rate, and decoupled weight decay.
    """
    share = 1.0 - (step + 1.0) ** -decay
    moment = share * moment + (1.0 - share) * (gradient**2 + 1e-30)
    update = gradient / np.sqrt(moment)
    update = update / max(1.0, np.sqrt(np.mean(update**2)))
    return value - rate * update - weight_decay * value, moment


def _ours(start, gradients, rate, decay, weight_decay):
    """The values and second moments after each step, by the backend's optimizer."""
    from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.optimizer import Rates, adafactor, second_moment_decay
    from spotfw.backends.mesh.placement import LocalMesh

    with tf.Graph().as_default(), tf.variable_scope("", use_resource=True):
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        cohort = mtf.Dimension("cohort", 1)
        dims = [mtf.Dimension("prompt", SHAPE[0]), mtf.Dimension("d_model", SHAPE[1])]
        shape = mtf.Shape([cohort, *dims])
        mtf.get_variable(mesh, "prompt", shape, initializer=tf.zeros_initializer())
        (variable,) = mesh.graph.all_variables
        fed, beta = tf.placeholder(tf.float32, [1, *SHAPE]), tf.placeholder(tf.float32, [1])
        gradient = mtf.import_fully_replicated(mesh, fed, shape)

        def of_member(value):
            return mtf.import_fully_replicated(mesh, tf.reshape(value, [1]), mtf.Shape([cohort]))

        rates = Rates(
            learning_rate=of_member(rate),
            weight_decay=of_member(weight_decay),
            beta=of_member(beta),
            going=of_member(1.0),
        )
        _, updates = adafactor(variable, gradient, rates)
        lowering = mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
        update = tf.group([lowering.lowered_operation(op) for op in updates])
        stored = {v.op.name: v for v in tf.global_variables()}
        (moment,) = [v for name, v in stored.items() if "_slot_" in name]
        prompt = stored["prompt"]
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(prompt.initializer, {prompt.initializer.inputs[1]: start[None]})
            for index, value in enumerate(gradients):
                now = [second_moment_decay(index, decay)]
                session.run(update, {fed: value[None], beta: now})
                yield [array[0] for array in session.run([prompt, moment])]


@pytest.mark.parametrize(
    ("rate", "decay", "weight_decay"),
    [(0.3, 0.8, 1e-5), (0.3, 0.8, 0.05), (0.01, 0.5, 0.0)],
    ids=["paper", "strong decay", "other"],
)
def test_twenty_steps_follow_the_formulas(rate: float, decay: float, weight_decay: float):
    random = np.random.RandomState(0)
    start = random.standard_normal(SHAPE).astype(np.float32)
    # From tiny to large, so that clipping acts on some steps and not on others.
    gradients = [
        (random.standard_normal(SHAPE) * 10.0 ** random.uniform(-6, 1)).astype(np.float32)
        for _ in range(STEPS)
    ]
    value, moment = start.astype(np.float64), np.zeros(SHAPE)
    clipped = 0
    for step, (ours, ours_moment) in enumerate(_ours(start, gradients, rate, decay, weight_decay)):
        gradient = gradients[step].astype(np.float64)
        value, moment = reference_update(value, moment, gradient, step, rate, decay, weight_decay)
        clipped += bool(np.mean(gradient**2 / moment) > 1)
        np.testing.assert_allclose(ours_moment, moment, rtol=2e-5)
        np.testing.assert_allclose(ours, value, rtol=2e-5, atol=2e-6)
    assert 0 < clipped < STEPS  # both sides of the threshold were tested


def test_a_gradient_of_zero_moves_nothing_but_the_decay():
    start = np.full(SHAPE, 2.0, np.float32)
    ((value, _),) = _ours(start, [np.zeros(SHAPE, np.float32)], 0.5, 0.8, 0.1)
    np.testing.assert_allclose(value, 2.0 - 0.1 * 2.0, rtol=1e-6)


def test_the_engines_first_update_is_one_adafactor_step(tiny_engine):
    """At t = 1 the second moment is the gradient's square: each element moves by the rate."""
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.runtime import LivePrompts

    random = np.random.RandomState(5)
    shapes = Shapes(batch=4, inputs=6, targets=3, prompt_length=3)
    fed = {
        "inputs": random.randint(3, 90, (1, 4, 6)).astype(np.int32),
        "targets": random.randint(3, 90, (1, 4, 3)).astype(np.int32),
    }
    start = random.standard_normal((3, tiny_engine.width)).astype(np.float32)
    runtime, prompts = tiny_engine.runtime, LivePrompts.of(start)
    score, update = runtime.program("score", shapes), runtime.program("update", shapes)
    ((gradient,),) = runtime.run(score, ["gradient"], prompts=prompts, **fed)
    runtime.run(
        update,
        ["update"],
        prompts=prompts,
        **fed,
        seed=[0],
        step=[0],
        learning_rate=[0.3],
        weight_decay=[1e-2],
        beta=[0.0],
        going=[1.0],
    )
    runtime.fetch(prompts)
    (moved,) = prompts.array
    expected = start - 0.3 * np.sign(gradient) - 1e-2 * start
    # The update's loss also has T5's small z-loss, which can turn a sign close to zero.
    clear = np.abs(gradient) > 0.05 * np.sqrt(np.mean(gradient**2))
    assert clear.mean() > 0.8
    np.testing.assert_allclose(moved[clear], expected[clear], rtol=1e-4, atol=1e-5)
