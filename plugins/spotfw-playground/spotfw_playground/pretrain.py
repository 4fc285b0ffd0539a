"""Pre-trains the bundled model: a small T5 1.1 on the world's text, by this project's code.

Span corruption first, then prefix LM (paper 2.1.1: T5 1.1 with LM adaptation). Mesh TF's
Adafactor with updates in proportion to each tensor's size, which T5's unscaled attention
needs; the embeddings start from co-occurrences, so that words of a kind are near each
other from the first step.

The second phase alone, from a checkpoint of the first, is what `spotfw models adapt` does, on text
that `spotfw-playground text` writes; the bundled weights come from one run of both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw_playground import vocabulary
from spotfw_playground.cooccurrence import embeddings_from_text
from spotfw_playground.corpus import documents
from spotfw_playground.objectives import prefix_lm, span_corruption
from spotfw_playground.seeds import stream

Ids = npt.NDArray[np.int32]

_REPORT_STEPS = 250


@attrs.frozen(kw_only=True)
class Recipe:
    """Settings of the pre-training.

    Attributes:
      d_model, d_ff, d_kv, num_heads, num_layers: dimensions (layers of each stack).
      corruption_steps, lm_steps: updates of each phase.
      batch: texts an update.
      inputs, targets: tokens kept.
      rate: highest relative rate; rises over `warmup` steps, then falls as a cosine to 2%.
      embedding_size: root mean square of the embeddings in the end (see `resized`).
      held_out: texts to report the loss on.
      seed: of everything.
    """

    d_model: int = 128
    d_ff: int = 256
    d_kv: int = 32
    num_heads: int = 4
    num_layers: int = 2
    corruption_steps: int = 500
    lm_steps: int = 5500
    batch: int = 64
    inputs: int = 40
    targets: int = 20
    rate: float = 0.02
    warmup: int = 300
    embedding_size: float = 12.0
    held_out: int = 960
    seed: int = 0

    @property
    def steps(self) -> int:
        """Updates of both phases."""
        return self.corruption_steps + self.lm_steps

    @classmethod
    def of_width(cls, d_model: int, **settings: Any) -> Recipe:
        """The recipe for a model of another width, in the bundled model's proportions.

        Args:
          d_model: a multiple of the number of heads; the bundled model's is 128.
          **settings: other than the recipe's.
        """
        heads = settings.get("num_heads", cls().num_heads)
        return cls(d_model=d_model, d_ff=2 * d_model, d_kv=d_model // heads, **settings)

    def shortened(self) -> Recipe:
        """The recipe with a tenth of the steps."""
        return attrs.evolve(
            self,
            corruption_steps=self.corruption_steps // 10,
            lm_steps=self.lm_steps // 10,
            warmup=self.warmup // 10,
        )

    def rate_at(self, step: int) -> float:
        """The rate of update `step` (from 0)."""
        done = max(0.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        cosine = 0.02 + 0.98 * 0.5 * (1 + float(np.cos(np.pi * done)))
        return self.rate * min(1.0, (step + 1) / self.warmup) * cosine


def pretrain(
    out: Path, recipe: Recipe | None = None, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Trains the vocabulary and the model; writes a Mesh TF and a Hugging Face folder.

    Args:
      out: a folder; gets ``mesh/`` (checkpoint) and ``huggingface/`` (bf16).
      recipe: settings.
      report: called with a line now and then.

    Returns:
      What was done: steps, seconds, held-out losses.
    """
    recipe = recipe or Recipe()
    began = time.perf_counter()
    mesh_folder = out / "mesh"
    mesh_folder.mkdir(parents=True, exist_ok=True)
    spiece = mesh_folder / "spiece.model"
    vocabulary.train(spiece, recipe.seed)
    text = Text(spiece, recipe)
    trainer = Trainer(recipe)
    trainer.set_embeddings(
        embeddings_from_text(text.encoded("embeddings", 60_000), vocabulary.ROWS, recipe.d_model)
    )
    report(f"vocabulary and embeddings after {time.perf_counter() - began:.0f} s")
    log: dict[str, Any] = {"recipe": attrs.asdict(recipe), "held_out": []}
    batches = text.batches("corruption")
    loss = 0.0
    for step in range(recipe.steps):
        if step == recipe.corruption_steps:
            batches = text.batches("lm")
        loss = 0.95 * loss + 0.05 * trainer.update(*next(batches), recipe.rate_at(step))
        if (step + 1) % _REPORT_STEPS == 0 or step + 1 in (1, recipe.steps):
            held = {kind: trainer.held_out(text, kind) for kind in ("corruption", "lm")}
            log["held_out"].append({"step": step + 1, **held})
            report(
                f"step {step + 1}: loss {loss:.3f}, held out "
                + ", ".join(f"{kind} {value:.3f}" for kind, value in held.items())
                + f", {time.perf_counter() - began:.0f} s"
            )
    log["seconds"] = round(time.perf_counter() - began)
    trainer.export(mesh_folder, out / "huggingface")
    (out / "log.json").write_text(json.dumps(log, indent=1))
    return log


def resized(
    values: dict[str, npt.NDArray[np.float32]], size: float
) -> dict[str, npt.NDArray[np.float32]]:
    """The same model with embeddings of root mean square `size`.

    Everything that is added up in T5's residual stream, embeddings and the outputs of each
    sublayer, is multiplied by one factor; the norms divide it out, so the model computes
    what it did. Prompts of released T5 1.1 models are tens in size, and the rate of
    0.3 with which prompts are learned (paper 2.1.4) is meant for those: beside embeddings
    of size 1 it overshoots.

    Args:
      values: variables by Mesh TF's names.
      size: wanted.
    """
    factor = size / float(np.sqrt((values["shared/embedding"] ** 2).mean()))
    added = ("shared/embedding", "Attention/o", "/wo/kernel")
    return {
        name: (value * factor).astype(np.float32) if name.endswith(added) else value
        for name, value in values.items()
    }


class Text:
    """Batches of the corpus."""

    def __init__(self, spiece: Path, recipe: Recipe) -> None:
        import sentencepiece

        self._encoder = sentencepiece.SentencePieceProcessor(model_file=str(spiece))
        self._recipe = recipe
        self._ends = frozenset(
            i
            for i in range(self._encoder.vocab_size())
            if self._encoder.id_to_piece(i)[-1] in ".?!"
        )

    def encoded(self, name: str, count: int) -> list[list[int]]:
        """The token ids of `count` documents of a stream of the corpus."""
        texts = documents(f"{self._recipe.seed} {name}")
        return [self._encoder.encode(next(texts)) for _ in range(count)]

    def batches(self, kind: str, name: str = "train") -> Iterator[tuple[Ids, Ids]]:
        """Endless (inputs, targets) of the objective ``corruption`` or ``lm``."""
        texts = documents(f"{self._recipe.seed} {name} {kind}")
        rng = stream("playground", "pretrain", self._recipe.seed, name, kind)
        size = self._recipe
        while True:
            inputs = np.zeros((size.batch, size.inputs), np.int32)
            targets = np.zeros((size.batch, size.targets), np.int32)
            for row in range(size.batch):
                ids = self._encoder.encode(next(texts))
                source, target = self._example(kind, ids, rng)
                inputs[row, : len(source)] = source[: size.inputs]
                targets[row, : len(target)] = target[: size.targets]
            yield inputs, targets

    def _example(self, kind: str, ids: list[int], rng: Random) -> tuple[list[int], list[int]]:
        if kind == "corruption":
            return span_corruption(ids, rng, vocabulary.ROWS)
        return prefix_lm(ids, rng, self._ends)


class Trainer:
    """Mesh TF's T5 with every weight trained, in one TensorFlow session."""

    def __init__(self, recipe: Recipe) -> None:
        from spotfw.backends.mesh import model
        from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
        from spotfw.backends.mesh.placement import LocalMesh
        from spotfw.tasks.seqio.compat import tf

        self._tf = tf
        self._recipe = recipe
        config = model.size_gin(
            "tiny",
            d_model=recipe.d_model,
            d_ff=recipe.d_ff,
            d_kv=recipe.d_kv,
            num_heads=recipe.num_heads,
            num_layers=recipe.num_layers,
        )
        graph = tf.Graph()
        with graph.as_default(), model.building(config):
            tf.set_random_seed(recipe.seed)
            mesh = mtf.Mesh(mtf.Graph(), "mesh")
            batch = mtf.Dimension("batch", recipe.batch)

            def ids(length: int) -> tuple[Any, Any]:
                fed = tf.placeholder(tf.int32, [recipe.batch, length])
                dims = mtf.Shape([batch, mtf.Dimension("length", length)])
                return fed, mtf.import_fully_replicated(mesh, fed, dims, name="ids")

            self._inputs, inputs = ids(recipe.inputs)
            self._targets, targets = ids(recipe.targets)
            self._rate = tf.placeholder(tf.float32, [])
            _, total = model.transformer_of(vocabulary.ROWS).call_simple(
                inputs,
                targets,
                compute_loss=True,
                mode=tf.estimator.ModeKeys.TRAIN,
                variable_dtype=mtf.VariableDType(tf.float32, tf.float32, tf.float32),
            )
            count = mtf.reduce_sum(mtf.cast(mtf.greater(targets, 0), tf.float32))
            loss = total / mtf.maximum(count, 1.0)
            variables = mesh.graph.trainable_variables
            gradients = mtf.gradients([loss], [v.outputs[0] for v in variables])
            step = tf.Variable(0.0, trainable=False, name="global_step")
            optimizer = mtf.optimize.AdafactorOptimizer(
                learning_rate=self._rate, decay_rate=1.0 - tf.pow(step + 1.0, -0.8)
            )
            updates = optimizer.apply_grads(gradients, variables)
            lowering = mtf.Lowering(mesh.graph, {mesh: LocalMesh()}, autostack=False)
            self._loss = lowering.export_to_tf_tensor(loss)
            done = [lowering.lowered_operation(update) for update in updates]
            self._update = tf.group(*done, step.assign_add(1.0))
            self._session = tf.Session(graph=graph)
            self._session.run(tf.global_variables_initializer())
            self._variables = {
                v.op.name: v
                for v in tf.global_variables()
                if "_slot_" not in v.op.name and v.op.name != "global_step"
            }

    def set_embeddings(self, values: npt.NDArray[np.float32]) -> None:
        """Starts the embedding table from `values` [ROWS, d_model]."""
        variable = self._variables["shared/embedding"]
        self._session.run(variable.initializer, {variable.initializer.inputs[1]: values})

    def update(self, inputs: Ids, targets: Ids, rate: float) -> float:
        """One update; returns the loss before it, in nats per target token."""
        feeds = {self._inputs: inputs, self._targets: targets, self._rate: rate}
        loss, _ = self._session.run([self._loss, self._update], feeds)
        return float(loss)

    def held_out(self, text: Text, kind: str) -> float:
        """The loss on texts never trained on, in nats per target token."""
        batches = text.batches(kind, "held out")
        losses = []
        for _ in range(self._recipe.held_out // self._recipe.batch):
            inputs, targets = next(batches)
            feeds = {self._inputs: inputs, self._targets: targets}
            losses.append(float(self._session.run(self._loss, feeds)))
        return float(np.mean(losses))

    def export(self, mesh_folder: Path, huggingface: Path) -> None:
        """Writes a Mesh TF checkpoint and, in bfloat16, a Hugging Face folder."""
        from spotfw.backends.mesh import model
        from spotfw.backends.mesh.folders import checkpoint, convert

        size = self._recipe
        values = resized(self._session.run(self._variables), size.embedding_size)
        config = model.size_gin(
            "tiny",
            d_model=size.d_model,
            d_ff=size.d_ff,
            d_kv=size.d_kv,
            num_heads=size.num_heads,
            num_layers=size.num_layers,
        )
        (mesh_folder / "operative_config.gin").write_text(
            model.operative_config(config, vocabulary.ROWS)
        )
        checkpoint.write_checkpoint(str(mesh_folder), size.steps, values.items())
        convert.mesh_to_hf(str(mesh_folder), str(huggingface), "bfloat16")
