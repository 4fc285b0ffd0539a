"""What is run on a frozen model: one update, decoding, scoring, activations.

Each is a plan in Mesh TF's operations, made for fixed shapes, which a machine lowers to its mesh
(`machines`). All share the same variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer_layers
from spotfw.backends.mesh.model import transformer_of
from spotfw.backends.mesh.optimizer import Rates, adafactor
from spotfw.backends.mesh.prompted import COHORT, prompts_name

_RATES = tuple(field.name for field in attrs.fields(Rates))


@attrs.frozen(kw_only=True)
class Shapes:
    """Shapes and settings that a program is compiled for.

    Attributes:
      batch: examples of each member.
      inputs: text tokens of an input, the prompt not counted.
      targets: tokens of a target, or the most to decode.
      prompt_length: tokens of a prompt, 0 for none.
      dropout: while tuning.
      members: of the cohort, each with a prompt of its own.
    """

    batch: int
    inputs: int
    targets: int
    prompt_length: int
    dropout: float = 0.0
    members: int = 1

    def scope(self, kind: str) -> str:
        """The scope that names the operations of this kind of program.

        TensorFlow's graph optimizer orders sums by the names of operations, which count up
        over a graph. In a scope of its own a program is named, and so summed, alike, whatever was
        built before.
        """
        return "_".join([kind, *map(str, attrs.astuple(self))])


#: Tensors of TensorFlow by name.
Tensors: TypeAlias = Mapping[str, Any]


@attrs.frozen(kw_only=True)
class Feed:
    """What is fed: a type of TensorFlow and a shape."""

    dtype: Any
    shape: tuple[int, ...]


@attrs.frozen(kw_only=True)
class Plan:
    """A program as Mesh TF's operations, to be lowered to any mesh.

    Attributes:
      mesh: of the operations.
      fetches: Mesh TF's tensors by name.
      updates: operations that assign, which make up the fetch ``update``.
      finish: makes the program's fetches of the exported tensors and of the feeds.
    """

    mesh: Any
    fetches: Tensors
    updates: Sequence[Any] = ()
    finish: Callable[[Tensors, Tensors], Tensors] = lambda fetches, feeds: fetches


def feeds_of(kind: str, shapes: Shapes) -> dict[str, Feed]:
    """What a program of a kind is fed.

    ``inputs`` int32 [members, batch, inputs]; for all but ``decode`` also ``targets`` int32
    [members, batch, targets]; for ``update``, [members] of ``seed`` and ``step`` int64, and of
    ``learning_rate``, ``weight_decay``, ``beta`` and ``going`` float32, see `Rates`.
    """
    rows = (shapes.members, shapes.batch)
    feeds = {"inputs": Feed(dtype=tf.int32, shape=(*rows, shapes.inputs))}
    if kind != "decode":
        feeds["targets"] = Feed(dtype=tf.int32, shape=(*rows, shapes.targets))
    if kind == "update":
        kinds = {"seed": tf.int64, "step": tf.int64, **dict.fromkeys(_RATES, tf.float32)}
        for name, dtype in kinds.items():
            feeds[name] = Feed(dtype=dtype, shape=(shapes.members,))
    return feeds


@attrs.frozen(kw_only=True)
class Sketch:
    """A Mesh TF graph under construction, with its ids imported."""

    mesh: Any
    feeds: Tensors
    inputs: Any
    targets: Any

    @classmethod
    def of(cls, shapes: Shapes, feeds: Tensors) -> Sketch:
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        rows = [mtf.Dimension(COHORT, shapes.members), mtf.Dimension("batch", shapes.batch)]

        def ids(name: str, length: int, in_front: int) -> Any:
            # Place holders for the prompt: any id but 0, which Mesh TF takes as padding.
            padded = tf.pad(feeds[name], [[0, 0], [0, 0], [in_front, 0]], constant_values=1)
            dims = mtf.Shape([*rows, mtf.Dimension("length", in_front + length)])
            return mtf.import_fully_replicated(mesh, padded, dims, name=name)

        inputs = ids("inputs", shapes.inputs, shapes.prompt_length)
        targets = ids("targets", shapes.targets, 0) if "targets" in feeds else None
        return cls(mesh=mesh, feeds=feeds, inputs=inputs, targets=targets)

    def losses(self, model: Any, mode: str, dtype: Any, tokens: Any = None) -> tuple[Any, Any]:
        """Logits, and each member's loss per real target token (padding not counted).

        Args:
          model: Mesh TF's.
          mode: of estimators, which says whether there is dropout.
          dtype: `mtf.VariableDType` of the model's variables.
          tokens: tf float32 [members] to divide by, where a batch is only part of one; None for
            those that are fed.
        """
        logits, totals = model.call_simple(
            self.inputs, self.targets, compute_loss=True, mode=mode, variable_dtype=dtype
        )
        if tokens is None:
            tokens = tf.math.count_nonzero(self.feeds["targets"], axis=[1, 2], dtype=tf.float32)
        # TensorFlow's division is exact; Mesh TF's, by reciprocals, depends on the cohort's size.
        shares = of_members(self.mesh, 1.0 / tf.maximum(tokens, 1.0), totals.shape)
        return logits, mtf.cast(totals, tf.float32) * shares

    def gradient(self, losses: Any, shapes: Shapes) -> tuple[Any, Any]:
        """The variable of the prompts, and the gradient of each one's own loss.

        No member's loss depends on another's prompt, so no sum over members is needed.
        """
        name = prompts_name(shapes.members, shapes.prompt_length)
        (prompts,) = [v for v in self.mesh.graph.all_variables if v.name.endswith(f"/{name}")]
        (gradient,) = mtf.gradients([losses], [prompts.outputs[0]])
        return prompts, gradient


def of_members(mesh: Any, values: Any, shape: Any) -> Any:
    """A tf tensor [members] in Mesh TF."""
    return mtf.import_fully_replicated(mesh, values, shape)


def update_plan(vocabulary_size: int, shapes: Shapes, dtype: Any, feeds: Tensors) -> Plan:
    """One Adafactor update of each prompt; nothing else of the model has a gradient.

    Fetches float32 [members] of ``loss``, nats per real target token, and of ``finite``, 1 where
    the updated prompt is numbers; and ``update``.

    Args:
      vocabulary_size: rows of the embedding table.
      shapes: what to plan for; `prompt_length` above 0.
      dtype: `mtf.VariableDType` of the frozen variables.
      feeds: tensors by the names of `feeds_of`.
    """
    sketch = Sketch.of(shapes, feeds)
    model = transformer_of(vocabulary_size)
    _, losses = sketch.losses(model, tf.estimator.ModeKeys.TRAIN, dtype)
    prompts, gradient = sketch.gradient(losses, shapes)
    rates = Rates(**{name: of_members(sketch.mesh, feeds[name], losses.shape) for name in _RATES})
    after, updates = adafactor(prompts, gradient, rates)
    finite = mtf.cwise(lambda x: tf.cast(tf.math.is_finite(x), tf.float32), [after])
    fetches = {"loss": losses, "finite": mtf.reduce_min(finite, output_shape=losses.shape)}
    return Plan(mesh=sketch.mesh, fetches=fetches, updates=updates)


def decode_plan(vocabulary_size: int, shapes: Shapes, dtype: Any, feeds: Tensors) -> Plan:
    """Greedy decoding; fetches ``ids`` int32 [members, batch, targets]."""
    sketch = Sketch.of(shapes, feeds)
    ids = transformer_of(vocabulary_size).decode(
        sketch.inputs,
        variable_dtype=dtype,
        beam_size=1,
        temperature=0.0,
        max_decode_length=shapes.targets,
    )
    return Plan(mesh=sketch.mesh, fetches={"ids": ids})


def score_plan(vocabulary_size: int, shapes: Shapes, dtype: Any, feeds: Tensors) -> Plan:
    """Teacher-forced scoring, no dropout and no z-loss.

    Fetches ``logits`` float32 [members, batch, targets, V], ``loss`` [members], ``nats`` float32
    [members, batch], summed over each target's tokens, and, with a prompt, ``gradient`` float32
    [members, L, E] of each loss.
    """
    sketch = Sketch.of(shapes, feeds)
    model = transformer_of(vocabulary_size)
    logits, losses = sketch.losses(model, tf.estimator.ModeKeys.EVAL, dtype)
    wanted = {"logits": logits, "loss": losses}
    if shapes.prompt_length:
        _, wanted["gradient"] = sketch.gradient(losses, shapes)

    def finish(fetches: Tensors, feeds: Tensors) -> Tensors:
        targets, logits = feeds["targets"], tf.cast(fetches["logits"], tf.float32)
        nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
        by_row = tf.reduce_sum(nats * tf.cast(targets > 0, tf.float32), axis=2)
        return {**fetches, "nats": by_row}

    return Plan(mesh=sketch.mesh, fetches=wanted, finish=finish)


def activation_plan(vocabulary_size: int, shapes: Shapes, dtype: Any, feeds: Tensors) -> Plan:
    """Which neurons of the decoder's feed-forward layers fire, teacher-forced, no dropout.

    Fetches ``activations`` float32 [layers, members, batch, targets, d_ff], what the activation
    function gives (the gate's, where the layer is gated), before any product with the other
    factor.
    """
    sketch = Sketch.of(shapes, feeds)
    model = transformer_of(vocabulary_size)
    seen = [
        _watch(layer)
        for layer in model.decoder.layer_stack.layers
        if isinstance(layer, transformer_layers.DenseReluDense)
    ]
    sketch.losses(model, tf.estimator.ModeKeys.EVAL, dtype)

    def finish(fetches: Tensors, feeds: Tensors) -> Tensors:
        layers = [tf.cast(fetches[str(number)], tf.float32) for number in range(len(seen))]
        return {"activations": tf.stack(layers)}

    by_layer = {str(number): tensor for number, (tensor,) in enumerate(seen)}
    return Plan(mesh=sketch.mesh, fetches=by_layer, finish=finish)


#: What plans a program of each kind.
PLANS: dict[str, Callable[[int, Shapes, Any, Tensors], Plan]] = {
    "update": update_plan,
    "decode": decode_plan,
    "score": score_plan,
    "activation": activation_plan,
}


def _watch(layer: Any) -> list[Any]:
    """The list that the layer's activation goes to once the layer is called."""
    given = layer.activation if isinstance(layer.activation, list) else [layer.activation]
    first = getattr(mtf, given[0]) if isinstance(given[0], str) else given[0]
    seen: list[Any] = []

    def watched(x: Any) -> Any:
        seen.append(first(x))
        return seen[-1]

    layer.activation = [watched, *given[1:]]
    return seen
