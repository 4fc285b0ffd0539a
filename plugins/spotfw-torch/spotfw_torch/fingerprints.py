"""What names a model's weights: for a T5 1.1 the same as the Mesh engine's fingerprint."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from spotfw.backends.mesh.folders import hf_names
from spotfw.backends.mesh.folders.hf_folder import HFTensors, read_json
from spotfw.backends.mesh.folders.hf_model import HFModel
from spotfw.errors import SpotError


def fingerprint(folder: Path) -> str:
    """Of a Hugging Face folder.

    A T5 1.1's is that of the Mesh TF checkpoint which the folder converts to. Of another T5,
    which Mesh TF cannot hold, it is a sha256 over names, shapes and values of all tensors.

    Raises:
      SpotError: a file cannot be read.
    """
    try:
        hf_names.dimensions_of_config(read_json(folder / "config.json"), str(folder))
    except SpotError:
        return _of_tensors(HFTensors(folder))
    return HFModel(str(folder)).fingerprint


def _of_tensors(tensors: HFTensors) -> str:
    digest = hashlib.sha256()
    for name in sorted(n for n in tensors.shapes if hf_names.leftover(n) is None):
        digest.update(f"{name} {list(tensors.shapes[name])}\n".encode())
        digest.update(np.ascontiguousarray(tensors.read(name), "<f4").data)
    return digest.hexdigest()[:32]
