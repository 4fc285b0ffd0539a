"""A T5's update for TPU cores, built and lowered without a TPU and without weights."""

from __future__ import annotations

from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.layout import Layout
from spotfw.backends.mesh.model import building
from spotfw.backends.mesh.programs import PLANS, Plan, Shapes, feeds_of
from spotfw.backends.mesh.tpu.counting import Work, count
from spotfw.backends.mesh.tpu.simd import AbstractMesh


def tpu_dtype(activations: str = "bfloat16") -> Any:
    """How the frozen variables lie: float32 on the host, as they are used on the devices."""
    kind = tf.as_dtype(activations)
    return mtf.VariableDType(tf.float32, kind, kind)


def counted(
    config: str, rows: int, shapes: Shapes, layout: Layout, activations: str = "bfloat16"
) -> Work:
    """What a core does in an update.

    Args:
      config: gin text of the model.
      rows: of its embedding table.
      shapes: of the update.
      layout: over the cores.
      activations: ``bfloat16`` or ``float32``.
    """
    with tf.Graph().as_default(), tf.variable_scope("", reuse=tf.AUTO_REUSE, use_resource=True):
        feeds = {
            name: tf.placeholder(feed.dtype, feed.shape, name=name)
            for name, feed in feeds_of("update", shapes).items()
        }
        with building(
            config,
            prompt_length=shapes.prompt_length,
            members=shapes.members,
            dropout=shapes.dropout,
            split_vocabulary=layout.splits_vocabulary,
            split_width=layout.parts("d_model") > 1,
        ):
            plan = PLANS["update"](rows, shapes, tpu_dtype(activations), feeds)
        mesh = AbstractMesh(feeds["seed"], feeds["step"], layout)
        return count(lowered(plan, mesh))


def lowered(plan: Plan, mesh: Any) -> list[Any]:
    """What a core gives and assigns, once the plan is lowered to the mesh."""
    lowering = mtf.Lowering(plan.mesh.graph, {plan.mesh: mesh}, autostack=False)
    given = [lowering.tensors[t].to_laid_out_tensor().one_slice for t in plan.fetches.values()]
    return given + [lowering.lowered_operation(op) for op in plan.updates]
