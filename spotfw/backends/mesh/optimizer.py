"""Adafactor as the paper sets it, for the prompts of a cohort (paper 2.1.4)."""

from __future__ import annotations

from typing import Any

import attrs

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.prompted import by_member

_TINY, _CLIP = 1e-30, 1.0


@attrs.frozen(kw_only=True, eq=False)
class Rates:
    """What an update needs of each member, Mesh TF's tensors float32 [cohort].

    Attributes:
      learning_rate: constant in a tuning.
      weight_decay: the share of its value that each update takes off, `TuningSettings.decay`.
      beta: `second_moment_decay` of the update.
      going: 1 where the member is updated, 0 where all of it stays as it is.
    """

    learning_rate: Any
    weight_decay: Any
    beta: Any
    going: Any


def second_moment_decay(step: int, exponent: float) -> float:
    """Beta of the update after `step` others: 1 - t^-c at update t = 1, 2, ..."""
    return float(1.0 - (step + 1.0) ** -exponent)


def adafactor(prompts: Any, gradient: Any, rates: Rates) -> tuple[Any, list[Any]]:
    """The prompts after an update, and the assignments of them and of their second moments.

    As Mesh TF's `AdafactorOptimizer` without parameter scaling, factoring of the second moment
    (a prompt's is small) and momentum, which has no weight decay: here each update also takes
    off a share of the value. An update is clipped to RMS 1, each member's by itself.

    Args:
      prompts: the variable [cohort, L, d_model].
      gradient: of each member's loss, of the same shape.
      rates: of the members.
    """
    moments = mtf.get_variable(
        prompts.mesh,
        f"{prompts.name}_slot_v",
        prompts.shape,
        initializer=tf.zeros_initializer(),
        trainable=False,
    )
    gradient, value = mtf.to_float(gradient), mtf.to_float(prompts.value)
    moment = moments * rates.beta + (mtf.square(gradient) + _TINY) * (1.0 - rates.beta)
    change = gradient * mtf.rsqrt(moment)
    square = mtf.reduce_mean(mtf.square(change), output_shape=by_member(prompts))
    # Roots are taken in the prompts' shape: of a few numbers they round otherwise than of many,
    # and a member's result would depend on how many there are.
    inverse = mtf.rsqrt(mtf.broadcast(square, prompts.shape))
    change = change * mtf.minimum(inverse * _CLIP, 1.0) * rates.learning_rate
    change = change + value * rates.weight_decay
    going = mtf.broadcast(rates.going, prompts.shape)
    moment, change = (
        mtf.cwise(lambda on, new, old: tf.where(on > 0, new, old), [going, new, old])
        for new, old in ((moment, moments), (change, mtf.zeros_like(change)))
    )
    return value - change, [mtf.assign(moments, moment), mtf.assign_sub(prompts, change)]
