"""The vocabulary of a model's folder of either kind, without opening the model."""

from __future__ import annotations

from pathlib import Path

from spotfw.backends.mesh.folders import convert, hf_folder, hf_names
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.vocabulary import ModelVocabulary, open_vocabulary


def model_vocabulary(folder: str, path: str | None = None) -> ModelVocabulary:
    """The vocabulary of a model folder, or the file `path`, checked against the model."""
    if convert.is_hf_folder(folder):
        config = hf_folder.read_json(Path(folder) / "config.json")
        rows = hf_names.dimensions_of_config(config, folder).rows
    else:
        rows = hf_names.dimensions_of_shapes(Checkpoint(folder).shapes, folder).rows
    return open_vocabulary(folder, rows, path)
