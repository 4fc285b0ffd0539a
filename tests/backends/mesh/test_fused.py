"""Gated GELU, softmax and the norm of one operation each give what Mesh TF's give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spotfw.backends.mesh import fused
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.placement import LocalMesh

ROWS, KEYS = mtf.Dimension("rows", 5), mtf.Dimension("keys", 7)
GIVEN = np.random.RandomState(0).standard_normal((5, 7)).astype(np.float32) * 3
OTHER = np.random.RandomState(2).standard_normal((5, 7)).astype(np.float32)
TOWARD = np.random.RandomState(1).standard_normal((5, 7)).astype(np.float32)


def _values(function: Callable[[Any, Any], Any]) -> tuple[list[np.ndarray], int]:
    """The function's value and gradients, and how many operations TensorFlow has for them."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        shape = mtf.Shape([ROWS, KEYS])
        given, other, toward = (
            mtf.import_tf_tensor(mesh, tf.constant(array), shape)
            for array in (GIVEN, OTHER, TOWARD)
        )
        made = function(given, other)
        gradients = mtf.gradients([made], [given, other], grad_ys=[toward])
        asked = [made, *(gradient for gradient in gradients if gradient is not None)]
        lowering = mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
        values = session.run([lowering.export_to_tf_tensor(tensor) for tensor in asked])
        return values, len(graph.get_operations())


@pytest.mark.parametrize(
    ("ours", "theirs", "least"),
    [
        (fused.gated_gelu, lambda x, factor: mtf.gelu(x) * factor, 3),
        (lambda x, _: fused.softmax(x, KEYS), lambda x, _: mtf.softmax(x, KEYS), 2),
    ],
    ids=["gated gelu", "softmax"],
)
def test_values_and_gradients_are_mesh_tf_s(
    ours: Callable[[Any, Any], Any], theirs: Callable[[Any, Any], Any], least: int
) -> None:
    (mine, fewer), (expected, more) = _values(ours), _values(theirs)
    assert len(mine) == len(expected) == least
    for value, exact in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, exact, rtol=2e-5, atol=2e-6)
    assert fewer < more


@pytest.mark.parametrize(
    "changes",
    [{"reduced_dim": ROWS}, {"extra_logit": True}],
    ids=["over another dimension", "with another logit"],
)
def test_other_softmaxes_stay_mesh_tf_s(changes: dict[str, Any]) -> None:
    def of(function: Callable[..., Any]) -> Callable[[Any, Any], Any]:
        def made(x: Any, _: Any) -> Any:
            given = {"reduced_dim": KEYS, **changes}
            if "extra_logit" in given:
                given["extra_logit"] = mtf.zeros(x.mesh, mtf.Shape([ROWS]))
            return function(x, **given)

        return made

    for mine, expected in zip(
        _values(of(fused.softmax))[0], _values(of(mtf.softmax))[0], strict=True
    ):
        np.testing.assert_array_equal(mine, expected)


def _norm_of_mesh_tf(x: Any, scale: Any, there: Any) -> Any:
    inverse = mtf.rsqrt(mtf.reduce_mean(mtf.square(x), reduced_dim=KEYS) + 1e-6)
    return x * inverse * scale * there


@pytest.mark.parametrize("masked", [True, False])
def test_a_norm_and_its_gradients_are_mesh_tf_s(masked: bool) -> None:
    def of(norm: Callable[[Any, Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def made(x: Any, other: Any) -> Any:
            scale = mtf.reduce_sum(other, output_shape=mtf.Shape([KEYS]))
            there = mtf.import_tf_tensor(
                x.mesh, tf.constant([1.0, 0.0, 1.0, 1.0, 0.0]), mtf.Shape([ROWS])
            )
            return norm(x, scale, there)

        return made

    def ours(x: Any, scale: Any, there: Any) -> Any:
        return fused.masked_norm(x, scale, there if masked else None, 1e-6)

    def theirs(x: Any, scale: Any, there: Any) -> Any:
        return _norm_of_mesh_tf(x, scale, there if masked else mtf.ones_like(there))

    (mine, _), (expected, _) = _values(of(ours)), _values(of(theirs))
    assert len(mine) == len(expected) == 3
    for value, exact in zip(mine, expected, strict=True):
        np.testing.assert_allclose(value, exact, rtol=2e-5, atol=2e-6)


def test_bfloat16_is_computed_with_as_float32() -> None:
    def of(dtype: Any) -> Callable[[Any, Any], Any]:
        def made(x: Any, factor: Any) -> Any:
            x, factor = mtf.cast(x, dtype), mtf.cast(factor, dtype)
            return mtf.to_float(fused.gated_gelu(x, factor))

        return made

    ((half, *_), _), ((exact, *_), _) = _values(of(tf.bfloat16)), _values(of(tf.float32))
    # What is put in and what comes out are rounded, nothing in between.
    np.testing.assert_allclose(half, exact, rtol=2**-6, atol=1e-2)


def test_a_softmax_has_any_number_of_dimensions() -> None:
    """Heads of two kinds, beside a cohort and a batch, make six."""
    sizes = (1, 2, 2, 2, 3, 4)
    logits = np.random.RandomState(3).standard_normal(sizes).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        dims = [mtf.Dimension(f"side_{number}", size) for number, size in enumerate(sizes)]
        # Fed, since TensorFlow computes constants by other means.
        fed = tf.placeholder(tf.float32, sizes)
        given = mtf.import_tf_tensor(mesh, fed, mtf.Shape(dims))
        made = fused.softmax(given, dims[-1])
        (slope,) = mtf.gradients([mtf.square(made)], [given])
        lowering = mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
        asked = [lowering.export_to_tf_tensor(tensor) for tensor in (made, slope)]
        shares, slopes = session.run(asked, {fed: logits})
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    moved = 2 * expected**2
    np.testing.assert_allclose(shares, expected, rtol=1e-5)
    np.testing.assert_allclose(
        slopes, moved - expected * moved.sum(-1, keepdims=True), rtol=1e-4, atol=1e-6
    )
