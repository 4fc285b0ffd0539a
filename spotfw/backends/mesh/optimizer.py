"""Adafactor as the paper sets it, on Mesh TF's implementation (paper 2.1.4)."""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf


class PromptAdafactor(mtf.optimize.AdafactorOptimizer):  # type: ignore[misc]
    """Adafactor with a constant rate and decoupled weight decay, for a prompt [L, E].

    No parameter scaling, no factoring of the second moment (a prompt's is small), updates
    clipped to RMS 1, second-moment decay 1 - t^-c at update t = 1, 2, ... Mesh TF's class
    has no weight decay; here each update also takes off rate x decay x value.

    Args:
      step: tf int32 scalar, updates done before this one (t = step + 1).
      learning_rate, weight_decay: tf float32 scalars.
      decay_rate: the exponent c, tf float32 scalar.
    """

    def __init__(self, step: Any, learning_rate: Any, weight_decay: Any, decay_rate: Any) -> None:
        super().__init__(
            multiply_by_parameter_scale=False,
            learning_rate=learning_rate,
            decay_rate=1.0 - tf.pow(tf.cast(step, tf.float32) + 1.0, -decay_rate),
            factored=False,
            # Said here, or a checkpoint's operative config would decide them.
            beta1=0.0,
            clipping_threshold=1.0,
            epsilon1=1e-30,
        )
        self._weight_decay = weight_decay

    def apply_grad(self, grad: Any, var: Any) -> list[Any]:
        """The updates of a variable and its slot, given its gradient."""
        updates: list[Any] = super().apply_grad(grad, var)
        updates[-1] = mtf.assign_sub(
            var, updates[-1].inputs[0] + mtf.to_float(var.value) * self._shrink()
        )
        return updates

    def _shrink(self) -> Any:
        return self._learning_rate * self._weight_decay
