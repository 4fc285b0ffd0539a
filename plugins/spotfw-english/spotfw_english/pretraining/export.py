"""A trained model as a folder in Hugging Face's layout, as `english` is released."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from spotfw import files
from spotfw_english.pretraining.model import PackedT5
from spotfw_english.pretraining.sizes import EOS, PAD, ModelSize


def export(model: PackedT5, vocabulary: Path, folder: Path) -> None:
    """Writes ``model.safetensors`` (bfloat16), both configurations and the vocabulary.

    The output layer is left out: it equals the embeddings, for its factor is put into the
    decoder's last norm.

    Args:
      model: to be written.
      vocabulary: its sentencepiece file.
      folder: to be made, whole or not at all.

    Raises:
      SpotError: the folder is there and not empty, or cannot be written.
    """
    tensors = {name: value.detach().cpu() for name, value in _hf_tensors(model)}
    data = {name: value.to(torch.bfloat16).contiguous() for name, value in tensors.items()}
    with files.new_folder(folder) as made:
        files.write_atomically(made / "model.safetensors", save(data, metadata={"format": "pt"}))
        files.write_atomically(made / "spiece.model", files.read_bytes(vocabulary))
        _write_json(made / "config.json", _config(model.size))
        ids = {"decoder_start_token_id": PAD, "eos_token_id": EOS, "pad_token_id": PAD}
        _write_json(made / "generation_config.json", ids)


def _hf_tensors(model: PackedT5) -> Iterator[tuple[str, Tensor]]:
    size = model.size
    yield "shared.weight", model.embeddings
    sides = (
        ("encoder", model.encoder, model.encoder_bias),
        ("decoder", model.decoder, model.decoder_bias),
    )
    for side, layers, bias in sides:
        attention = f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        yield attention, bias
        for number, layer in enumerate(layers):
            kinds = ["SelfAttention", "EncDecAttention"][: 1 + (side == "decoder")]
            parts = zip(kinds, (layer.attention, getattr(layer, "cross", None)), strict=False)
            for place, (kind, part) in enumerate(parts):
                name = f"{side}.block.{number}.layer.{place}"
                yield f"{name}.layer_norm.weight", layer.norms[place].weight
                yield f"{name}.{kind}.q.weight", part.queries * size.d_kv**-0.5
                yield f"{name}.{kind}.k.weight", part.keys_values[0]
                yield f"{name}.{kind}.v.weight", part.keys_values[1]
                yield f"{name}.{kind}.o.weight", part.out
            name = f"{side}.block.{number}.layer.{len(kinds)}"
            yield f"{name}.layer_norm.weight", layer.norms[-1].weight
            yield f"{name}.DenseReluDense.wi_0.weight", layer.feed.gate_up[0]
            yield f"{name}.DenseReluDense.wi_1.weight", layer.feed.gate_up[1]
            yield f"{name}.DenseReluDense.wo.weight", layer.feed.down
    yield "encoder.final_layer_norm.weight", model.encoder_norm.weight
    yield "decoder.final_layer_norm.weight", model.decoder_norm.weight * size.d_model**-0.5


def _config(size: ModelSize) -> dict[str, Any]:
    return {
        "architectures": ["T5ForConditionalGeneration"],
        "classifier_dropout": 0.0,
        "d_ff": size.d_ff,
        "d_kv": size.d_kv,
        "d_model": size.d_model,
        "decoder_start_token_id": PAD,
        "dense_act_fn": "gelu_new",
        "dropout_rate": 0.0,
        "dtype": "bfloat16",
        "eos_token_id": EOS,
        "feed_forward_proj": "gated-gelu",
        "initializer_factor": 1.0,
        "is_decoder": False,
        "is_encoder_decoder": True,
        "is_gated_act": True,
        "layer_norm_epsilon": 1e-06,
        "model_type": "t5",
        "num_decoder_layers": size.decoder_layers,
        "num_heads": size.heads,
        "num_layers": size.encoder_layers,
        "pad_token_id": PAD,
        "relative_attention_max_distance": size.distance,
        "relative_attention_num_buckets": size.buckets,
        "scale_decoder_outputs": False,
        "tie_word_embeddings": True,
        "use_cache": True,
        "vocab_size": size.vocabulary,
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    files.write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())
