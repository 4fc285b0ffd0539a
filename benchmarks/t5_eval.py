"""t5's own `MtfModel.eval` of checkpoints that hold a prompt, in a process that knows no spotfw.

``python -m benchmarks.t5_eval FOLDER ROWS LENGTH BATCH STEP ...`` writes scores as JSON to stdout.

A prompt gets into t5's model by the one place that gin has for it, the class that turns ids into
embeddings; the inputs carry as many place holders in front. All else is t5's: its estimator, its
checkpoints of all weights, its decoding, its metric.
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any

#: The variable of the prompt in a checkpoint, float32 [L, d_model].
PROMPT = "shared/prompt"

#: t5's eval takes them from the checkpoint too, and none of both is used.
STEP = "global_step"


def main(folder: str, rows: str, length: str, batch: str, *steps: str) -> None:
    """Evaluates checkpoints.

    Args:
      folder: with ``model.ckpt-STEP.*``, ``operative_config.gin`` and ``spiece.model``.
      rows: JSON lines with ``inputs`` and ``targets``, the validation split.
      length: prompt tokens.
      batch: rows decoded at once.
      *steps: of the checkpoints.
    """
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # nothing that a library prints comes between
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    _shims()
    _register(Path(folder, "spiece.model"), Path(rows), int(length))
    Path(folder, "eval").mkdir()  # which t5 does not make
    scores: dict[int, float] = {}
    _model(folder, int(length), int(batch)).eval(
        "measured", checkpoint_steps=list(map(int, steps)), summary_dir=f"{folder}/eval"
    )
    import tensorflow.compat.v1 as tf

    for file in tf.io.gfile.glob(f"{folder}/eval/events*"):
        for event in tf.train.summary_iterator(file):
            for value in event.summary.value:
                scores[event.step] = value.simple_value
    print(json.dumps(scores), file=out, flush=True)


def _shims() -> None:
    """What Mesh TF 0.1.21 and t5 0.9.4 need to be imported; see the docs of spotfw's engine."""
    from tensorflow.python.framework import ops, tensor_conversion_registry

    ops.register_tensor_conversion_function = (
        tensor_conversion_registry.register_tensor_conversion_function
    )
    # Imports PyTorch and transformers, for another kind of model.
    absent: Any = types.ModuleType("t5.models.hf_model")
    absent.HfPyTorchModel = None
    sys.modules["t5.models.hf_model"] = absent


def _register(vocabulary: Path, rows: Path, length: int) -> None:
    """Makes the rows a task of seqio, ``measured``."""
    import seqio
    import t5.evaluation.metrics
    import tensorflow as tf

    def read(split: str, shuffle_files: bool, seed: Any = None) -> Any:
        columns: dict[str, list[str]] = {"inputs": [], "targets": []}
        for line in rows.read_text().splitlines():
            for name, text in json.loads(line).items():
                columns[name].append(text)
        return tf.data.Dataset.from_tensor_slices(columns)

    def behind_place_holders(example: dict[str, Any]) -> dict[str, Any]:
        # Any id but 0, which Mesh TF takes as padding.
        held = tf.ones([length], example["inputs"].dtype)
        return {**example, "inputs": tf.concat([held, example["inputs"]], 0)}

    pieces = seqio.SentencePieceVocabulary(str(vocabulary), extra_ids=_sentinels(vocabulary))
    feature = seqio.Feature(pieces, add_eos=True)
    seqio.TaskRegistry.add(
        "measured",
        source=seqio.FunctionDataSource(read, splits=["validation"]),
        preprocessors=[
            seqio.preprocessors.tokenize,
            seqio.preprocessors.append_eos,
            lambda rows: rows.map(behind_place_holders),
        ],
        output_features={"inputs": feature, "targets": feature},
        metric_fns=[t5.evaluation.metrics.accuracy],
    )


def _sentinels(vocabulary: Path) -> int:
    """So many as fill the table's rows, a multiple of 128."""
    from sentencepiece import SentencePieceProcessor

    return -SentencePieceProcessor(model_file=str(vocabulary)).vocab_size() % 128


def _model(folder: str, length: int, batch: int) -> Any:
    """t5's model, whose embedding class puts the prompt in front."""
    import gin
    import mesh_tensorflow as mtf
    import t5.models
    import tensorflow.compat.v1 as tf
    from mesh_tensorflow.transformer import transformer

    @gin.configurable(module="measured")
    class Prompted(transformer.VocabEmbedding):  # type: ignore[misc]
        """In the encoder the first embeddings [batch, length, d_model] are the prompt."""

        def __init__(self, mesh: Any, *given: Any, **named: Any) -> None:
            super().__init__(mesh, *given, **named)
            dims = [mtf.Dimension("prompt", length), self._output_dim]
            self._prompt = mtf.get_variable(
                mesh, PROMPT.rpartition("/")[2], mtf.Shape(dims), dtype=tf.float32
            )

        def ids_to_embedding(self, ids: Any, context: Any) -> Any:
            if context.model.name != "encoder":
                return super().ids_to_embedding(ids, context)
            *rows, all_ids = ids.shape.dims
            text = mtf.slice(ids, length, all_ids.size - length, all_ids.name)
            dim = self._prompt.shape.dims[0]
            prompt = mtf.broadcast(self._prompt, mtf.Shape([*rows, dim, self._output_dim]))
            prompt = mtf.replace_dimensions(prompt, dim, mtf.Dimension(all_ids.name, length))
            return mtf.concat([prompt, super().ids_to_embedding(text, context)], all_ids.name)

    return t5.models.MtfModel(
        model_dir=folder,
        tpu=None,
        batch_size=batch,
        model_parallelism=1,
        mesh_shape="",
        layout_rules="",
        mesh_devices=[""],
        extra_gin_bindings=[
            "transformer.get_vocab_embedding_cls.cls = @measured.Prompted",
            "utils.get_variable_dtype.master_dtype = 'float32'",  # as in the checkpoints
        ],
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
