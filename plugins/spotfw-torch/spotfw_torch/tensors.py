"""Reads the tensors of a Hugging Face folder; only safetensors, nothing is unpickled."""

from __future__ import annotations

import json
from pathlib import Path

import safetensors
import torch

from spotfw_torch.errors import ModelFolderError

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors by name, on the CPU, in the type they are stored in.

    Raises:
      ModelFolderError: there are none, or a file is missing or damaged.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in _files(folder):
        try:
            with safetensors.safe_open(str(path), framework="pt") as file:
                for name in file.keys():  # noqa: SIM118 - not a mapping
                    tensors[name] = file.get_tensor(name)
        except (safetensors.SafetensorError, OSError) as error:
            raise ModelFolderError(
                f"The file {path} cannot be read: {error}. It may be half downloaded or a Git "
                "LFS pointer: download it again."
            ) from error
    return tensors


def _files(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if not index.exists():
        if (folder / _WEIGHTS).exists():
            return [folder / _WEIGHTS]
        pickled = any(folder.glob("*.bin"))
        raise ModelFolderError(
            f"The folder {folder} has no {_WEIGHTS} and no {_INDEX}. "
            + (
                "Its weights lie in a pickle, which can run code when opened, so they are not "
                "read: save the model as safetensors first."
                if pickled
                else "Give the folder of a Hugging Face T5."
            )
        )
    try:
        names = sorted({*json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()})
        files = [folder / Path(name).name for name in names]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelFolderError(
            f"The index {index} has no weight_map: download it again."
        ) from error
    absent = [file.name for file in files if not file.exists()]
    if absent:
        raise ModelFolderError(
            f"The model in {folder} is incomplete: {', '.join(absent[:3])} named by {_INDEX} is "
            "not there. Download it again."
        )
    return files
