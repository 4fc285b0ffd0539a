"""A T5's sizes and variants, read from Hugging Face's config.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spotfw.backends.mesh.folders.hf_folder import read_json
from spotfw.backends.mesh.folders.hf_names import (
    check_ids,
    feed_forward_default,
    scales_outputs,
    sizes_of_config,
)
from spotfw.errors import SpotError
from spotfw_torch.errors import ModelFolderError

#: A number in a config.json is below this, where no T5's own bound is known.
_MOST = 2**20
#: By config.json's model_type: FLAN-T5, LM-adapted ones and ByT5 are called t5 too.
_FAMILIES = ("t5", "mt5", "umt5")
_ACTIVATIONS = {"relu": "relu", "gelu_new": "gelu_new", "gelu": "gelu_new"}


@attrs.frozen(kw_only=True)
class Dimensions:
    """Sizes and variants of a T5.

    Attributes:
      d_model: width of an embedding, the E of a prompt [L, E].
      d_ff: width inside the feed-forward layer.
      d_kv: width of an attention head.
      num_heads: attention heads.
      encoder_layers, decoder_layers: blocks of each stack.
      vocabulary_size: rows of the embedding table.
      buckets, max_distance: of relative positions.
      epsilon: of the RMS norm.
      gated: whether the feed-forward layer has a gate (T5 1.1).
      activation: ``gelu_new`` or ``relu``, of the gate where there is one.
      scaled_output: whether the decoder's output is times d_model**-0.5 before the head, as
        in the original T5.
      separate_head: whether the weights must hold a head; else the embedding table is the
        head unless they do.
      bias_in_every_block: whether each block has relative positions of its own (umT5), not
        only the first, whose positions the others share.
    """

    d_model: int
    d_ff: int
    d_kv: int
    num_heads: int
    encoder_layers: int
    decoder_layers: int
    vocabulary_size: int
    buckets: int = 32
    max_distance: int = 128
    epsilon: float = 1e-6
    gated: bool = True
    activation: str = "gelu_new"
    scaled_output: bool = False
    separate_head: bool = False
    #: Not in the repr, which runs record: theirs is that of a time without it.
    bias_in_every_block: bool = attrs.field(default=False, repr=False)


def read_dimensions(folder: Path) -> Dimensions:
    """The dimensions in a folder's config.json.

    Raises:
      ModelFolderError: it cannot be read or describes no T5 that this engine computes.
    """
    path = folder / "config.json"
    try:
        config = read_json(path)
    except SpotError as error:
        raise ModelFolderError(
            f"{error} The folder of a Hugging Face T5 holds config.json and its safetensors."
        ) from error
    try:
        return _dimensions(config)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelFolderError(
            f"The model in {folder} is no T5 that can be run: {error}. Give an encoder-decoder "
            "T5 with plain or gated ReLU or GELU feed-forward layers."
        ) from error


def _dimensions(config: Mapping[str, Any]) -> Dimensions:
    family = config.get("model_type", "t5")
    if family not in _FAMILIES or not config.get("is_encoder_decoder", True):
        raise ValueError(f"its config.json says model_type {family!r}")
    check_ids(config)
    feed_forward = str(config.get("feed_forward_proj", feed_forward_default(config)))
    gated = feed_forward.startswith("gated-")
    name = feed_forward.removeprefix("gated-")
    # "gated-gelu" has always meant the tanh form; an ungated "gelu" means the exact one.
    if name not in _ACTIVATIONS or (name == "gelu" and not gated):
        raise ValueError(f"its config.json has feed_forward_proj {feed_forward!r}")
    return Dimensions(
        **sizes_of_config(config),
        max_distance=_positive(config, "relative_attention_max_distance", 128, int),
        epsilon=_positive(config, "layer_norm_epsilon", 1e-6, float),
        gated=gated,
        activation=_ACTIVATIONS[name],
        scaled_output=scales_outputs(config),
        separate_head=config.get("tie_word_embeddings") is False,
        bias_in_every_block=family == "umt5",
    )


def _positive(config: Mapping[str, Any], setting: str, default: Any, kind: type) -> Any:
    value = config.get(setting, default)
    if type(value) not in (int, kind) or not 0 < value < _MOST:
        raise ValueError(f"its config.json has {setting} = {value!r:.40}")
    return kind(value)
