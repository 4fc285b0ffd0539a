"""The graphs run on a frozen model: one update, decoding, scoring, activations.

Each program is built for fixed shapes, once, in the engine's TensorFlow graph; all share
the same variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer_layers
from spotfw.backends.mesh.model import transformer_of
from spotfw.backends.mesh.optimizer import Rates, adafactor
from spotfw.backends.mesh.placement import LocalMesh
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


@attrs.frozen(kw_only=True)
class Program:
    """Place holders to feed and tensors to fetch, by name."""

    feeds: Mapping[str, Any]
    fetches: Mapping[str, Any]


@attrs.frozen(kw_only=True)
class _Sketch:
    """A Mesh TF graph under construction, with its ids imported."""

    mesh: Any
    feeds: dict[str, Any]
    inputs: Any
    targets: Any

    @classmethod
    def of(cls, shapes: Shapes, with_targets: bool) -> _Sketch:
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        rows = [mtf.Dimension(COHORT, shapes.members), mtf.Dimension("batch", shapes.batch)]

        def ids(name: str, length: int, in_front: int) -> tuple[Any, Any]:
            fed = tf.placeholder(tf.int32, [shapes.members, shapes.batch, length], name=name)
            # Place holders for the prompt: any id but 0, which Mesh TF takes as padding.
            padded = tf.pad(fed, [[0, 0], [0, 0], [in_front, 0]], constant_values=1)
            dims = mtf.Shape([*rows, mtf.Dimension("length", in_front + length)])
            return fed, mtf.import_fully_replicated(mesh, padded, dims, name=name)

        feeds = {}
        feeds["inputs"], inputs = ids("inputs", shapes.inputs, shapes.prompt_length)
        targets = None
        if with_targets:
            feeds["targets"], targets = ids("targets", shapes.targets, 0)
        return cls(mesh=mesh, feeds=feeds, inputs=inputs, targets=targets)

    def losses(self, model: Any, mode: str, dtype: Any) -> tuple[Any, Any]:
        """Logits, and each member's loss per real target token (padding not counted)."""
        logits, totals = model.call_simple(
            self.inputs, self.targets, compute_loss=True, mode=mode, variable_dtype=dtype
        )
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


@attrs.frozen(kw_only=True)
class Update:
    """The update of a cohort as Mesh TF's operations, to be lowered to any mesh."""

    mesh: Any
    feeds: Mapping[str, Any]
    losses: Any
    finite: Any
    updates: Sequence[Any]

    @classmethod
    def of(cls, vocabulary_size: int, shapes: Shapes, dtype: Any) -> Update:
        """Arguments as `update_program`'s."""
        sketch = _Sketch.of(shapes, with_targets=True)
        size = [shapes.members]
        kinds = {"seed": tf.int64, "step": tf.int64}
        fed = {name: tf.placeholder(kind, size, name=name) for name, kind in kinds.items()}
        for name in _RATES:
            fed[name] = tf.placeholder(tf.float32, size, name=name)
        model = transformer_of(vocabulary_size)
        _, losses = sketch.losses(model, tf.estimator.ModeKeys.TRAIN, dtype)
        prompts, gradient = sketch.gradient(losses, shapes)
        rates = Rates(**{name: of_members(sketch.mesh, fed[name], losses.shape) for name in _RATES})
        after, updates = adafactor(prompts, gradient, rates)
        finite = mtf.cwise(lambda x: tf.cast(tf.math.is_finite(x), tf.float32), [after])
        return cls(
            mesh=sketch.mesh,
            feeds={**sketch.feeds, **fed},
            losses=losses,
            finite=mtf.reduce_min(finite, output_shape=losses.shape),
            updates=updates,
        )


def of_members(mesh: Any, values: Any, shape: Any) -> Any:
    """A tf tensor [members] in Mesh TF."""
    return mtf.import_fully_replicated(mesh, values, shape)


def update_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """One Adafactor update of each prompt; nothing else of the model has a gradient.

    Feeds ``inputs`` int32 [members, batch, inputs], ``targets`` int32 [members, batch, targets],
    and [members] of ``seed`` and ``step`` int64, ``learning_rate``, ``weight_decay``, ``beta`` and
    ``going`` float32, see `Rates`. Fetches float32 [members] of ``loss``, nats per real target
    token, and of ``finite``, 1 where the updated prompt is numbers; and ``update``.

    Args:
      vocabulary_size: rows of the embedding table.
      shapes: what to compile for; `prompt_length` above 0.
      dtype: `mtf.VariableDType` of the frozen variables.
    """
    made = Update.of(vocabulary_size, shapes, dtype)
    mesh_impl = LocalMesh(made.feeds["seed"], made.feeds["step"])
    lowering = mtf.Lowering(made.mesh.graph, {made.mesh: mesh_impl}, autostack=False)
    update = tf.group([lowering.lowered_operation(op) for op in made.updates])
    of_each = {"loss": made.losses, "finite": made.finite}
    fetches = {name: lowering.export_to_tf_tensor(tensor) for name, tensor in of_each.items()}
    return Program(feeds=made.feeds, fetches={**fetches, "update": update})


def decode_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """Greedy decoding. Feeds ``inputs``; fetches ``ids`` int32 [members, batch, targets]."""
    sketch = _Sketch.of(shapes, with_targets=False)
    model = transformer_of(vocabulary_size)
    ids = model.decode(
        sketch.inputs,
        variable_dtype=dtype,
        beam_size=1,
        temperature=0.0,
        max_decode_length=shapes.targets,
    )
    lowering = mtf.Lowering(sketch.mesh.graph, {sketch.mesh: LocalMesh()}, autostack=False)
    return Program(feeds=sketch.feeds, fetches={"ids": lowering.export_to_tf_tensor(ids)})


def score_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """Teacher-forced scoring, no dropout and no z-loss.

    Feeds ``inputs`` and ``targets``; fetches ``logits`` float32 [members, batch, targets, V],
    ``loss`` [members], ``nats`` float32 [members, batch], summed over each target's tokens, and,
    with a prompt, ``gradient`` float32 [members, L, E] of each loss.
    """
    sketch = _Sketch.of(shapes, with_targets=True)
    model = transformer_of(vocabulary_size)
    logits, losses = sketch.losses(model, tf.estimator.ModeKeys.EVAL, dtype)
    wanted = {"logits": logits, "loss": losses}
    if shapes.prompt_length:
        _, wanted["gradient"] = sketch.gradient(losses, shapes)
    lowering = mtf.Lowering(sketch.mesh.graph, {sketch.mesh: LocalMesh()}, autostack=False)
    fetches = {name: lowering.export_to_tf_tensor(t) for name, t in wanted.items()}
    targets = sketch.feeds["targets"]
    logits = tf.cast(fetches["logits"], tf.float32)
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)
    fetches["nats"] = tf.reduce_sum(nats * tf.cast(targets > 0, tf.float32), axis=2)
    return Program(feeds=sketch.feeds, fetches=fetches)


def activation_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """Which neurons of the decoder's feed-forward layers fire, teacher-forced, no dropout.

    Feeds ``inputs`` and ``targets``; fetches ``activations`` float32
    [layers, members, batch, targets, d_ff], what the activation function gives (the gate's,
    where the layer is gated), before any product with the other factor.
    """
    sketch = _Sketch.of(shapes, with_targets=True)
    model = transformer_of(vocabulary_size)
    seen = [
        _watch(layer)
        for layer in model.decoder.layer_stack.layers
        if isinstance(layer, transformer_layers.DenseReluDense)
    ]
    sketch.losses(model, tf.estimator.ModeKeys.EVAL, dtype)
    lowering = mtf.Lowering(sketch.mesh.graph, {sketch.mesh: LocalMesh()}, autostack=False)
    activations = [tf.cast(lowering.export_to_tf_tensor(t), tf.float32) for (t,) in seen]
    return Program(feeds=sketch.feeds, fetches={"activations": tf.stack(activations)})


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
