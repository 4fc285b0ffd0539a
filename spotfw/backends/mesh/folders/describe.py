"""Describes a model folder without building the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs

from spotfw import files
from spotfw.backends.mesh.folders import convert, hf_folder, hf_names, hf_tokenizer
from spotfw.backends.mesh.folders.checkpoint import Checkpoint, fingerprint
from spotfw.backends.mesh.folders.hf_model import HFModel


def describe(folder: str) -> dict[str, Any]:
    """Facts about a frozen model's folder, Mesh TF's or Hugging Face's.

    Returns:
      ``folder``, ``kind`` (``mesh`` or ``huggingface``), the dimensions, ``parameters``
      (padding rows not counted where known), ``rows`` of the embedding table, ``pieces`` of
      the vocabulary in the folder (None without one), ``dtype``, ``fingerprint``, and for a
      checkpoint ``step`` (None for Hugging Face's).

    Raises:
      SpotError: it is neither, is damaged, or is not a T5 1.1.
    """
    facts: dict[str, Any] = {"folder": folder}
    if convert.is_hf_folder(folder):
        config = hf_folder.read_json(Path(folder) / "config.json")
        dims = hf_names.dimensions_of_config(config, folder)
        tensors = hf_folder.HFTensors(Path(folder))
        facts |= {
            "kind": "huggingface",
            "step": None,
            "fingerprint": HFModel(folder).fingerprint,
        }
        facts["dtype"] = "/".join(sorted(set(tensors.dtypes.values())))
    else:
        checkpoint = Checkpoint(folder)
        dims = hf_names.dimensions_of_shapes(checkpoint.shapes, folder)
        facts |= {
            "kind": "mesh",
            "step": checkpoint.step,
            "fingerprint": fingerprint(checkpoint),
            "dtype": "/".join(
                sorted({variable.dtype for variable in checkpoint.variables.values()})
            ),
        }
    facts |= attrs.asdict(dims)
    facts["rows"] = dims.rows
    facts["parameters"] = convert.parameters(dims)
    vocabulary = files.join(folder, hf_tokenizer.VOCABULARY)
    local = not files.is_remote(folder) and files.exists(vocabulary)
    facts["pieces"] = hf_folder.pieces(Path(vocabulary)) if local else None
    return facts
