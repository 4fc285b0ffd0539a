"""This machine as a mesh of one device, with dropout that can be continued after a crash."""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf

_STATELESS = {
    tf.random.uniform: tf.random.stateless_uniform,
    tf.random.normal: tf.random.stateless_normal,
}

#: More random draws than any graph has; keeps the seeds of successive steps apart.
_DRAWS_PER_STEP = 1 << 16


class LocalMesh(mtf.placement_mesh_impl.PlacementMeshImpl):  # type: ignore[misc]
    """One unnamed device, so that Mesh TF keeps a single copy of every variable.

    Mesh TF's random operations keep hidden state, which no checkpoint holds. Here the
    i-th draw of a step is a function of (seed, step, i) alone.

    Args:
      seed: tf int64 scalar.
      step: tf int64 scalar.
    """

    def __init__(self, seed: Any = 0, step: Any = 0) -> None:
        super().__init__(shape=mtf.Shape([]), layout=mtf.LayoutRules([]), devices=[""])
        self._seed = seed
        self._step = step
        self._draws = 0

    def random(self, shape: Any, tf_fn: Any, kwargs: dict[str, Any]) -> Any:
        """A random tensor of `shape` as `tf_fn` would draw it."""
        draw = self._draws
        self._draws += 1
        seed = tf.stack([self._seed, self._step * _DRAWS_PER_STEP + draw])
        drawn = _STATELESS[tf_fn](self.slice_shape(shape), seed=seed, **kwargs)
        return self.LaidOutTensor([drawn])
