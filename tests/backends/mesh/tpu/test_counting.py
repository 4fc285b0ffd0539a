"""What is counted of a program for TPU cores, and what is predicted from it."""

from __future__ import annotations

from typing import Any

import pytest

from spotfw.errors import SpotError

DIMENSIONS = {"d_model": 64, "d_ff": 128, "d_kv": 8, "num_heads": 8, "num_layers": 1}
ROWS, BATCH, MEMBERS = 256, 8, 8


def work(mesh_shape: str, members: int = 1, dropout: float = 0.0) -> Any:
    from spotfw.backends.mesh.layout import Layout
    from spotfw.backends.mesh.model import size_gin
    from spotfw.backends.mesh.programs import Shapes
    from spotfw.backends.mesh.tpu.abstract import counted

    shapes = Shapes(
        batch=BATCH, inputs=12, targets=4, prompt_length=4, dropout=dropout, members=members
    )
    return counted(size_gin("tiny", **DIMENSIONS), ROWS, shapes, Layout.parse(mesh_shape))


def test_products_are_counted_by_their_equations() -> None:
    from spotfw.backends.mesh.compat import tf
    from spotfw.backends.mesh.tpu.counting import count

    with tf.Graph().as_default():
        a, b = tf.placeholder(tf.float32, [2, 3, 5]), tf.placeholder(tf.float32, [5, 7])
        whole = tf.einsum("abc,cd->abd", a, b)
        unread = tf.einsum("abc,cd->abd", a, b)
        part = tf.matmul(a, a, transpose_b=True)
        counted = count([tf.reduce_sum(whole) + tf.reduce_sum(part)])
        assert unread.graph is whole.graph
    sizes = {(p.batch, p.m, p.n, p.k) for p in counted.products}
    assert sizes == {(1, 6, 7, 5), (2, 3, 3, 5)}
    assert counted.flops == 2 * 6 * 7 * 5 + 2 * 2 * 3 * 3 * 5
    assert {p.padded((8, 128)) for p in counted.products} == {2 * 8 * 128 * 128, 4 * 8 * 128 * 128}
    assert counted.sent == 0 and counted.weights == 0


def test_splitting_a_batch_divides_the_work_and_sums_the_prompts_gradient() -> None:
    whole, split = work("batch:1"), work("batch:8")
    # But for the bias of relative positions, which every core makes.
    assert whole.flops == pytest.approx(8 * split.flops, rel=0.05)
    assert whole.sent == 0 and whole.weights == split.weights > 0
    # A ring's all-reduce of the gradient [4, 64] in bfloat16, and of the loss's pieces.
    gradient = 4 * DIMENSIONS["d_model"] * 2 * 2 * 7 // 8
    assert gradient <= split.sent <= 2 * gradient


def test_splitting_the_model_divides_the_weights_and_sends_activations() -> None:
    whole, split = work("batch:1"), work("model:8")
    assert split.weights < 0.2 * whole.weights
    assert split.sent > 10 * work("batch:8").sent
    assert {exchange.devices for exchange in split.exchanges} == {8}


def test_a_cohort_over_eight_cores_sends_nothing() -> None:
    apart, together = work("cohort:8", MEMBERS, 0.1), work("batch:1", MEMBERS, 0.1)
    assert apart.exchanges == () and apart.sent == 0
    assert together.flops == pytest.approx(8 * apart.flops, rel=0.05)


def test_dropout_needs_no_collectives() -> None:
    assert work("model:8", dropout=0.1).sent == work("model:8").sent


def test_a_prediction_adds_products_traffic_and_collectives() -> None:
    from spotfw.backends.mesh.tpu.hardware import Rates, Topology
    from spotfw.backends.mesh.tpu.roofline import predict

    counted = work("model:8")
    rates = Rates(products=1e12, memory=1e9, links=1e8)
    prediction = predict(counted, rates)
    assert prediction.seconds > counted.bytes / 1e9 >= prediction.between
    assert prediction.exchanges == counted.sent / 1e8
    fast = predict(counted, Topology.parse("v3-8").generation.rates)
    assert 0 < fast.seconds < prediction.seconds


def test_what_does_not_fit_is_refused_with_the_numbers() -> None:
    import attrs

    from spotfw.backends.mesh.layout import Layout
    from spotfw.backends.mesh.tpu.fitting import check_fits, fits
    from spotfw.backends.mesh.tpu.hardware import Topology

    topology, layout = Topology.parse("v3-8"), Layout.parse("batch:8")
    small = work("batch:8")
    check_fits(small, topology, layout, BATCH)
    large = attrs.evolve(small, weights=20 * 2**30)
    assert fits(small, topology) and not fits(large, topology)
    with pytest.raises(SpotError, match=r"20\.0 GiB of variables .* has 16 GiB.*--model-para"):
        check_fits(large, topology, layout, BATCH)
