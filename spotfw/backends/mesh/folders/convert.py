"""Converts a T5 1.1 between Hugging Face's folder and Mesh TensorFlow's, and back, exactly.

Both ways stream: one tensor at a time is read, transposed and written, so that XXL needs no
more memory than its largest tensors. The destination appears whole or not at all.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw import files
from spotfw.backends.mesh.folders import hf_names
from spotfw.backends.mesh.folders.checkpoint import (
    Checkpoint,
    fingerprint,
    write_checkpoint,
)
from spotfw.backends.mesh.folders.hf_folder import MAX_VOCABULARY, write_tensors
from spotfw.backends.mesh.folders.hf_model import HFModel
from spotfw.backends.mesh.folders.hf_tokenizer import VOCABULARY, tokenizer_notes
from spotfw.backends.mesh.folders.weights import check_finite, check_variables
from spotfw.errors import SpotError, WrongUse
from spotfw.reading import MOST_JSON, parse_json

#: In a Mesh TF folder: the config.json it was converted from, for the way back.
ORIGIN = "hf_config.json"

#: Called as each tensor is read with (tensors done, tensors in all).
Progress = Callable[[int, int], None]


@attrs.frozen(kw_only=True)
class Converted:
    """What a conversion made.

    Attributes:
      folder: the destination.
      kind: ``mesh`` or ``huggingface``, of the destination.
      dimensions: of the model.
      parameters: trained parameters, without padding rows.
      fingerprint: of the weights as a Mesh TF checkpoint.
      notes: what a user of the model must know, a paragraph each; usually empty.
    """

    folder: str
    kind: str
    dimensions: hf_names.T5Dimensions
    parameters: int
    fingerprint: str
    notes: tuple[str, ...] = ()


def convert(
    src: str, dst: str, dtype: str = "float32", progress: Progress | None = None
) -> Converted:
    """Converts a model folder to the other kind, whichever `src` is.

    Args:
      src: a Hugging Face T5 1.1 folder (local), or a Mesh TF checkpoint folder (local or
        ``gs://``).
      dst: a folder that does not exist or is empty.
      dtype: what to write: ``float32``, or ``bfloat16`` (rounded).
      progress: called as each tensor is read.

    Raises:
      SpotError: `src` is not a T5 1.1, is incomplete or damaged; `dst` is not empty or cannot be
        written.
    """
    if is_hf_folder(src):
        return hf_to_mesh(src, dst, dtype, progress)
    return mesh_to_hf(src, dst, dtype, progress)


def is_hf_folder(folder: str) -> bool:
    """Whether a folder is Hugging Face's and not a Mesh TF checkpoint's."""
    return not files.is_remote(folder) and (Path(folder) / "config.json").exists()


def hf_to_mesh(
    src: str, dst: str, dtype: str = "float32", progress: Progress | None = None
) -> Converted:
    """Converts a Hugging Face T5 1.1 folder to a Mesh TF checkpoint folder.

    Writes ``model.ckpt-0.*``, ``checkpoint``, T5's ``operative_config.gin``, ``spiece.model``
    where `src` has one, and ``hf_config.json``. Embedding rows up to Mesh TF's multiple of
    128 are zeros. Arguments and errors as `convert`'s.
    """
    _check_dtype(dtype)
    if files.is_remote(src):
        raise WrongUse(f"A Hugging Face folder must be local, but {src} is not: copy it here.")
    source = HFModel(src)
    notes = tuple(tokenizer_notes(source.folder))
    dims = source.dimensions

    def stream() -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for done, name in enumerate(source.shapes, 1):
            value = source.read(name)
            if progress:
                progress(done, len(source.shapes))
            yield name, np.ascontiguousarray(value, dtype=_numpy_type(dtype))

    with files.new_folder(dst) as folder:
        gin = gin_config(dims).encode()
        files.write_atomically(files.join(folder, "operative_config.gin"), gin)
        for name, copied in (("config.json", ORIGIN), (VOCABULARY, VOCABULARY)):
            if (source.folder / name).exists():
                content = files.read_bytes(source.folder / name)
                files.write_atomically(files.join(folder, copied), content)
        write_checkpoint(str(folder), 0, stream())
        digest = fingerprint(str(folder))
    return Converted(
        folder=dst,
        kind="mesh",
        dimensions=dims,
        parameters=parameters(dims),
        fingerprint=digest,
        notes=notes,
    )


def mesh_to_hf(
    src: str, dst: str, dtype: str = "float32", progress: Progress | None = None
) -> Converted:
    """Converts a Mesh TF checkpoint folder of a T5 1.1 to a Hugging Face folder.

    Writes ``config.json``, ``model.safetensors`` (over 5 GB: shards and their index) and
    ``spiece.model`` where `src` has one. A folder that `hf_to_mesh` wrote gives back the
    original's config.json and tensors. Arguments and errors as `convert`'s.
    """
    _check_dtype(dtype)
    if files.is_remote(dst):
        raise WrongUse(f"A Hugging Face folder must be local, but {dst} is not: give a local one.")
    checkpoint = Checkpoint(src)
    dims = hf_names.dimensions_of_shapes(checkpoint.shapes, src)
    config = _origin(src, dims)
    if config is None:
        config = hf_names.hf_config(dims, dtype)
    else:
        dims = attrs.evolve(dims, vocabulary_size=int(config["vocab_size"]))
        config = {**config, "torch_dtype" if "torch_dtype" in config else "dtype": dtype}
    table = list(hf_names.variables(dims))
    stored = {hf_names.canonical(name): name for name in checkpoint.variables}
    check_variables(
        {variable.mesh: variable.shape for variable in table},
        {name: checkpoint.shapes[stored[name]] for name in stored},
        checkpoint.prefix,
    )

    def stream() -> Iterator[tuple[str, npt.NDArray[Any]]]:
        for done, variable in enumerate(table, 1):
            value = checkpoint.read(stored[variable.mesh])
            check_finite(value, variable.mesh, checkpoint.prefix)
            if variable.vocabulary_axis is not None:
                value, rest = np.split(value, [dims.vocabulary_size], variable.vocabulary_axis)
                if rest.any():
                    raise SpotError(
                        f"The variable {variable.mesh} of {checkpoint.prefix} has weights "
                        f"beyond the {dims.vocabulary_size} ids that {ORIGIN} describes. Remove "
                        f"that file to convert all {dims.rows} rows."
                    )
            if progress:
                progress(done, len(table))
            yield variable.hf, value.T if variable.transposed else value

    with files.new_folder(dst) as folder:
        shapes = {variable.hf: variable.hf_shape(dims) for variable in table}
        write_tensors(folder, shapes, stream(), dtype)
        if files.exists(files.join(src, VOCABULARY)):
            vocabulary = files.read_bytes(files.join(src, VOCABULARY), MAX_VOCABULARY)
            files.write_atomically(folder / VOCABULARY, vocabulary)
        files.write_atomically(folder / "config.json", json.dumps(config, indent=2).encode())
    return Converted(
        folder=dst,
        kind="huggingface",
        dimensions=dims,
        parameters=parameters(dims),
        fingerprint=fingerprint(checkpoint),
    )


def parameters(dims: hf_names.T5Dimensions) -> int:
    """Number of trained parameters, without Mesh TF's padding rows."""
    return sum(math.prod(variable.hf_shape(dims)) for variable in hf_names.variables(dims))


@functools.cache  # building the graph that gin's text comes from takes a second
def gin_config(dims: hf_names.T5Dimensions) -> str:
    """T5's own gin configuration of a model, flat, as t5 writes it beside a checkpoint."""
    from spotfw.backends.mesh import model

    text = model.size_gin(
        "base",
        d_model=dims.d_model,
        d_ff=dims.d_ff,
        d_kv=dims.d_kv,
        num_heads=dims.num_heads,
        num_layers=dims.encoder_layers,
    )
    if dims.decoder_layers != dims.encoder_layers:
        text += f"decoder/transformer.make_layer_stack.num_layers = {dims.decoder_layers}\n"
    if dims.buckets != hf_names.T5Dimensions.__attrs_attrs__.buckets.default:
        text += f"SelfAttention.relative_attention_num_buckets = {dims.buckets}\n"
    return model.operative_config(text, dims.vocabulary_size)


def _check_dtype(dtype: str) -> None:
    if dtype not in ("float32", "bfloat16"):
        raise WrongUse(f"Weights are written as float32 or bfloat16, not as {dtype!r}.")


def _numpy_type(dtype: str) -> npt.DTypeLike:
    import ml_dtypes

    return ml_dtypes.bfloat16 if dtype == "bfloat16" else np.float32


def _origin(src: str, dims: hf_names.T5Dimensions) -> dict[str, Any] | None:
    """The config.json this checkpoint was converted from, where it still fits."""
    path = files.join(src, ORIGIN)
    if not files.exists(path):
        return None
    try:
        config: dict[str, Any] = parse_json(files.read_bytes(path, MOST_JSON))
        described = hf_names.dimensions_of_config(config, src)
    except (ValueError, AttributeError, TypeError) as error:
        raise SpotError(
            f"The file {ORIGIN} in {src} cannot be read: {error}. It only serves to give the "
            "original config.json back: remove it to convert without."
        ) from error
    if attrs.evolve(described, vocabulary_size=described.rows) != dims:
        raise SpotError(
            f"The file {ORIGIN} in {src} describes {described}, but the checkpoint has {dims}. It "
            "belongs to another model: remove it to convert without."
        )
    return config
