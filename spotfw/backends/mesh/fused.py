"""Gated GELU, softmax and T5's norm as one operation of Mesh TF each, with gradients of their own.

Mesh TF makes them of six to ten operations over whole activations, differentiates each by
itself, and so a step keeps every result in between. These keep what their gradients need and no
more, and go over an activation half as often. Values are the same up to rounding.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import gin

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer
from spotfw.backends.mesh.compiled import compiled

#: GELU is x * share, share = (1 + tanh(x * (_LINEAR + _CUBIC * x**2))) / 2, as Mesh TF's.
_LINEAR = math.sqrt(2 / math.pi)
_CUBIC = _LINEAR * 0.044715

_dense_product, _softmax = mtf.layers.dense_product, mtf.softmax
_rms_norm, _mask_padding = transformer.sublayer_rms_norm, transformer.sublayer_mask_padding


def dense_product(
    x: Any,
    reduced_dims: Any,
    new_dims: Any,
    activation_functions: Any = None,
    name: str = "dense_product",
    slopes: bool = True,
    **more: Any,
) -> Any:
    """As `mtf.layers.dense_product`; for `slopes`, see `gated_gelu`."""
    if activation_functions != ["gelu", "linear"]:
        return _dense_product(x, reduced_dims, new_dims, activation_functions, name, **more)
    gate, factor = (
        _dense_product(x, reduced_dims, new_dims, "linear", f"{name}_{number}", **more)
        for number in range(2)
    )
    return gated_gelu(gate, factor, slopes=slopes)


def gated_gelu(x: Any, factor: Any, *, slopes: bool = True) -> Any:
    """gelu(x) * factor, of one shape.

    It keeps its two slopes in place of what is put in, so that the gradient is two products.
    Numbers below float32 are computed with as float32, which takes a processor less time.

    Args:
      x, factor: of one shape and type.
      slopes: whether a gradient will be asked for; else they are computed where one is.
    """
    made, *_ = mtf.slicewise(
        functools.partial(_gated_gelu, slopes=slopes),
        [x, factor],
        output_shape=[x.shape] * 3,
        output_dtype=[x.dtype] * 3,
        splittable_dims=x.shape.dims,
        grad_function=_gated_gelu_gradient,
        name="gated_gelu",
    )
    return made


def _gated_gelu(given: Any, times: Any, slopes: bool) -> tuple[Any, Any, Any]:
    """gelu(x) * factor, and its slopes by x and by the factor."""
    if slopes:
        made: tuple[Any, Any, Any] = compiled(_gelu_and_slopes, given, times)
        return made
    _, by_x, by_factor = _gelu_and_slopes(given, times)
    return compiled(_gelu_alone, given, times), by_x, by_factor


def _gelu_and_slopes(given: Any, times: Any) -> tuple[Any, Any, Any]:
    x, factor = tf.cast(given, tf.float32), tf.cast(times, tf.float32)
    square, share, active = _gelu(x)
    steep = share + active * (1.0 - share) * (6 * _CUBIC * square + 2 * _LINEAR)
    by_x, by_factor = tf.cast(steep * factor, given.dtype), tf.cast(active, given.dtype)
    # Else what they are made of may wait in memory until the gradient asks for them.
    with tf.control_dependencies([by_x, by_factor]):
        made = active * factor
    return tf.cast(made, given.dtype), by_x, by_factor


def _gelu_alone(given: Any, times: Any) -> Any:
    _, _, active = _gelu(tf.cast(given, tf.float32))
    return tf.cast(active * tf.cast(times, tf.float32), given.dtype)


def _gelu(x: Any) -> tuple[Any, Any, Any]:
    """x squared, GELU's share of x, and GELU."""
    square = tf.square(x)
    share = 0.5 * tf.tanh(x * (_CUBIC * square + _LINEAR)) + 0.5
    return square, share, x * share


def _gated_gelu_gradient(op: Any, toward: Any, *_: Any) -> list[Any]:
    by_x, by_factor = mtf.slicewise(
        functools.partial(compiled, _both_products),
        [*op.outputs[1:], toward],
        output_shape=[toward.shape] * 2,
        output_dtype=[toward.dtype] * 2,
        splittable_dims=toward.shape.dims,
        name="gated_gelu",
    )
    return [by_x, by_factor]


def _both_products(one: Any, other: Any, toward: Any) -> tuple[Any, Any]:
    return one * toward, other * toward


def softmax(x: Any, reduced_dim: Any, extra_logit: Any = None, name: str | None = None) -> Any:
    """As `mtf.softmax`; a last dimension is to be laid over no devices."""
    if extra_logit is not None or x.shape.dims[-1] != reduced_dim:
        return _softmax(x, reduced_dim, extra_logit=extra_logit, name=name)
    free = x.shape.dims[:-1]

    def forward(x: Any) -> Any:
        # TensorFlow's on a processor takes five dimensions at most.
        if x.shape.rank <= 5:
            return tf.nn.softmax(x)
        return tf.reshape(tf.nn.softmax(tf.reshape(x, [-1, x.shape[-1]])), x.shape)

    def backward(share: Any, toward: Any) -> Any:
        moved = share * toward
        return moved - share * tf.reduce_sum(moved, -1, keepdims=True)

    def gradient(op: Any, toward: Any) -> list[Any]:
        given = [op.outputs[0], toward]
        return [mtf.slicewise(backward, given, splittable_dims=free, name="softmax_gradient")]

    return mtf.slicewise(
        forward, [x], splittable_dims=free, grad_function=gradient, name=name or "softmax"
    )


def rms_norm(x: Any, layer_stack: Any, context: Any, **named: Any) -> Any:
    """As `transformer.sublayer_rms_norm`, times 0 where there is padding.

    Whatever Mesh TF does with a norm's result it masks first; see `mask_padding`. The dimension
    `d_model` is to be laid over no devices.
    """
    del layer_stack
    # As gin has it: what a caller names, here older forms of the norm, wins over bindings.
    given = {"epsilon": 1e-6, "name": "rms_norm", **gin.get_bindings(_rms_norm), **named}
    model_dim = context.model.model_dim
    with tf.variable_scope(given["name"]):
        scale = mtf.get_variable(
            context.mesh,
            "scale",
            mtf.Shape([*context.model.ensemble_dims, model_dim]),
            initializer=tf.ones_initializer(),
            dtype=context.variable_dtype,
        )
    return masked_norm(x, scale, _there(context), given["epsilon"])


def masked_norm(x: Any, scale: Any, there: Any, epsilon: float) -> Any:
    """x over its root mean square along its last dimension, times `scale` and `there`.

    Args:
      x: [..., d_model].
      scale: [d_model].
      there: of x's first dimensions, 1 or 0 and no gradient; or None.
      epsilon: added to the mean square.
    """
    rows = mtf.Shape(x.shape.dims[:-1])
    masks = [] if there is None else [there]

    def gradient(op: Any, toward: Any, _: Any) -> list[Any]:
        (x, scale, *masks), inverse = op.inputs, op.outputs[1]
        by_x = mtf.slicewise(
            functools.partial(compiled, _norm_gradient),
            [x, scale, inverse, toward, *masks],
            splittable_dims=rows.dims,
            name="norm_gradient",
        )
        factors = [toward, x, mtf.cast(mtf.reshape(inverse, rows), x.dtype), *masks]
        by_scale = mtf.einsum(factors, output_shape=scale.shape)
        return [by_x, by_scale, *[None for _ in masks]]

    made, _ = mtf.slicewise(
        functools.partial(compiled, functools.partial(_normed, epsilon)),
        [x, scale, *masks],
        output_shape=[x.shape, [*rows.dims, mtf.Dimension("mean", 1)]],
        output_dtype=[x.dtype, tf.float32],
        splittable_dims=rows.dims,
        grad_function=gradient,
        name="norm",
    )
    return made


def _normed(epsilon: float, *given: Any) -> tuple[Any, Any]:
    """The norm, and the inverse of the root mean square, of x, scale and masks."""
    x, scale, *masks = (tf.cast(value, tf.float32) for value in given)
    mean = tf.reduce_mean(tf.square(x), -1, keepdims=True)
    # A square that overflows gives no number: with 0 a tuning would go on and learn nothing.
    inverse = tf.math.rsqrt(mean + epsilon) + 0.0 * mean
    return tf.cast(x * _times(inverse, masks) * scale, given[0].dtype), inverse


def _norm_gradient(*given: Any) -> Any:
    """By x, of x, scale, the inverse, the gradient of what came of them, and masks."""
    x, scale, inverse, toward, *masks = (tf.cast(value, tf.float32) for value in given)
    moved = toward * scale
    along = tf.reduce_mean(moved * x, -1, keepdims=True) * tf.square(inverse)
    return tf.cast((moved - x * along) * _times(inverse, masks), given[0].dtype)


def _times(inverse: Any, masks: Any) -> Any:
    return inverse * masks[0][..., None] if masks else inverse


def mask_padding(x: Any, layer_stack: Any, context: Any) -> Any:
    """As `transformer.sublayer_mask_padding`, but for what a norm has masked already."""
    if x.operation.name.rpartition("/")[2].startswith("norm"):
        return x
    return _mask_padding(x, layer_stack, context)


def _there(context: Any) -> Any:
    """1 where a position holds a token; None where nothing says which do."""
    if not isinstance(context.sequence_id, mtf.Tensor):
        return None
    return cached(
        context,
        "there",
        lambda: mtf.cast(mtf.not_equal(context.sequence_id, 0), context.activation_dtype),
    )


def cached(context: Any, name: Any, made: Any) -> Any:
    """What the layers of a stack have in common, made for the first of them.

    A layer that is computed again for its gradient can use no tensor made within another.
    """
    if context.model.layer_stack._recompute_grads:
        return made()
    key = ("spotfw", name)
    if key not in context.cache:
        context.cache[key] = made()
    return context.cache[key]
