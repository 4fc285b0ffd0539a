"""This machine as a mesh, with dropout that is a function of each member's seed and step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.prompted import COHORT

STATELESS = {
    tf.random.uniform: tf.random.stateless_uniform,
    tf.random.normal: tf.random.stateless_normal,
}

#: More random draws than any graph has; keeps the seeds of successive steps apart.
_DRAWS_PER_STEP = 1 << 16


class Draws:
    """The seeds of a step's random draws, int64 [members, 2] for each of them.

    Mesh TF's random operations keep hidden state, which no checkpoint holds. Here a member's
    i-th draw of a step is a function of its seed, its step and i alone, whoever is beside it.

    Args:
      seeds: tf int64 [members].
      steps: tf int64 [members].
    """

    def __init__(self, seeds: Any, steps: Any) -> None:
        self._seeds = seeds
        self._steps = steps
        self._draws = 0

    def next(self, shape: Any) -> Any:
        """The seeds of the next draw, of a tensor of `shape`, its first dimension the cohort's.

        Raises:
          ValueError: it has no such dimension.
        """
        if shape.dims[0].name != COHORT:
            raise ValueError(f"random numbers of no member: {shape}")
        draw = self._draws
        self._draws += 1
        steps = tf.cast(self._steps, tf.int64) * _DRAWS_PER_STEP + draw
        return tf.stack([tf.cast(self._seeds, tf.int64), steps], axis=1)


class LocalMesh(mtf.placement_mesh_impl.PlacementMeshImpl):  # type: ignore[misc]
    """By default one unnamed device, so that Mesh TF keeps a single copy of every variable.

    Random numbers are those of a single device, whatever the layout; see `Draws`.

    Args:
      seeds: tf int64 [members].
      steps: tf int64 [members].
      layout: over the devices.
      devices: TensorFlow's names of them, as many as the layout has.
    """

    def __init__(
        self,
        seeds: Any = (0,),
        steps: Any = (0,),
        layout: Layout | None = None,
        devices: Sequence[str] = ("",),
    ) -> None:
        layout = layout or Layout()
        super().__init__(
            shape=mtf.Shape([mtf.Dimension(axis, size) for axis, size in layout.axes]),
            layout=mtf.LayoutRules(layout.rules),
            devices=list(devices),
        )
        self._draws = Draws(seeds, steps)

    def random(self, shape: Any, tf_fn: Any, kwargs: dict[str, Any]) -> Any:
        """A random tensor of `shape`, its first dimension the cohort's, as `tf_fn` would draw it.

        Raises:
          ValueError: it has no such dimension.
        """
        members, *dims = shape.dims
        seeds = tf.unstack(self._draws.next(shape), members.size)
        sizes = [dim.size for dim in dims]

        def drawn(pnum: int) -> Any:
            begin, size = self.slice_begin(shape, pnum), self.slice_shape(shape)
            of_members = [
                STATELESS[tf_fn](sizes, seed=seed, **kwargs)
                for seed in seeds[begin[0] : begin[0] + size[0]]
            ]
            whole = tf.stack(of_members)
            if math.prod(size) == math.prod(whole.shape.as_list()):
                return whole
            return tf.slice(whole, [0, *begin[1:]], size)

        return self.slicewise(drawn, self.laid_out_pnum())
