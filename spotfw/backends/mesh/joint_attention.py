"""T5's attention in bfloat16 as one operation, where programs run on this machine's processor.

Mesh TF makes it of several operations and differentiates each by itself, so that the gradient of
scores, which are float32, goes through products in float32, at half bfloat16's speed. Here scores
are float32 all the same, and their gradient is computed in float32 and rounded once. With P the
shares and O = P V what is made of them, it is P (dO V' - sum(dO O)), the sum over a value's width:
one pass over what is as large as P.
"""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh import compiled
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf

plain_attention = mtf.transformer.attention.attention


def attention(
    q: Any,
    k: Any,
    v: Any,
    memory_length_dim: Any,
    key_dim: Any,
    value_dim: Any,
    bias: Any = None,
    dropout_rate: float = 0.0,
    dropout_broadcast_dims: Any = None,
    extra_logit: Any = None,
    context: Any = None,
    float32_logits: bool = True,
    z_loss_coeff: Any = None,
) -> Any:
    """As Mesh TF's; joint where there is no dropout and heads come before positions."""
    drops = dropout_rate > 0.0 and (context is None or context.train)
    lengths = [dim for dim in q.shape.dims[-2:-1] if dim.name == "length"]
    rows = q.shape.dims[:-2]
    joint = (
        joins(q, k, v)
        and float32_logits
        and not drops
        and extra_logit is None
        and z_loss_coeff is None
        and bool(lengths)
        and q.shape.dims == [*rows, *lengths, key_dim]
        and k.shape.dims == [*rows, memory_length_dim, key_dim]
        and v.shape.dims == [*rows, memory_length_dim, value_dim]
        and (bias is None or set(bias.shape.dims) <= {*rows, *lengths, memory_length_dim})
    )
    if not joint:
        return plain_attention(
            q, k, v, memory_length_dim, key_dim, value_dim, bias, dropout_rate,
            dropout_broadcast_dims, extra_logit, context, float32_logits, z_loss_coeff,
        )  # fmt: skip
    scores = mtf.Shape([*rows, *lengths, memory_length_dim])
    biases = [] if bias is None else [_ordered(bias, scores)]
    made, _ = mtf.slicewise(
        _forward,
        [q, k, v, *biases],
        output_shape=[mtf.Shape([*rows, *lengths, value_dim]), scores],
        output_dtype=[v.dtype] * 2,
        splittable_dims=rows,
        grad_function=_gradient,
        name="attention",
    )
    return made


def asked_of_output(asked: Any, memory: Any, wide: Any, bias: Any) -> Any:
    """What short targets see of an encoder's output, as `enc_dec_attention` has it.

    Args:
      asked: queries taken to the output's width, [*rows, length, heads, d_model]; without the
        length where a single position asks.
      memory: [*rows, memory_length, d_model], keys and values at once.
      wide: the same in float32, which layers share; the gradient goes to `memory` alone.
      bias: of the scores, with `memory_length` in place of `d_model`; or None.

    Returns:
      of the shape of `asked`.
    """
    *rows, positions, width = memory.shape.dims
    scores = mtf.Shape([*(asked.shape - width).dims, positions])
    biases = [] if bias is None else [_ordered(bias, scores)]
    made, _ = mtf.slicewise(
        _seen,
        [asked, memory, wide, *biases],
        output_shape=[asked.shape, scores],
        output_dtype=[asked.dtype] * 2,
        splittable_dims=rows,
        grad_function=_seen_gradient,
        name="cross_attention",
    )
    return made


def joins(*tensors: Any) -> bool:
    """Whether attention of these is to be one operation."""
    return compiled.wanted() and all(tensor.dtype == tf.bfloat16 for tensor in tensors)


def _ordered(bias: Any, scores: Any) -> Any:
    """A bias in float32 with all dimensions of the scores, of size 1 where it has none."""
    has = [dim for dim in scores.dims if dim in bias.shape.dims]
    every = [dim if dim in has else mtf.Dimension(f"any_{dim.name}", 1) for dim in scores.dims]
    ordered = mtf.transpose(mtf.cast(bias, tf.float32), mtf.Shape(has))
    return mtf.reshape(ordered, mtf.Shape(every))


def _forward(q: Any, k: Any, v: Any, *biases: Any) -> tuple[Any, Any]:
    """What is made of the values, and the shares, of queries, keys, values and a bias."""
    scores = tf.matmul(tf.cast(q, tf.float32), tf.cast(k, tf.float32), transpose_b=True)
    shares = _shares(scores, biases, v.dtype)
    return tf.matmul(shares, v), shares


def _shares(scores: Any, biases: Any, dtype: Any) -> Any:
    for bias in biases:
        scores += bias
    flat = tf.reshape(scores, [-1, scores.shape[-1]])  # softmax takes five dimensions at most
    return tf.cast(tf.reshape(tf.nn.softmax(flat), scores.shape), dtype)


def _gradient(op: Any, toward: Any, _: Any) -> list[Any]:
    (q, k, v, *biases), (made, shares) = op.inputs, op.outputs
    to_q, to_k, to_v, to_scores = mtf.slicewise(
        _backward,
        [q, k, v, made, shares, toward],
        output_shape=[q.shape, k.shape, v.shape, shares.shape],
        output_dtype=[q.dtype, k.dtype, v.dtype, shares.dtype],
        splittable_dims=shares.shape.dims[:-2],
        name="attention_gradient",
    )
    return [to_q, to_k, to_v, *(_to_bias(bias, to_scores) for bias in biases)]


def _to_bias(bias: Any, to_scores: Any) -> Any:
    has = mtf.Shape([dim for dim in to_scores.shape.dims if dim in bias.shape.dims])
    summed = mtf.reduce_sum(mtf.cast(to_scores, tf.float32), output_shape=has)
    return mtf.reshape(summed, bias.shape)


def _backward(
    q: Any, k: Any, v: Any, made: Any, shares: Any, toward: Any
) -> tuple[Any, Any, Any, Any]:
    """By queries, keys, values and scores."""
    to_scores = _to_scores(v, made, shares, toward)
    return (
        tf.matmul(to_scores, k),
        tf.matmul(to_scores, q, transpose_a=True),
        tf.matmul(shares, toward, transpose_a=True),
        to_scores,
    )


def _to_scores(v: Any, made: Any, shares: Any, toward: Any) -> Any:
    mean = compiled.compiled(_dots, toward, made)
    to_shares = tf.matmul(toward, v, transpose_b=True)
    return compiled.compiled(_softmax_gradient, shares, to_shares, mean)


def _seen(asked: Any, memory: Any, wide: Any, *biases: Any) -> tuple[Any, Any]:
    """As `_forward`, with all positions and heads of a target in one product."""
    flat = tf.cast(_flat(asked, memory), tf.float32)
    scores = tf.matmul(flat, wide, transpose_b=True)
    scores = tf.reshape(scores, [*asked.shape[:-1], memory.shape[-2]])
    shares = _shares(scores, biases, asked.dtype)
    return tf.reshape(tf.matmul(_flat(shares, memory), memory), asked.shape), shares


def _seen_gradient(op: Any, toward: Any, *_: Any) -> list[Any]:
    (asked, memory, _, *biases), (made, shares) = op.inputs, op.outputs
    to_asked, to_memory, to_scores = mtf.slicewise(
        _seen_backward,
        [asked, memory, made, shares, toward],
        output_shape=[asked.shape, memory.shape, shares.shape],
        output_dtype=[asked.dtype, memory.dtype, shares.dtype],
        splittable_dims=memory.shape.dims[:-2],
        name="cross_attention_gradient",
    )
    return [to_asked, to_memory, None, *(_to_bias(bias, to_scores) for bias in biases)]


def _seen_backward(
    asked: Any, memory: Any, made: Any, shares: Any, toward: Any
) -> tuple[Any, Any, Any]:
    """By what is asked, by the output and by scores."""
    asked_, made, flat, toward = (_flat(given, memory) for given in (asked, made, shares, toward))
    to_scores = _to_scores(memory, made, flat, toward)
    # As keys and as values at once.
    both = tf.concat([to_scores, flat], -2), tf.concat([asked_, toward], -2)
    return (
        tf.reshape(tf.matmul(to_scores, memory), asked.shape),
        tf.matmul(*both, transpose_a=True),
        tf.reshape(to_scores, shares.shape),
    )


def _flat(given: Any, memory: Any) -> Any:
    """[*rows, ..., n] as [*rows, all of a row, n], of the rows of a memory [*rows, length, E]."""
    rows, width = memory.shape.as_list()[:-2], given.shape[-1]
    return tf.reshape(given, [*rows, -1, width])


def _dots(one: Any, other: Any) -> Any:
    """Sums of products along the last dimension, float32 [..., 1]."""
    products = tf.cast(one, tf.float32) * tf.cast(other, tf.float32)
    return tf.reduce_sum(products, -1, keepdims=True)


def _softmax_gradient(shares: Any, to_shares: Any, mean: Any) -> Any:
    wide = tf.cast(shares, tf.float32) * (tf.cast(to_shares, tf.float32) - mean)
    return tf.cast(wide, shares.dtype)
