"""T5 1.1's variables, as Mesh TensorFlow and as Hugging Face call and lay them out.

One table, `variables`, serves both directions of the conversion. A matrix that Mesh TF
stores [in, out] is stored [out, in] by Hugging Face; embeddings are alike in both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from spotfw.errors import SpotError

#: Mesh TF rounds the rows of an embedding table up to a multiple of this.
VOCABULARY_DIVISOR = 128
#: Where Mesh TF puts the last bucket of relative positions; it is not a setting there.
MAX_DISTANCE = 128
#: Mesh TF's epsilon in the layer norm; T5 never used another.
EPSILON = 1e-6

#: Number in a config.json -> its field of `T5Dimensions`, and the most it may be: some ten times
#: what the largest T5 has, so that a false number costs nothing.
_NUMBERS = {
    "d_model": ("d_model", 2**16),
    "d_ff": ("d_ff", 2**20),
    "d_kv": ("d_kv", 2**14),
    "num_heads": ("num_heads", 2**12),
    "num_layers": ("encoder_layers", 1000),
    "num_decoder_layers": ("decoder_layers", 1000),
    "vocab_size": ("vocabulary_size", 2**24),
    "relative_attention_num_buckets": ("buckets", 2**12),
}

#: Leftovers in Hugging Face folders: copies of `shared.weight`, and a table nothing reads.
_COPIES = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")
_UNUSED = ("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",)


@attrs.frozen(kw_only=True)
class T5Dimensions:
    """Sizes of a T5 1.1.

    Attributes:
      d_model: width of an embedding.
      d_ff: width inside the gated feed-forward layer.
      d_kv: width of an attention head.
      num_heads: attention heads.
      encoder_layers, decoder_layers: blocks of each stack.
      vocabulary_size: ids the model knows, without Mesh TF's padding rows.
      buckets: of relative positions.
    """

    d_model: int
    d_ff: int
    d_kv: int
    num_heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary_size: int
    buckets: int = 32

    @property
    def rows(self) -> int:
        """Rows of Mesh TF's embedding table: `vocabulary_size` rounded up to 128."""
        return -(-self.vocabulary_size // VOCABULARY_DIVISOR) * VOCABULARY_DIVISOR


@attrs.frozen
class Variable:
    """One trained tensor.

    Attributes:
      mesh, hf: its names.
      shape: in Mesh TF.
      transposed: whether Hugging Face stores it transposed.
      vocabulary_axis: axis of `shape` that has padding rows, or None.
    """

    mesh: str
    hf: str
    shape: tuple[int, ...]
    transposed: bool = False
    vocabulary_axis: int | None = None

    def hf_shape(self, dims: T5Dimensions) -> tuple[int, ...]:
        """The shape Hugging Face stores."""
        shape = list(self.shape)
        if self.vocabulary_axis is not None:
            shape[self.vocabulary_axis] = dims.vocabulary_size
        return tuple(reversed(shape)) if self.transposed else tuple(shape)


def variables(dims: T5Dimensions) -> Iterator[Variable]:
    """Every trained variable of a T5 1.1, in the order of its layers."""
    inner, rows = dims.num_heads * dims.d_kv, dims.rows
    yield Variable("shared/embedding", "shared.weight", (rows, dims.d_model), False, 0)
    for stack, layers in (("encoder", dims.encoder_layers), ("decoder", dims.decoder_layers)):
        kinds = ["SelfAttention", "DenseReluDense"]
        if stack == "decoder":
            kinds.insert(1, "EncDecAttention")
        for block in range(layers):
            for layer, kind in enumerate(kinds):
                mesh = f"{stack}/block_{block:03d}/layer_{layer:03d}"
                hf = f"{stack}.block.{block}.layer.{layer}"
                yield Variable(f"{mesh}/rms_norm/scale", f"{hf}.layer_norm.weight", (dims.d_model,))
                if kind == "DenseReluDense":
                    for name, shape in (
                        ("wi_0", (dims.d_model, dims.d_ff)),
                        ("wi_1", (dims.d_model, dims.d_ff)),
                        ("wo", (dims.d_ff, dims.d_model)),
                    ):
                        yield Variable(
                            f"{mesh}/{kind}/{name}/kernel",
                            f"{hf}.{kind}.{name}.weight",
                            shape,
                            True,
                        )
                    continue
                for name in "qkvo":
                    shape = (inner, dims.d_model) if name == "o" else (dims.d_model, inner)
                    yield Variable(
                        f"{mesh}/{kind}/{name}", f"{hf}.{kind}.{name}.weight", shape, True
                    )
                if block == 0 and kind == "SelfAttention":
                    name = "relative_attention_bias"
                    yield Variable(
                        f"{mesh}/{kind}/{name}",
                        f"{hf}.{kind}.{name}.weight",
                        (dims.num_heads, dims.buckets),
                        True,
                    )
        yield Variable(
            f"{stack}/rms_norm/scale", f"{stack}.final_layer_norm.weight", (dims.d_model,)
        )
    yield Variable("decoder/logits/kernel", "lm_head.weight", (dims.d_model, rows), True, 1)


def canonical(name: str) -> str:
    """A Mesh TF variable's name as this version writes it: older ones said `layer_norm`."""
    return re.sub(r"(^|/)(final_)?layer_norm/scale$", r"\1rms_norm/scale", name)


def dimensions_of_shapes(shapes: Mapping[str, tuple[int, ...]], where: str) -> T5Dimensions:
    """The dimensions of a Mesh TF checkpoint, from its trained variables' shapes.

    Args:
      shapes: Mesh TF name -> shape.
      where: the folder, for the error.

    Raises:
      SpotError: it is not a T5 1.1 (gated feed-forward layers and a separate softmax).
    """
    shapes = {canonical(name): shape for name, shape in shapes.items()}

    def layers(stack: str) -> int:
        block_name = re.compile(rf"{stack}/block_(\d+)/")
        return 1 + max((int(m[1]) for name in shapes if (m := block_name.match(name))), default=-1)

    first = "encoder/block_000"
    attention, dense = f"{first}/layer_000/SelfAttention", f"{first}/layer_001/DenseReluDense"
    try:
        rows, d_model = shapes["shared/embedding"]
        num_heads, buckets = shapes[f"{attention}/relative_attention_bias"]
        _, inner = shapes[f"{attention}/q"]
        _, d_ff = shapes[f"{dense}/wi_0/kernel"]
        _ = shapes["decoder/logits/kernel"]
    except (KeyError, ValueError) as error:
        raise SpotError(
            f"The checkpoint in {where} is not a T5 1.1: it has no usable variable {error}. "
            "Only T5 1.1 is supported, whose feed-forward layers are gated and whose softmax "
            "is separate from the embeddings (t5.1.1.*, also the lm100k ones)."
        ) from error
    return T5Dimensions(
        d_model=d_model,
        d_ff=d_ff,
        d_kv=inner // num_heads,
        num_heads=num_heads,
        encoder_layers=layers("encoder"),
        decoder_layers=layers("decoder"),
        vocabulary_size=rows,
        buckets=buckets,
    )


def dimensions_of_config(config: Mapping[str, Any], where: str) -> T5Dimensions:
    """The dimensions in a Hugging Face config.json.

    Raises:
      SpotError: it is not a T5 1.1, or differs from T5 where Mesh TF has no setting.
    """

    def refuse(what: str) -> SpotError:
        return SpotError(
            f"The model in {where} cannot be converted: {what}. Only T5 1.1 is supported: "
            "model_type t5 or mt5, feed_forward_proj gated-gelu, and tie_word_embeddings or, since "
            "transformers 5, scale_decoder_outputs false (google/t5-v1_1-*, google/flan-t5-*, "
            "google/t5-*-lm-adapt, google/mt5-*)."
        )

    if config.get("tokenizer_class") == "ByT5Tokenizer":
        raise refuse("it is a ByT5, which reads bytes and has no sentencepiece vocabulary")
    wanted: dict[str, tuple[tuple[Any, ...], Any]] = {
        # setting: (values that will do, Hugging Face's default where the setting is absent)
        "model_type": (("t5", "mt5"), None),
        "feed_forward_proj": (("gated-gelu",), feed_forward_default(config)),
        "relative_attention_max_distance": ((MAX_DISTANCE,), MAX_DISTANCE),
        "layer_norm_epsilon": ((EPSILON,), EPSILON),
        "is_encoder_decoder": ((True,), True),
    }
    for setting, (accepted, default) in wanted.items():
        value = config.get(setting, default)
        if value not in accepted:
            raise refuse(f"its config.json has {setting} {value!r}, not {accepted[0]!r}")
    if scales_outputs(config):
        raise refuse(
            "its config.json has tie_word_embeddings True without scale_decoder_outputs "
            "False, as the original T5, whose outputs are scaled"
        )
    try:
        check_ids(config)
        return T5Dimensions(**sizes_of_config(config))
    except ValueError as error:
        raise refuse(str(error)) from error


def sizes_of_config(config: Mapping[str, Any]) -> dict[str, int]:
    """The sizes in a config.json by the names of `T5Dimensions`; of any T5.

    Raises:
      ValueError: a number is missing, not whole, or beyond what any T5 could have.
    """
    numbers = {"relative_attention_num_buckets": 32, **config}
    if numbers.get("num_decoder_layers") is None:
        numbers["num_decoder_layers"] = numbers.get("num_layers")
    for setting, (_, most) in _NUMBERS.items():
        value = numbers.get(setting)
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(
                f"its config.json has {setting} = {value!r:.40}, where a usable number is whole, "
                f"from 1 to {most:,}"
            )
    return {field: numbers[setting] for setting, (field, _) in _NUMBERS.items()}


def scales_outputs(config: Mapping[str, Any]) -> bool:
    """Whether a config.json is of a T5 that scales what goes into the output layer.

    Until transformers 5 that was what `tie_word_embeddings` said. From then on every T5 says
    it is tied, whether or not an output layer of its own is stored, and
    `scale_decoder_outputs` tells the kinds apart. An mT5 never scales. This is transformers'
    own reading, that of a null too.
    """
    if config.get("model_type") == "mt5":
        return False
    untied = config.get("tie_word_embeddings") is False
    return bool(config.get("scale_decoder_outputs", not untied))


def feed_forward_default(config: Mapping[str, Any]) -> str:
    """What transformers takes a `feed_forward_proj` for that config.json leaves out."""
    return "gated-gelu" if config.get("model_type") in ("mt5", "umt5") else "relu"


def check_ids(config: Mapping[str, Any]) -> None:
    """Refuses tokens for padding, the end and the begin of a target that are not T5's.

    Raises:
      ValueError: a config.json names others; the message is a clause.
    """
    for setting, id in (("pad_token_id", 0), ("eos_token_id", 1), ("decoder_start_token_id", 0)):
        value = config.get(setting)
        if value not in (None, id, [id]) or isinstance(value, bool):
            raise ValueError(f"its config.json has {setting} {value!r:.40}, not T5's {id}")


def hf_config(dims: T5Dimensions, dtype: str) -> dict[str, Any]:
    """A config.json that transformers loads a T5 1.1 of these dimensions with."""
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "d_ff": dims.d_ff,
        "d_kv": dims.d_kv,
        "d_model": dims.d_model,
        "decoder_start_token_id": 0,
        "dropout_rate": 0.1,
        "dtype": dtype,
        "eos_token_id": 1,
        "feed_forward_proj": "gated-gelu",
        "is_encoder_decoder": True,
        "layer_norm_epsilon": EPSILON,
        "model_type": "t5",
        "num_decoder_layers": dims.decoder_layers,
        "num_heads": dims.num_heads,
        "num_layers": dims.encoder_layers,
        "pad_token_id": 0,
        "relative_attention_max_distance": MAX_DISTANCE,
        "relative_attention_num_buckets": dims.buckets,
        "tie_word_embeddings": False,
        "use_cache": True,
        "vocab_size": dims.vocabulary_size,
    }


def leftover(name: str) -> str | None:
    """Says what a Hugging Face tensor is that no Mesh TF variable needs.

    Returns:
      ``"copy"`` of `shared.weight`, ``"unused"``, or None: it is unexpected.
    """
    return "copy" if name in _COPIES else "unused" if name in _UNUSED else None
