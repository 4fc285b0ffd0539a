"""T5's attention with its heads before positions, and what layers share computed once.

Mesh TF keeps heads within a position, [..., length, heads, d_kv], and so every product of
attention turns its operands; a stack's bias is computed anew by each layer; and keys and values of
every encoder position are computed for each layer of the decoder, though a target has but a few
tokens to ask with. Values are the same up to rounding.
"""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer_layers
from spotfw.backends.mesh.fused import cached
from spotfw.backends.mesh.joint_attention import asked_of_output, joins, plain_attention
from spotfw.backends.mesh.joint_attention import attention as _joint_attention

_LENGTHS = ("length", "memory_length")

_enc_dec_attention = transformer_layers.enc_dec_attention
_enc_dec_bias = transformer_layers.enc_dec_attention_bias
_self_bias = transformer_layers.SelfAttention.compute_bias


def compute_q(params: Any, x: Any) -> Any:
    """As `AttentionParams.compute_q`, [..., heads, length, d_kv]."""
    made = _heads_first(x, params.query_input_dim, _weight(params, params.wq, params.q_dims))
    return made if params.fold_scaling_into_initializer else made * params.key_dim.size**-0.5


def compute_k(params: Any, x: Any) -> Any:
    """As `AttentionParams.compute_k`, [..., heads, memory_length, d_kv]."""
    return _heads_first(x, params.memory_input_dim, _weight(params, params.wk, params.k_dims))


def compute_v(params: Any, x: Any) -> Any:
    """As `AttentionParams.compute_v`, [..., heads, memory_length, d_kv]."""
    return _heads_first(x, params.memory_input_dim, _weight(params, params.wv, params.v_dims))


def compute_output(params: Any, o: Any, output_shape: Any = None) -> Any:
    """As `AttentionParams.compute_output`, of heads and positions in any order."""
    weight, dims = params.wo, params.o_dims
    if params.combine_dims:
        weight = mtf.replace_dimensions(weight, weight.shape.dims[-2], dims)
    reduced = [params.value_dim] if params.keep_query_heads_dims else dims
    return mtf.layers.us_einsum([o, weight], output_shape=output_shape, reduced_dims=reduced)


def _weight(params: Any, weight: Any, dims: Any) -> Any:
    """A weight with its heads apart, [d_model, heads, d_kv]."""
    if not params.combine_dims:
        return weight
    return mtf.replace_dimensions(weight, weight.shape.dims[-1], dims)


def _heads_first(x: Any, reduced: Any, weight: Any) -> Any:
    *heads, width = [dim for dim in weight.shape.dims if dim not in x.shape.dims]
    rest = (x.shape - reduced).dims
    lengths = [dim for dim in rest if dim.name in _LENGTHS]
    rows = [dim for dim in rest if dim not in lengths]
    return mtf.layers.us_einsum([x, weight], output_shape=[*rows, *heads, *lengths, width])


def compute_bias(
    layer: Any,
    context: Any,
    memory_position: Any,
    x: Any,
    heads_dims: Any,
    q: Any,
    use_prompt_kv: Any = None,
) -> Any:
    """As `SelfAttention.compute_bias`, once for all layers that share it."""

    def made() -> Any:
        return _self_bias(layer, context, memory_position, x, heads_dims, q, use_prompt_kv)

    if layer.relative_attention_type not in (None, "bias_shared") or use_prompt_kv:
        return made()
    spans = layer.min_relative_position(context), layer.max_relative_position(context)
    key = ("bias", layer.relative_attention_type, *spans, tuple(heads_dims))
    return cached(context, key, lambda: _ordered(made(), context, heads_dims))


def _ordered(bias: Any, context: Any, heads_dims: Any) -> Any:
    """A bias in the order and the type of the logits that it is added to."""
    if bias is None:
        return None
    first = [*context.batch_dims, *heads_dims]
    dims = sorted(
        bias.shape.dims,
        key=lambda dim: first.index(dim) if dim in first else len(first) + (dim.name != "length"),
    )
    return mtf.cast(mtf.transpose(bias, mtf.Shape(dims)), tf.float32)


def enc_dec_attention(
    layer: Any,
    memory: Any,
    context: Any,
    x: Any,
    losses: Any,
    attention_fn: Any = plain_attention,
    z_loss_coeff: Any = None,
) -> Any:
    """As `transformer_layers.enc_dec_attention`.

    Where a target has few tokens, queries are taken to the encoder's output, instead of keys and
    values of each of its positions to the queries: q (m K)' = (q K') m', shares (m V) =
    (shares m) V.
    """
    if not _plain(layer, context, attention_fn, z_loss_coeff) or not _asks_little(
        layer, memory, context
    ):
        return _enc_dec_attention(layer, memory, context, x, losses, attention_fn, z_loss_coeff)
    params = layer.make_params(context)
    q = mtf.layers.us_einsum(
        [x, _weight(params, params.wq, params.q_dims)],
        output_shape=[*(x.shape - params.query_input_dim).dims, *params.q_dims],
    )
    if not params.fold_scaling_into_initializer:
        q *= params.key_dim.size**-0.5
    rows = (q.shape - params.key_dim).dims
    (positions,) = [dim for dim in memory.shape.dims if dim.name == "memory_length"]
    width = memory.shape.dims[-1]
    key, value = (_weight(params, weight, params.k_dims) for weight in (params.wk, params.wv))
    asked = mtf.layers.us_einsum([q, key], output_shape=[*rows, width])
    bias = cached(
        context,
        ("enc_dec_bias", tuple(params.query_heads_dims)),
        lambda: _enc_dec_bias(layer, context, params.query_heads_dims),
    )
    rate = layer.attention_kwargs_from_context(context)["dropout_rate"]
    if joins(asked, memory) and not (context.train and rate):
        seen = asked_of_output(asked, memory, _in_float(context, memory), bias)
    else:
        logits = mtf.layers.us_einsum(
            [mtf.cast(asked, tf.float32), _in_float(context, memory)],
            output_shape=[*rows, positions],
        )
        if bias is not None:
            logits += mtf.cast(bias, logits.dtype)
        shares = mtf.cast(mtf.softmax(logits, positions), memory.dtype)
        shares = mtf.dropout(
            shares,
            context.train,
            1.0 - rate,
            noise_shape=_noise(context, params, positions),
        )
        seen = mtf.einsum([shares, memory], output_shape=[*rows, width])
    o = mtf.layers.us_einsum([seen, value], output_shape=[*rows, params.value_dim])
    shape = layer.expected_attention_output_shape(x, params)
    made = compute_output(params, o, output_shape=shape)
    return layer.layer_output_from_attention_output(context, made, losses)


def _plain(layer: Any, context: Any, attention_fn: Any, z_loss_coeff: Any) -> bool:
    """Whether a layer is T5's, with nothing that other models have."""
    return (
        attention_fn in (plain_attention, _joint_attention)
        and z_loss_coeff is None
        and not layer.shared_kv
        and layer.num_memory_heads == 0
        and layer.num_heads > 1
        and layer.relative_attention_type is None
        and not layer.attention_kwargs
        and not context.model.ensemble_dims
    )


def _asks_little(layer: Any, memory: Any, context: Any) -> bool:
    """Whether fewer multiplications are done if no keys and values are computed."""
    asks, inner = context.length_dim.size, layer.key_value_size
    positions, width = (
        int(memory.shape.get_dim_by_name(name).size) for name in ("memory_length", "d_model")
    )
    to_output = asks * width * (positions + inner)
    return bool(to_output < inner * positions * (width + asks))


def _in_float(context: Any, memory: Any) -> Any:
    return cached(context, ("float32", memory.name), lambda: mtf.cast(memory, tf.float32))


def _noise(context: Any, params: Any, positions: Any) -> Any:
    """The shape of dropout of shares: the same for all positions of a target."""
    return mtf.Shape([*context.batch_dims, *params.query_heads_dims, positions])
