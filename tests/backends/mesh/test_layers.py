"""T5 of fewer operations gives what Mesh TF's own layers give, and what is unasked is not built."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from spotfw.backends.mesh import attention, layers
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer, transformer_layers
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.machines import LocalMachine
from spotfw.backends.mesh.model import building, size_gin
from spotfw.backends.mesh.programs import PLANS, Plan, Shapes, feeds_of
from spotfw.backends.mesh.pruning import prune

CONFIG = size_gin("small", d_model=32, d_ff=48, d_kv=8, num_heads=4, num_layers=2)
ROWS, PROMPT, INPUTS = 3, 4, 20


def _weights(plan: Plan) -> list[Any]:
    return [variable.outputs[0] for variable in plan.mesh.graph.trainable_variables]


def _outcome(
    kind: str, shapes: Shapes, *, lean: bool, by_weights: bool = False, config: str = CONFIG
) -> dict[str, Any]:
    """What a program of random weights gives, by fetch."""
    random = np.random.default_rng(0)
    fed = {"inputs": random.integers(3, 90, (1, ROWS, INPUTS))}
    fed["inputs"][:, :2, -5:] = 0
    if kind != "decode":
        fed["targets"] = random.integers(3, 90, (1, ROWS, shapes.targets))
        fed["targets"][:, 1:, -1:] = 0
    if kind == "update":
        fed.update(seed=[5], step=[7], weight_decay=[0.0])
        fed.update(learning_rate=[0.5], beta=[0.5], going=[1.0])
    with tf.Graph().as_default(), tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True):

        def planned(feeds: Any) -> Plan:
            dtype = mtf.VariableDType(tf.float32, tf.float32, tf.float32)
            plan = PLANS[kind](100, shapes, dtype, feeds)
            if by_weights:
                loss = plan.fetches["loss"]
                gradients = mtf.gradients([loss], _weights(plan))
                names = [variable.name for variable in plan.mesh.graph.trainable_variables]
                plan.fetches.update(dict(zip(names, gradients, strict=True)))  # type: ignore[attr-defined]
            return plan

        with building(
            config,
            prompt_length=PROMPT,
            dropout=shapes.dropout,
            split_vocabulary=by_weights,
            gradients=kind != "decode",
            lean=lean,
        ):
            program = LocalMachine().program(feeds_of(kind, shapes), planned, Layout())
        with tf.Session() as session:
            for variable in tf.global_variables():
                value = random.standard_normal(variable.shape.as_list()) * 0.3
                session.run(variable.initializer, {variable.initializer.inputs[1]: value})
            feeds = {program.feeds[name]: value for name, value in fed.items()}
            kept = {n: tensor for n, tensor in program.fetches.items() if n != "update"}
            outcome: dict[str, Any] = session.run(kept, feeds)
            return outcome


def _shapes(targets: int, dropout: float = 0.0) -> Shapes:
    return Shapes(batch=ROWS, inputs=INPUTS, targets=targets, prompt_length=PROMPT, dropout=dropout)


@pytest.mark.parametrize("targets", [3, 30], ids=["short targets", "long targets"])
@pytest.mark.parametrize("kind", ["score", "update", "decode"])
def test_a_program_gives_what_mesh_tf_s_layers_give(kind: str, targets: int) -> None:
    shapes = _shapes(targets, dropout=0.1 if kind == "update" else 0.0)
    ours = _outcome(kind, shapes, lean=True)
    theirs = _outcome(kind, shapes, lean=False)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert np.ptp(value) > 0 or value.size == 1
        np.testing.assert_allclose(ours[name], value, rtol=1e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("targets", [3, 30], ids=["short targets", "long targets"])
def test_the_gradient_of_every_weight_is_mesh_tf_s(targets: int) -> None:
    ours = _outcome("score", _shapes(targets), lean=True, by_weights=True)
    theirs = _outcome("score", _shapes(targets), lean=False, by_weights=True)
    assert sum("norm" in name for name in ours) == 12
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-3, atol=1e-4, err_msg=name)


def test_layers_that_are_computed_again_for_their_gradients_share_nothing() -> None:
    again = f"{CONFIG}LayerStack.recompute_grads = True\n"
    shapes = _shapes(3, dropout=0.1)
    ours = _outcome("update", shapes, lean=True, config=again)
    for name, value in _outcome("update", shapes, lean=True).items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-4, atol=2e-5, err_msg=name)


def test_short_targets_go_to_the_encoder_s_output_and_long_ones_do_not() -> None:
    def asks_little(targets: int, positions: int) -> bool:
        context = type("Context", (), {"length_dim": mtf.Dimension("length", targets)})
        layer = type("Layer", (), {"key_value_size": 64})
        dims = [mtf.Dimension("memory_length", positions), mtf.Dimension("d_model", 512)]
        memory = type("Memory", (), {"shape": mtf.Shape(dims)})
        return attention._asks_little(layer, memory, context)

    assert asks_little(4, 164)
    assert asks_little(32, 164)
    assert not asks_little(64, 164)
    assert not asks_little(4, 4)


def test_mesh_tf_is_as_it_was_afterwards() -> None:
    def names() -> list[Any]:
        return [
            mtf.softmax,
            mtf.layers.dense_product,
            transformer.sublayer_rms_norm,
            transformer_layers.enc_dec_attention,
            transformer_layers.SelfAttention.compute_bias,
            transformer.LayerStack._call_sublayers,
        ]

    before = names()
    with pytest.raises(KeyError), layers.lean_layers():
        assert all(ours is not theirs for ours, theirs in zip(names(), before, strict=True))
        raise KeyError
    assert names() == before
    with layers.lean_layers(split_width=True):
        assert transformer.sublayer_rms_norm is before[2]


def test_only_what_is_asked_for_is_left() -> None:
    with tf.Graph().as_default():
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        x = mtf.zeros(mesh, mtf.Shape([mtf.Dimension("a", 3)]))
        limit = mtf.constant(mesh, 5.0, mtf.Shape([]))

        def body(count: Any, value: Any) -> list[Any]:
            mtf.exp(value)  # nobody asks for it
            return [count + 1.0, value + mtf.to_float(limit)]

        looped = mtf.while_loop(
            lambda count, value: mtf.less(count, 3.0), body, [mtf.zeros(mesh, mtf.Shape([])), x]
        )[1]
        mtf.cos(looped)
        asked = mtf.square(looped)
        before = len(mesh.graph.operations)
        prune(mesh.graph, [asked], [])
        kept = mesh.graph.operations
        assert len(kept) < before
        assert limit.operation in kept
        (loop,) = [op for op in kept if isinstance(op, mtf.ops.WhileLoopOperation)]
        assert not [op for op in loop._body_ops if "exp" in op.name]
        lowering = mtf.Lowering(
            mesh.graph, {mesh: mtf.placement_mesh_impl.PlacementMeshImpl([], [], [""])}
        )
        with tf.Session() as session:
            value = session.run(lowering.export_to_tf_tensor(asked))
    np.testing.assert_array_equal(value, [225.0, 225.0, 225.0])
