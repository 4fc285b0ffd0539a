"""Puts this package's forms of T5's layers in the place of Mesh TF's while a model is built."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from spotfw.backends.mesh import attention, fused, joint_attention
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import transformer, transformer_layers

_PARAMS = mtf.transformer.attention.AttentionParams


def _call_sublayers(stack: Any, sublayers: Any, x: Any, context: Any) -> Any:
    """As `LayerStack._call_sublayers`; what gin names is Mesh TF's norm, not ours."""
    for sublayer in sublayers:
        ours = sublayer is _NORM and not context.model.ensemble_dims
        x = (fused.rms_norm if ours else sublayer)(x, stack, context)
    return x


_NORM = transformer.sublayer_rms_norm

#: Whose name stands for what; the norm needs all of `d_model`.
_REPLACED: list[tuple[Any, str, Any]] = [
    (mtf, "softmax", fused.softmax),
    (_PARAMS, "compute_q", attention.compute_q),
    (_PARAMS, "compute_k", attention.compute_k),
    (_PARAMS, "compute_v", attention.compute_v),
    (_PARAMS, "compute_output", attention.compute_output),
    (mtf.transformer.attention, "attention", joint_attention.attention),
    (transformer_layers.SelfAttention, "compute_bias", attention.compute_bias),
    (transformer_layers, "enc_dec_attention", attention.enc_dec_attention),
]
_NORMS: list[tuple[Any, str, Any]] = [
    (transformer.LayerStack, "_call_sublayers", _call_sublayers),
    (transformer, "sublayer_rms_norm", fused.rms_norm),
    (transformer, "sublayer_mask_padding", fused.mask_padding),
]


@contextlib.contextmanager
def lean_layers(split_width: bool = False, gradients: bool = True) -> Iterator[None]:
    """A context in which Mesh TF's layers are built with these; restores what was there.

    Args:
      split_width: whether `d_model` is laid over devices.
      gradients: whether any is asked for.
    """
    product = functools.partial(fused.dense_product, slopes=gradients)
    replaced = [(mtf.layers, "dense_product", product), *_REPLACED]
    replaced += [] if split_width else _NORMS
    before = [(place, name, vars(place)[name]) for place, name, _ in replaced]
    for place, name, ours in replaced:
        setattr(place, name, ours)
    try:
        yield
    finally:
        for place, name, theirs in before:
            setattr(place, name, theirs)
