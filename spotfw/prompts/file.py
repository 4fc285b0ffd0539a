"""A prompt's file: packed, unpacked, read from any of its forms, written whole."""

from __future__ import annotations

import json
import os

from spotfw import files
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts import peft
from spotfw.prompts.bytes import (
    MOST,
    NPY_MAGIC,
    pack_npy,
    pack_safetensors,
    parse_json,
    unpack_npy,
    unpack_safetensors,
)
from spotfw.prompts.foreign import HEAD, foreign_file
from spotfw.prompts.prompt import SoftPrompt, prompt_from
from spotfw.prompts.provenance import Provenance

#: What a prompt's file says of itself; a later layout would count up.
FORMAT = "spotfw.prompt/1"


def pack_prompt(prompt: SoftPrompt) -> bytes:
    """A prompt's file as bytes; equal prompts give equal bytes."""
    try:
        text = json.dumps(prompt.provenance.to_dict(), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SpotError(
            f"The prompt's provenance cannot be written as JSON ({error}). Keep to texts, "
            "numbers, lists and tables in it."
        ) from error
    return pack_safetensors("prompt", prompt.array, {"format": FORMAT, "provenance": text})


def unpack_prompt(data: bytes, where: str = "the given bytes") -> SoftPrompt:
    """A prompt from the bytes of its file.

    Raises:
      SpotError: they are not a sound prompt; the message names `where`.
    """
    array, metadata = unpack_safetensors(data, "prompt", where)
    layout = metadata.get("format", FORMAT)
    if layout.startswith("spotfw.") and layout != FORMAT:
        raise SpotError(
            f"The file {where} has the layout {layout!r}, but this spotfw knows {FORMAT!r} only. "
            "Install a newer spotfw to read it."
        )
    values = parse_json(metadata.get("provenance", "{}"), where)
    return prompt_from(array, Provenance.from_dict(values, where), where)


def load_prompt(path: files.PathLike) -> SoftPrompt:
    """Reads a prompt, local or remote.

    Args:
      path: a ``.safetensors`` file of ours, a bare ``.npy`` [L, E] as
        google-research/prompt-tuning writes it, or the folder of a PEFT adapter, with ``#N``
        behind it for task N of a multitask adapter.

    Raises:
      SpotError: it is absent, broken, or of another kind.
    """
    where = os.fspath(path)
    folder, _, task = where.rpartition("#")
    if task.isdecimal() and len(task) < 10 and peft.is_peft(folder):
        return peft.load_peft(folder, int(task))
    if peft.is_peft(where):
        return peft.load_peft(where)
    if not files.is_remote(path) and os.path.isdir(path):
        raise SpotError(
            f"The folder {where} holds no PEFT adapter ({peft.CONFIG}). Name a prompt's file, or "
            "an adapter's folder."
        )
    data = files.read_bytes(path, MOST)
    other = foreign_file(data[:HEAD])
    if other is not None:
        raise SpotError(f"The file {where} {other}.")
    if data.startswith(NPY_MAGIC) or where.endswith(".npy"):
        return prompt_from(unpack_npy(data, where), Provenance(), where)
    return unpack_prompt(data, where)


def save_prompt(prompt: SoftPrompt, path: files.PathLike) -> None:
    """Writes a prompt, whole or not at all.

    Args:
      path: ends in ``.safetensors``, which keeps the provenance, or in ``.npy``.
    """
    name = os.fspath(path)
    if name.endswith(".safetensors"):
        files.write_atomically(path, pack_prompt(prompt))
    elif name.endswith(".npy"):
        files.write_atomically(path, pack_npy(prompt.array))
    else:
        raise WrongUse(
            f"A prompt's file ends in .safetensors or .npy, but {name!r} does not. A PEFT "
            "adapter is written by write_peft."
        )
