"""Reads the tensors of a Hugging Face folder; only safetensors, nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import torch

from spotfw.backends.mesh.folders.hf_folder import HFTensors
from spotfw.errors import SpotError
from spotfw_torch.errors import ModelFolderError


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors by name, on the CPU, in the type they are stored in.

    Raises:
      ModelFolderError: there are none, a file is missing or damaged, or values are NaN or
        infinite.
    """
    try:
        stored = HFTensors(folder)
        return {
            name: torch.from_numpy(stored.read(name)).to(getattr(torch, stored.dtypes[name]))
            for name in stored.shapes
        }
    except SpotError as error:
        raise ModelFolderError(str(error)) from error
