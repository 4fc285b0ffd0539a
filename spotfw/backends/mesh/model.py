"""Builds T5 with a soft prompt from T5's own gin files and Mesh TF's transformer.

There is one path from gin text to a model, `building`, used for tuning, scoring, decoding,
pre-training and conversion alike.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gin

from spotfw import files
from spotfw.backends.mesh.compat import mesh_tensorflow as mtf
from spotfw.backends.mesh.compat import t5_gin, tf, transformer, transformer_utils
from spotfw.backends.mesh.gin_text import MAX_CHARACTERS, model_gin
from spotfw.backends.mesh.layers import lean_layers
from spotfw.backends.mesh.prompted import PromptedEmbedding, loss_by_member
from spotfw.errors import SpotError

#: T5 1.1's configurations in the t5 library (paper 2.1), by size.
SIZES = ("tiny", "small", "base", "large", "xl", "xxl")

_T5_GIN = t5_gin()
_MESH_GIN = Path(transformer.__file__).parent / "gin"


def _inlined(path: Path) -> str:
    """The text of one of T5's gin files with the files it includes in their places.

    Gin itself logs an error for each folder it tries before it finds an include.
    """

    def included(match: re.Match[str]) -> str:
        return _inlined(_T5_GIN / match[1])

    return re.sub(r"^include ['\"](.+)['\"]$", included, path.read_text(), flags=re.MULTILINE)


def size_gin(size: str = "base", **macros: int) -> str:
    """Gin text of a T5 1.1 size.

    Args:
      size: one of `SIZES`.
      **macros: dimensions that differ: d_model, d_ff, d_kv, num_heads, num_layers.
    """
    texts = [_inlined(_MESH_GIN / "defaults.gin"), _inlined(_T5_GIN / f"models/t5.1.1.{size}.gin")]
    return "\n".join(texts + [f"{name} = {value}" for name, value in macros.items()]) + "\n"


def read_gin(folder: str, given: str | None = None) -> str:
    """The gin text of a model.

    Args:
      folder: the model's, with an ``operative_config.gin``.
      given: in its place, one of `SIZES` or a file.

    Raises:
      SpotError: there is no such file, or it is no text.
    """
    if given in SIZES:
        return size_gin(given)
    path = given or files.join(folder, "operative_config.gin")
    if not files.exists(path):
        raise SpotError(
            f"The model's configuration {path} does not exist. Put T5's operative_config.gin "
            "there, or name a size, e.g. --gin base."
        )
    try:
        text = files.read_bytes(path, MAX_CHARACTERS).decode()
    except UnicodeDecodeError as error:
        raise SpotError(
            f"The model's configuration {path} is not UTF-8 at byte {error.start + 1}. Take "
            "another copy of it, or name the model's size, e.g. --gin base."
        ) from error
    return model_gin(text, f"The model's configuration {path}")


@contextlib.contextmanager
def building(
    config: str,
    *,
    prompt_length: int = 0,
    members: int = 1,
    dropout: float = 0.0,
    z_loss: float = 1e-4,
    split_vocabulary: bool = True,
    split_width: bool = False,
    gradients: bool = True,
    lean: bool = True,
) -> Iterator[None]:
    """A context in which gin holds the model's configuration; restores what gin held before.

    Args:
      config: gin text, a size's (`size_gin`) or a checkpoint's operative config.
      prompt_length: tokens of the soft prompt, 0 for none.
      members: of the cohort, each with a prompt of its own.
      dropout: probability in every dropout of the model while training.
      z_loss: T5's auxiliary loss on the softmax normaliser, while training only.
      split_vocabulary: see `PromptedEmbedding`.
      split_width: whether `d_model` is laid over devices.
      gradients: whether any is asked for.
      lean: build the layers of fewer operations; see `lean_layers`.

    Raises:
      SpotError: the gin text cannot be parsed, or holds what is not allowed: see `gin_text`.
    """
    config = model_gin(config)
    before = gin.config_str()
    everywhere = {
        "DenseReluDense.dropout_rate": dropout,
        "SelfAttention.dropout_rate": dropout,
        "EncDecAttention.dropout_rate": dropout,
        "Unitransformer.z_loss": z_loss,
        # The sum over a member's tokens; programs divide by its count of real target tokens.
        "Unitransformer.loss_fn": f"@spotfw.{loss_by_member.__name__}",
        "Unitransformer.loss_denominator": 1.0,
    }
    overrides = [
        f"transformer.get_vocab_embedding_cls.cls = @spotfw.{PromptedEmbedding.__name__}",
        f"spotfw.PromptedEmbedding.prompt_length = {prompt_length}",
        f"spotfw.PromptedEmbedding.members = {members}",
        f"spotfw.PromptedEmbedding.split_vocabulary = {split_vocabulary}",
        f"dropout_rate = {dropout}",
        f"transformer.sublayer_dropout.dropout_rate = {dropout}",
        # A checkpoint's operative config binds these in scopes, which win over plain names.
        *(
            f"{scope}{name} = {value}"
            for name, value in everywhere.items()
            for scope in ("", "encoder/", "decoder/")
        ),
    ]
    with gin.unlock_config():
        gin.clear_config()
        try:
            try:
                gin.parse_config(config, skip_unknown=True)
            except (ValueError, SyntaxError, OSError) as error:
                what = " ".join(str(error).split())
                raise SpotError(
                    f"The model's gin configuration cannot be read: {what}. "
                    "Give the operative_config.gin of a T5 1.1 checkpoint."
                ) from error
            gin.parse_config(overrides + _legacy_dropout(dropout))
            with lean_layers(split_width, gradients) if lean else contextlib.nullcontext():
                yield
        finally:
            gin.clear_config()
            if before.strip():
                gin.parse_config(before, skip_unknown=True)


def _legacy_dropout(rate: float) -> list[str]:
    """Bindings of dropout for stacks that older checkpoints' configurations describe.

    A stack with a `norm_epsilon` of its own also has its own dropout rate, and uses no other.
    """
    bindings = []
    for scope in ("", "encoder/", "decoder/"):
        try:
            legacy = gin.query_parameter(f"{scope}LayerStack.norm_epsilon") is not None
        except ValueError:  # not bound
            continue
        if legacy:
            bindings.append(f"{scope}LayerStack.dropout_rate = {rate}")
    return bindings


def transformer_of(vocabulary_size: int) -> Any:
    """Mesh TF's `Bitransformer` as gin says; call it within `building`.

    Args:
      vocabulary_size: rows of the embedding table, sentinels counted; Mesh TF rounds up to
        a multiple of 128.
    """
    return transformer_utils.build_model(
        model_type="bitransformer",
        input_vocab_size=vocabulary_size,
        output_vocab_size=vocabulary_size,
    )


def operative_config(config: str, vocabulary_size: int) -> str:
    """The flat gin text of a model in T5's own layout, as t5 writes it beside a checkpoint.

    Args:
      config: gin text with or without includes.
      vocabulary_size: rows of the embedding table.
    """
    # Mesh TF's own layers, since gin notes the parameters of what is called.
    with building(config, lean=False), tf.Graph().as_default():
        model = transformer_of(vocabulary_size)
        mesh = mtf.Mesh(mtf.Graph(), "mesh")
        dims = mtf.Shape([mtf.Dimension("batch", 1), mtf.Dimension("length", 8)])
        ids = mtf.zeros(mesh, dims, dtype=tf.int32)
        model.call_simple(ids, ids, compute_loss=True)
        text: str = gin.operative_config_str()
    # What `building` overrides is this project's business, not the model's.
    ours = ("loss_denominator", "loss_fn", "PromptedEmbedding", "spotfw")
    lines = [line for line in text.splitlines() if not any(name in line for name in ours)]
    return "\n".join(lines) + "\n"
