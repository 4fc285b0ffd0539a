"""Reads the tensors of a Hugging Face folder; only safetensors, nothing is unpickled."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from spotfw.backends.mesh.folders.hf_folder import HFTensors
from spotfw.backends.mesh.folders.hf_names import leftover
from spotfw.backends.mesh.folders.weights import check_finite
from spotfw.errors import SpotError
from spotfw_torch.errors import ModelFolderError


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors by name, on the CPU, in the type they are stored in.

    They lie in the files' own pages, mapped: processes that open one folder have them in memory
    once. What is written into a tensor is this process's alone.

    Raises:
      ModelFolderError: there are none, a file is missing or damaged, or values are NaN or
        infinite.
    """
    try:
        stored = HFTensors(folder)
        opened = {path: safe_open(str(path), "pt") for path in {*stored.paths.values()}}
        tensors = {name: opened[path].get_tensor(name) for name, path in stored.paths.items()}
        for name, tensor in tensors.items():
            # NumPy has no bfloat16, and half a gigabyte need not be widened to be looked at.
            if not bool(tensor.isfinite().all()):
                check_finite(tensor.float().numpy(), name, str(folder))
        return tensors
    except SpotError as error:
        raise ModelFolderError(str(error)) from error
    except (SafetensorError, OSError, RuntimeError) as error:  # it was changed meanwhile
        raise ModelFolderError(f"The weights in {folder} cannot be read: {error}.") from error


def settled(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors without copies of the embedding table and what no T5 uses.

    A folder may hold the one table that all parts of a T5 share under a copy's name only.

    Raises:
      ModelFolderError: a copy differs from the table.
    """
    kept = {name: tensor for name, tensor in tensors.items() if leftover(name) is None}
    copies = {name: tensor for name, tensor in tensors.items() if leftover(name) == "copy"}
    if copies:
        shared = kept.setdefault("shared.weight", next(iter(copies.values())))
        for name, copy in copies.items():
            if copy.shape != shared.shape or not torch.equal(copy, shared):
                raise ModelFolderError(
                    f"The weights have a {name} that differs from shared.weight, and a T5 has one "
                    "embedding table for both stacks. Give the folder of a T5."
                )
    return kept
