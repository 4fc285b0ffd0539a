"""The look-up of ids in an embedding table that lies whole on every device, with a gradient.

Mesh TF's own multiplies one-hot rows by the table, in both directions: right where the table is
split, and elsewhere as much work as the output's logits.
"""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf


def looked_up(table: Any, ids: Any) -> Any:
    """Rows [..., d_model] of a table [vocabulary, d_model] by ids [...]."""
    width = table.shape.dims[-1]
    return mtf.slicewise(
        tf.gather,
        [table, ids],
        output_shape=mtf.Shape([*ids.shape.dims, width]),
        output_dtype=table.dtype,
        splittable_dims=ids.shape.dims,
        grad_function=_gradient,
    )


def _gradient(op: Any, toward: Any) -> list[Any]:
    table, ids = op.inputs
    return [_RowSums(table, ids, toward).outputs[0], None]


class _RowSums(mtf.Operation):  # type: ignore[misc]
    """The gradient of a table: for each row the sum over where it was looked up.

    Each device sums what it has of the batch, and the sums are added up over the devices.
    """

    def __init__(self, table: Any, ids: Any, toward: Any) -> None:
        super().__init__([ids, toward], name="row_sums")
        self._outputs = [mtf.Tensor(self, table.shape, table.dtype)]
        self._splittable_dims, self._unsplittable_dims = (
            self._initialize_splittable_and_unsplittable_dims(
                "unsplittable", [dim.name for dim in ids.shape.dims]
            )
        )

    def lower(self, lowering: Any) -> None:
        """Lowers to sums in float32, in whatever type the table is computed with."""
        mesh = lowering.mesh_impl(self)
        ids, toward = self.inputs
        (table,) = self.outputs
        rows, width = (dim.size for dim in table.shape.dims)

        def summed(ids: Any, toward: Any) -> Any:
            each = tf.reshape(tf.cast(toward, tf.float32), [-1, width])
            sums = tf.math.unsorted_segment_sum(each, tf.reshape(ids, [-1]), rows)
            return tf.cast(sums, table.dtype)

        sums = mesh.slicewise(summed, lowering.tensors[ids], lowering.tensors[toward])
        over = [mesh.tensor_dimension_to_mesh_axis(dim) for dim in ids.shape.dims]
        axes = [axis for axis in over if axis is not None]
        if axes:
            sums = mesh.allreduce(sums, axes, "SUM")
        lowering.set_tensor_lowering(table, sums)
