"""Gated GELU and softmax as one operation of Mesh TF each, with gradients of their own.

Mesh TF makes them of ten and six operations over whole activations, differentiates each by
itself, and so a step keeps every result in between. These keep one, and go over an activation half
as often. Values are the same up to rounding.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf

#: GELU is x * sigmoid(x * (_LINEAR + _CUBIC * x**2)), which is Mesh TF's by tanh, written shorter.
_LINEAR = 2 * math.sqrt(2 / math.pi)
_CUBIC = _LINEAR * 0.044715

_dense_product, _softmax = mtf.layers.dense_product, mtf.softmax


@contextlib.contextmanager
def fused() -> Iterator[None]:
    """A context in which Mesh TF's layers are built with these; restores what was there."""
    mtf.layers.dense_product, mtf.softmax = dense_product, softmax
    try:
        yield
    finally:
        mtf.layers.dense_product, mtf.softmax = _dense_product, _softmax


def dense_product(
    x: Any,
    reduced_dims: Any,
    new_dims: Any,
    activation_functions: Any = None,
    name: str = "dense_product",
    **more: Any,
) -> Any:
    """As `mtf.layers.dense_product`."""
    if activation_functions != ["gelu", "linear"]:
        return _dense_product(x, reduced_dims, new_dims, activation_functions, name, **more)
    gate, factor = (
        _dense_product(x, reduced_dims, new_dims, "linear", f"{name}_{number}", **more)
        for number in range(2)
    )
    return gated_gelu(gate, factor)


def gated_gelu(x: Any, factor: Any) -> Any:
    """gelu(x) * factor, of one shape."""
    made, _ = mtf.slicewise(
        _gated_gelu,
        [x, factor],
        output_shape=[x.shape, x.shape],
        output_dtype=[x.dtype, x.dtype],
        splittable_dims=x.shape.dims,
        grad_function=_gated_gelu_gradient,
        name="gated_gelu",
    )
    return made


def _gated_gelu(x: Any, factor: Any) -> tuple[Any, Any]:
    gate = tf.sigmoid(x * (_CUBIC * tf.square(x) + _LINEAR))
    return x * gate * factor, gate


def _gated_gelu_gradient(op: Any, toward: Any, _: Any) -> list[Any]:
    (x, factor), (_, gate) = op.inputs, op.outputs

    def backward(x: Any, factor: Any, gate: Any, toward: Any) -> tuple[Any, Any]:
        # Not before its turn: else it lies there from the forward pass on.
        with tf.control_dependencies([toward]):
            slope = 3 * _CUBIC * tf.square(x) + _LINEAR
            active = x * gate
            steep = gate + slope * tf.raw_ops.SigmoidGrad(y=gate, dy=x)
        return toward * factor * steep, toward * active

    return list(
        mtf.slicewise(
            backward,
            [x, factor, gate, toward],
            output_shape=[x.shape, x.shape],
            output_dtype=[x.dtype, x.dtype],
            splittable_dims=x.shape.dims,
            name="gated_gelu_gradient",
        )
    )


def softmax(x: Any, reduced_dim: Any, extra_logit: Any = None, name: str | None = None) -> Any:
    """As `mtf.softmax`; a last dimension is to be laid over no devices."""
    if extra_logit is not None or x.shape.dims[-1] != reduced_dim:
        return _softmax(x, reduced_dim, extra_logit=extra_logit, name=name)
    free = x.shape.dims[:-1]

    def backward(share: Any, toward: Any) -> Any:
        moved = share * toward
        return moved - share * tf.reduce_sum(moved, -1, keepdims=True)

    def gradient(op: Any, toward: Any) -> list[Any]:
        given = [op.outputs[0], toward]
        return [mtf.slicewise(backward, given, splittable_dims=free, name="softmax_gradient")]

    return mtf.slicewise(
        tf.nn.softmax, [x], splittable_dims=free, grad_function=gradient, name=name or "softmax"
    )
