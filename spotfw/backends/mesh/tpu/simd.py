"""TPU cores as a mesh: every core runs one program on its own slices."""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.placement import STATELESS, Draws

#: Keeps the seeds of a draw's parts apart, beyond any step's; see `Draws`.
_PART = 1 << 56


class TpuMesh(mtf.simd_mesh_impl.SimdMeshImpl):  # type: ignore[misc]
    """Mesh TF's mesh of TPU cores, with dropout that needs no collectives.

    Mesh TF draws on one core and sums over the others to make them agree. Here a part of a random
    tensor is a function of the member's seed, its step, the draw and which part it is, so that
    cores that hold the same part have the same numbers. They depend on the layout.

    Args:
      seeds: tf int64 [members].
      steps: tf int64 [members].
      layout: over the cores.
      device_assignment: TensorFlow's, of the cores.
    """

    def __init__(self, seeds: Any, steps: Any, layout: Layout, device_assignment: Any) -> None:
        super().__init__(
            shape=mtf.Shape([mtf.Dimension(axis, size) for axis, size in layout.axes]),
            layout=mtf.LayoutRules(layout.rules),
            device_assignment=device_assignment,
        )
        self._draws = Draws(seeds, steps)

    def random(self, shape: Any, tf_fn: Any, kwargs: dict[str, Any]) -> Any:
        """A core's part of a random tensor of `shape`, its first dimension the cohort's.

        Raises:
          ValueError: it has no such dimension.
        """
        pair = mtf.Dimension("seed_and_step", 2)
        seeds = self.slice(self._draws.next(shape), mtf.Shape([shape.dims[0], pair])).one_slice
        members, *sizes = self.slice_shape(shape)
        begins = [tuple(self.slice_begin(shape, pnum)[1:]) for pnum in range(self.size)]
        if len(set(begins)) > 1:
            number = {begin: index for index, begin in enumerate(sorted(set(begins)))}
            parts = tf.constant([number[begin] for begin in begins], tf.int64)
            seeds += tf.stack([tf.gather(parts, self.pnum_tensor) * _PART, 0])
        draw = STATELESS[tf_fn]
        drawn = [draw(sizes, seed=seed, **kwargs) for seed in tf.unstack(seeds, members)]
        return self.LaidOutTensor([tf.stack(drawn)])


class AbstractMesh(TpuMesh):
    """TPU cores that nobody needs to have: a core's program, without copies of variables."""

    def __init__(self, seeds: Any, steps: Any, layout: Layout) -> None:
        super().__init__(seeds, steps, layout, None)

    class LaidOutVariable:
        """One core's slice of a variable, never given a value."""

        def __init__(self, variable: Any, mesh_impl: Any) -> None:
            self._variable = variable
            self._slice = tf.get_variable(
                f"{variable.name}_slice",
                mesh_impl.slice_shape(variable.outputs[0].shape),
                dtype=variable.slice_dtype,
                initializer=tf.zeros_initializer(),
                collections=[],
            )
            self.laid_out_tensor = mesh_impl.LaidOutTensor([self._slice])

        def assign_to_slices(
            self, assign_fn: Any, values: Any, assign_to_tensor_list: Any = None
        ) -> Any:
            """See Mesh TF's."""
            return assign_fn(self._variable, self._slice, values[0])
