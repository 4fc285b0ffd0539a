"""The folder of tuned weights: a Hugging Face model like that it was tuned from.

Beside it lies ``optimizer.safetensors``, from which a tuning goes on: Adafactor's moments, small
where they are factored, and how many updates they have seen.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.torch
import torch

from spotfw.backends.mesh.folders.hf_folder import read_json, write_tensors
from spotfw.errors import SpotError
from spotfw.reading import read_regular
from spotfw_torch.weight_adafactor import Moments, moment_shapes

OPTIMIZER = "optimizer.safetensors"
#: What an optimizer's file says of itself, before how many updates its moments have seen. One key,
#: for safetensors writes several in any order.
_KEY, _FORMAT = "format", "spotfw.adafactor/1 updates="
#: Bytes of a weight and of a moment: float32, whatever the products' type.
_WIDTH = 4
_VOCABULARIES = ("spiece.model", "sentencepiece.model", "t5.model", "spm.model")
#: What is copied beside weights where it is there. All else in a folder may be anything.
_COPIED = (
    *_VOCABULARIES,
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    "generation_config.json",
)


@attrs.frozen(eq=False)
class Optimizer:
    """Adafactor's state.

    Attributes:
      updates: that the moments have seen.
      moments: of each tensor, by its name; see `weight_adafactor.moment_shapes`.
    """

    updates: int
    moments: dict[str, Moments]

    @classmethod
    def new(
        cls, shapes: Mapping[str, tuple[int, ...]], factored_from: int, device: torch.device
    ) -> Optimizer:
        """Before the first update."""
        return cls(
            0,
            {
                name: {
                    moment: torch.zeros(size, device=device)
                    for moment, size in moment_shapes(shape, factored_from).items()
                }
                for name, shape in shapes.items()
            },
        )


def folder_bytes(shapes: Mapping[str, tuple[int, ...]], factored_from: int) -> int:
    """Bytes of the weights and moments of tensors of these shapes."""
    moments = [moment_shapes(shape, factored_from).values() for shape in shapes.values()]
    numbers = [*shapes.values(), *(size for sizes in moments for size in sizes)]
    return _WIDTH * sum(map(math.prod, numbers))


def write_folder(
    folder: Path,
    origin: Path,
    vocabulary: str | None,
    tensors: Mapping[str, torch.Tensor],
    optimizer: Optimizer,
) -> None:
    """Writes the folder's files.

    Args:
      folder: existing and empty; the caller makes it appear whole.
      origin: the folder tuned from, whose configuration and vocabulary are copied.
      vocabulary: a file that was named in place of the vocabulary in `origin`.
      tensors: by Hugging Face's names.
      optimizer: its state.

    Raises:
      SpotError: the disk is full or the folder cannot be written.
    """
    try:
        config = read_json(origin / "config.json")
        kind = "torch_dtype" if "torch_dtype" in config else "dtype"
        (folder / "config.json").write_text(json.dumps({**config, kind: "float32"}, indent=2))
        for name in _COPIED:
            if (origin / name).is_file():
                (folder / name).write_bytes(read_regular(origin / name))
        if vocabulary is not None:
            plain = "tokenizer.json" if vocabulary.endswith(".json") else _VOCABULARIES[0]
            shutil.copyfile(vocabulary, folder / plain)
        flat = {
            f"{moment}/{name}": values.cpu().contiguous()
            for name, moments in optimizer.moments.items()
            for moment, values in moments.items()
        }
        about = {_KEY: f"{_FORMAT}{optimizer.updates}"}
        safetensors.torch.save_file(flat, folder / OPTIMIZER, metadata=about)
        # safetensors lets only the owner read it; it is as the other files are.
        shutil.copymode(folder / "config.json", folder / OPTIMIZER)
    except (OSError, safetensors.SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise SpotError(
            f"The checkpoint {folder} cannot be written: {why}. Free disk space, then go on with "
            "--resume."
        ) from error
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    write_tensors(folder, shapes, _as_numpy(tensors))


def _as_numpy(
    tensors: Mapping[str, torch.Tensor],
) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    for name, tensor in tensors.items():
        yield name, tensor.detach().float().cpu().numpy()


def has_optimizer(folder: Path) -> bool:
    """Whether a folder has an optimizer's state."""
    return (folder / OPTIMIZER).is_file()


def read_optimizer(
    folder: Path,
    shapes: Mapping[str, tuple[int, ...]],
    factored_from: int,
    device: torch.device,
) -> Optimizer:
    """The optimizer's state in a folder.

    Raises:
      SpotError: it is damaged, or of other tensors or another factoring.
    """
    path = folder / OPTIMIZER
    moments: dict[str, Moments] = {}
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            about = (file.metadata() or {}).get(_KEY, "")
            updates = about.removeprefix(_FORMAT)
            if updates == about or not re.fullmatch("[0-9]{1,18}", updates):
                raise ValueError(f"its format is {about!r:.60}")
            for name, shape in shapes.items():
                moments[name] = {}
                for moment, size in moment_shapes(shape, factored_from).items():
                    value = file.get_tensor(f"{moment}/{name}")
                    if tuple(value.shape) != size or value.dtype != torch.float32:
                        raise ValueError(f"{moment} of {name} has the shape {list(value.shape)}")
                    if not torch.isfinite(value).all():
                        raise ValueError(f"{moment} of {name} is not finite")
                    moments[name][moment] = value.to(device)
            return Optimizer(int(updates), moments)
    except (safetensors.SafetensorError, OSError, ValueError, KeyError) as error:
        raise SpotError(
            f"The optimizer's state {path} cannot be used: {str(error)[:200]}. Tune with the "
            "factored_from it was made with, or remove the file: the optimizer then starts afresh."
        ) from error
