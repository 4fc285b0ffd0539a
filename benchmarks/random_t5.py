"""A T5 1.1 with seeded random weights as a Hugging Face folder, and inputs for it.

The weights come from NumPy's legacy generator, whose stream never changes, so that figures
computed with them elsewhere can be compared with. Their scales are T5's initial ones, times
`sharpness` in the queries and the cross attention's output: above 1, attention is peaked and
the decoder hangs on its input more, and float32 rounding is amplified more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.backends.mesh.folders.hf_folder import write_tensors
from spotfw.backends.mesh.folders.hf_names import T5Dimensions, Variable, hf_config, variables

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]

#: t5's own t5.1.1.small.gin.
SMALL = T5Dimensions(
    d_model=512,
    d_ff=1024,
    d_kv=64,
    num_heads=6,
    encoder_layers=8,
    decoder_layers=8,
    vocabulary_size=32128,
)
TWO_LAYER = T5Dimensions(
    d_model=64,
    d_ff=96,
    d_kv=16,
    num_heads=2,
    encoder_layers=2,
    decoder_layers=2,
    vocabulary_size=512,
)


@attrs.frozen(kw_only=True)
class Batch:
    """Ragged inputs and targets, padded with 0.

    Attributes:
      inputs: int32 [batch, length], each ending in 1.
      targets: int32 [batch, target length], each ending in 1.
      prompt: float32 [L, d_model].
    """

    inputs: Ids
    targets: Ids
    prompt: Floats


def write_folder(folder: Path, dims: T5Dimensions, seed: int, sharpness: float = 1.0) -> None:
    """Writes config.json, model.safetensors (a separate lm_head in it) and spiece.model.

    Args:
      folder: to make.
      dims: of the model.
      seed: of the weights.
      sharpness: see the module's text.
    """
    folder.mkdir(parents=True)
    random = np.random.RandomState(seed)
    table = list(variables(dims))

    def tensors() -> Iterator[tuple[str, Floats]]:
        for variable in table:
            yield variable.hf, _draw(random, variable, dims, sharpness)

    write_tensors(folder, {v.hf: v.hf_shape(dims) for v in table}, tensors())
    (folder / "config.json").write_text(json.dumps(hf_config(dims, "float32"), indent=2) + "\n")
    (folder / "spiece.model").write_bytes(vocabulary(dims.vocabulary_size - 112))


def _draw(
    random: np.random.RandomState, variable: Variable, dims: T5Dimensions, sharpness: float
) -> Floats:
    """A Hugging Face tensor with T5's initial scales, but for `sharpness`."""
    name, shape = variable.hf, variable.hf_shape(dims)
    drawn: Floats = random.standard_normal(shape).astype(np.float32)
    if "layer_norm" in name:
        return np.float32(1) + np.float32(0.1) * drawn
    if "relative_attention_bias" in name or name == "shared.weight":
        return drawn
    scale = shape[-1] ** -0.5  # the width that is summed over
    if name.endswith(".q.weight"):
        scale *= sharpness * dims.d_kv**-0.5
    elif name.endswith("EncDecAttention.o.weight"):
        scale *= sharpness
    elif name == "lm_head.weight":
        scale *= 3.0  # a spread of the logits as trained models have
    return drawn * np.float32(scale)


def vocabulary(pieces: int) -> bytes:
    """A sentencepiece model whose pieces are the three of T5 and words w3, w4, ..."""
    from sentencepiece import sentencepiece_model_pb2 as sentencepiece

    model = sentencepiece.ModelProto()
    model.trainer_spec.vocab_size = pieces
    model.trainer_spec.pad_id, model.trainer_spec.eos_id = 0, 1
    model.trainer_spec.unk_id, model.trainer_spec.bos_id = 2, -1
    kinds = sentencepiece.ModelProto.SentencePiece
    special = {0: ("<pad>", kinds.CONTROL), 1: ("</s>", kinds.CONTROL), 2: ("<unk>", kinds.UNKNOWN)}
    for index in range(pieces):
        text, kind = special.get(index, (f"\u2581w{index}", kinds.NORMAL))
        model.pieces.add(piece=text, score=-float(index), type=kind)
    content: bytes = model.SerializeToString()
    return content


def batch(
    dims: T5Dimensions, seed: int, *, size: int, length: int, target_length: int, prompt_length: int
) -> Batch:
    """Random ids of random lengths, the first example full, and a prompt of word-like scale."""
    random = np.random.RandomState(seed)

    def ragged(most: int) -> Ids:
        ids = np.zeros((size, most), np.int32)
        for row in range(size):
            real = most if row == 0 else random.randint(2, most + 1)
            ids[row, : real - 1] = random.randint(3, dims.vocabulary_size, real - 1)
            ids[row, real - 1] = 1
        return ids

    inputs, targets = ragged(length), ragged(target_length)
    prompt = random.standard_normal((prompt_length, dims.d_model)).astype(np.float32)
    return Batch(inputs=inputs, targets=targets, prompt=prompt)
