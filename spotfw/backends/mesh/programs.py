"""The graphs run on a frozen model: one update, decoding, scoring, activations.

Each program is built for fixed shapes, once, in the engine's TensorFlow graph; all share
the same variables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import tf, transformer_layers
from spotfw.backends.mesh.model import transformer_of
from spotfw.backends.mesh.optimizer import PromptAdafactor
from spotfw.backends.mesh.placement import LocalMesh


@attrs.frozen(kw_only=True)
class Shapes:
    """Shapes and settings that a program is compiled for.

    Attributes:
      batch: examples.
      inputs: text tokens of an input, the prompt not counted.
      targets: tokens of a target, or the most to decode.
      prompt_length: tokens of the prompt, 0 for none.
      dropout: while tuning.
    """

    batch: int
    inputs: int
    targets: int
    prompt_length: int
    dropout: float = 0.0

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
        batch = mtf.Dimension("batch", shapes.batch)

        def ids(name: str, length: int, in_front: int) -> tuple[Any, Any]:
            fed = tf.placeholder(tf.int32, [shapes.batch, length], name=name)
            # Place holders for the prompt: any id but 0, which Mesh TF takes as padding.
            padded = tf.pad(fed, [[0, 0], [in_front, 0]], constant_values=1)
            dims = mtf.Shape([batch, mtf.Dimension("length", in_front + length)])
            return fed, mtf.import_fully_replicated(mesh, padded, dims, name=name)

        feeds = {}
        feeds["inputs"], inputs = ids("inputs", shapes.inputs, shapes.prompt_length)
        targets = None
        if with_targets:
            feeds["targets"], targets = ids("targets", shapes.targets, 0)
        return cls(mesh=mesh, feeds=feeds, inputs=inputs, targets=targets)

    def loss(self, model: Any, mode: str, dtype: Any) -> tuple[Any, Any]:
        """Logits, and the loss per real target token (padding not counted)."""
        logits, total = model.call_simple(
            self.inputs, self.targets, compute_loss=True, mode=mode, variable_dtype=dtype
        )
        tokens = mtf.reduce_sum(mtf.cast(mtf.greater(self.targets, 0), tf.float32))
        return logits, mtf.cast(total, tf.float32) / mtf.maximum(tokens, 1.0)


def _prompt_variable(graph: Any, prompt_length: int) -> Any:
    (variable,) = [v for v in graph.all_variables if v.name.endswith(f"/prompt_{prompt_length}")]
    return variable


def update_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """One Adafactor update of the prompt; nothing else of the model has a gradient.

    Feeds ``inputs`` int32 [batch, inputs], ``targets`` int32 [batch, targets], ``seed`` and
    ``step`` int64, ``learning_rate``, ``weight_decay`` and ``decay_rate`` float32. Fetches
    ``loss`` (float32, nats per real target token) and ``update``.

    Args:
      vocabulary_size: rows of the embedding table.
      shapes: what to compile for; `prompt_length` above 0.
      dtype: `mtf.VariableDType` of the frozen variables.
    """
    sketch = _Sketch.of(shapes, with_targets=True)
    feeds = dict(sketch.feeds)
    for name, kind in (("seed", tf.int64), ("step", tf.int64)):
        feeds[name] = tf.placeholder(kind, [], name=name)
    for name in ("learning_rate", "weight_decay", "decay_rate"):
        feeds[name] = tf.placeholder(tf.float32, [], name=name)
    _, loss = sketch.loss(transformer_of(vocabulary_size), tf.estimator.ModeKeys.TRAIN, dtype)
    graph = sketch.mesh.graph
    prompt = _prompt_variable(graph, shapes.prompt_length)
    (gradient,) = mtf.gradients([loss], [prompt.outputs[0]])
    optimizer = PromptAdafactor(
        feeds["step"], feeds["learning_rate"], feeds["weight_decay"], feeds["decay_rate"]
    )
    updates = optimizer.apply_grads([gradient], [prompt])
    mesh_impl = LocalMesh(feeds["seed"], feeds["step"])
    lowering = mtf.Lowering(graph, {sketch.mesh: mesh_impl}, autostack=False)
    update = tf.group([lowering.lowered_operation(op) for op in updates])
    return Program(
        feeds=feeds, fetches={"loss": lowering.export_to_tf_tensor(loss), "update": update}
    )


def decode_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """Greedy decoding. Feeds ``inputs``; fetches ``ids`` int32 [batch, targets]."""
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

    Feeds ``inputs`` and ``targets``; fetches ``logits`` float32 [batch, targets, V],
    ``loss``, ``nats`` float32 [batch], summed over each target's tokens, and, with a prompt,
    ``gradient`` float32 [L, E] of the loss.
    """
    sketch = _Sketch.of(shapes, with_targets=True)
    model = transformer_of(vocabulary_size)
    logits, loss = sketch.loss(model, tf.estimator.ModeKeys.EVAL, dtype)
    wanted = {"logits": logits, "loss": loss}
    graph = sketch.mesh.graph
    if shapes.prompt_length:
        prompt = _prompt_variable(graph, shapes.prompt_length)
        (wanted["gradient"],) = mtf.gradients([loss], [prompt.outputs[0]])
    lowering = mtf.Lowering(graph, {sketch.mesh: LocalMesh()}, autostack=False)
    fetches = {name: lowering.export_to_tf_tensor(t) for name, t in wanted.items()}
    targets = sketch.feeds["targets"]
    nats = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, fetches["logits"])
    fetches["nats"] = tf.reduce_sum(nats * tf.cast(targets > 0, tf.float32), axis=1)
    return Program(feeds=sketch.feeds, fetches=fetches)


def activation_program(vocabulary_size: int, shapes: Shapes, dtype: Any) -> Program:
    """Which neurons of the decoder's feed-forward layers fire, teacher-forced, no dropout.

    Feeds ``inputs`` and ``targets``; fetches ``activations`` float32
    [layers, batch, targets, d_ff], what the activation function gives (the gate's, where the
    layer is gated), before any product with the other factor.
    """
    sketch = _Sketch.of(shapes, with_targets=True)
    model = transformer_of(vocabulary_size)
    seen = [
        _watch(layer)
        for layer in model.decoder.layer_stack.layers
        if isinstance(layer, transformer_layers.DenseReluDense)
    ]
    sketch.loss(model, tf.estimator.ModeKeys.EVAL, dtype)
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
