"""The programs that tune all weights: the gradient of a part of a batch, and Adafactor's update.

T5's own optimizer is Mesh TF's `AdafactorOptimizer` with parameter scaling; it is run here as it
is, so that its state is what t5 keeps, under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf
from spotfw.backends.mesh.folders.checkpoint import SLOT
from spotfw.backends.mesh.model import transformer_of
from spotfw.backends.mesh.programs import Feed, Plan, Shapes, Sketch, Tensors

#: What the names of the variables begin with that gradients are added up in.
ADDED_UP = "added_up/"

#: Kinds of programs.
GRADIENT, UPDATE = "gradient", "update_weights"


def gradient_feeds(shapes: Shapes) -> dict[str, Feed]:
    """What `gradient_plan` is fed.

    ``inputs`` and ``targets`` int32 [1, batch, length]; ``seed`` and ``step`` int64 [1] of
    dropout; ``tokens`` float32 [1], real target tokens of the whole batch; ``keep`` float32, 1
    where the gradient is added to those of the batch's parts before, 0 of its first part.
    """
    rows = (shapes.members, shapes.batch)
    members = (shapes.members,)
    return {
        "inputs": Feed(dtype=tf.int32, shape=(*rows, shapes.inputs)),
        "targets": Feed(dtype=tf.int32, shape=(*rows, shapes.targets)),
        "seed": Feed(dtype=tf.int64, shape=members),
        "step": Feed(dtype=tf.int64, shape=members),
        "tokens": Feed(dtype=tf.float32, shape=members),
        "keep": Feed(dtype=tf.float32, shape=()),
    }


def update_feeds() -> dict[str, Feed]:
    """What `update_plan` is fed: ``learning_rate`` and ``beta``, float32."""
    return {name: Feed(dtype=tf.float32, shape=()) for name in ("learning_rate", "beta")}


def gradient_plan(vocabulary_size: int, shapes: Shapes, dtype: Any, feeds: Tensors) -> Plan:
    """The gradient of a part of a batch, added up in variables of every weight's shape.

    Fetches ``loss`` float32 [1], the part's share of the batch's, nats per real target token;
    ``update`` adds the gradient.

    Args:
      vocabulary_size: rows of the embedding table.
      shapes: of the part, without a prompt.
      dtype: `mtf.VariableDType` of the weights.
      feeds: tensors by the names of `gradient_feeds`.
    """
    sketch = Sketch.of(shapes, feeds)
    model = transformer_of(vocabulary_size)
    _, losses = sketch.losses(model, tf.estimator.ModeKeys.TRAIN, dtype, feeds["tokens"])
    weights = list(sketch.mesh.graph.trainable_variables)
    gradients = mtf.gradients([losses], [weight.outputs[0] for weight in weights])
    updates = []
    for weight, gradient in zip(weights, gradients, strict=True):
        added_up = _added_up(weight)
        total = added_up * feeds["keep"]
        if gradient is not None:  # a weight that nothing depends on
            total += mtf.to_float(gradient)
        updates.append(mtf.assign(added_up, total))
    return Plan(mesh=sketch.mesh, fetches={"loss": losses}, updates=updates)


def update_plan(weights: Mapping[str, Any], factored_from: int, feeds: Tensors) -> Plan:
    """An update of all weights by the gradients that were added up; ``update`` does it.

    Args:
      weights: Mesh TF's shapes by name.
      factored_from: both sides of a matrix are of that size or larger where its second moments
        are factored.
      feeds: tensors by the names of `update_feeds`.
    """
    mesh = mtf.Mesh(mtf.Graph(), "mesh")
    optimizer = adafactor(feeds["learning_rate"], feeds["beta"], factored_from)
    for name, shape in weights.items():
        mtf.get_variable(mesh, name, shape, initializer=tf.zeros_initializer())
    variables = list(mesh.graph.trainable_variables)
    gradients = [_added_up(variable) for variable in variables]
    return Plan(mesh=mesh, fetches={}, updates=optimizer.apply_grads(gradients, variables))


def adafactor(rate: Any, beta: Any, factored_from: int) -> Any:
    """T5's Adafactor.

    Args:
      rate: constant, times the root mean square of a tensor's values.
      beta: decay of the second moments in this update.
      factored_from: see `update_plan`.
    """
    # All that gin could bind is given: the model's configuration may hold another's.
    return mtf.optimize.AdafactorOptimizer(
        multiply_by_parameter_scale=True,
        learning_rate=rate,
        decay_rate=beta,
        beta1=0.0,
        clipping_threshold=1.0,
        factored=True,
        epsilon1=1e-30,
        epsilon2=1e-3,
        min_dim_size_to_factor=factored_from,
        stacked_dim_names=[],
        exclude_from_parameter_scale=[],
    )


def slot_shapes(
    shapes: Mapping[str, Sequence[int]], factored_from: int
) -> dict[str, tuple[int, ...]]:
    """The second moments that `adafactor` keeps of tensors, by Mesh TF's names.

    Of a matrix that is factored, ``vr`` is its mean over the larger side, ``vc`` over the other;
    over the first side, where both are alike.
    """
    slots: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        if len(shape) >= 2 and sorted(shape)[-2] >= factored_from:
            larger, smaller = sorted(range(len(shape)), key=lambda side: -shape[side])[:2]
            for moment, left_out in (("vr", larger), ("vc", smaller)):
                kept = [size for side, size in enumerate(shape) if side != left_out]
                slots[f"{name}{SLOT}{moment}"] = tuple(kept)
        else:
            slots[f"{name}{SLOT}v"] = tuple(shape)
    return slots


def _added_up(weight: Any) -> Any:
    """The variable that gradients of a weight are added up in, as a tensor."""
    return mtf.get_variable(
        weight.mesh,
        f"{ADDED_UP}{weight.name}",
        weight.shape,
        initializer=tf.zeros_initializer(),
        trainable=False,
    )
