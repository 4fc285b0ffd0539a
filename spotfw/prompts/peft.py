"""A prompt as the folder of a PEFT adapter, and back."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from spotfw import files, reading
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts.bytes import MOST, Array, pack_safetensors, parse_json, unpack_safetensors
from spotfw.prompts.prompt import SoftPrompt, prompt_from
from spotfw.prompts.provenance import Provenance

#: The files of an adapter's folder.
CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"

MULTITASK = "MULTITASK_PROMPT_TUNING"
#: PEFT's kinds of adapters that are a prompt in front of the input.
KINDS = ("PROMPT_TUNING", "P_TUNING", MULTITASK)
#: What PEFT calls the use of a T5.
TASK_TYPE = "SEQ_2_SEQ_LM"


def write_peft(prompt: SoftPrompt, folder: files.PathLike, base_model: str | None = None) -> None:
    """Writes a prompt as the folder of a PEFT adapter for a Hugging Face T5.

    Args:
      folder: where to; must not exist yet or be empty.
      base_model: the model's name or folder, by default the provenance's.
    """
    config = {
        "base_model_name_or_path": base_model or prompt.provenance.model,
        "inference_mode": True,
        "num_transformer_submodules": 1,
        "num_virtual_tokens": prompt.length,
        "peft_type": "PROMPT_TUNING",
        "prompt_tuning_init": "RANDOM",
        "task_type": TASK_TYPE,
        "token_dim": prompt.width,
    }
    with files.new_folder(folder) as place:
        tensors = pack_safetensors("prompt_embeddings", prompt.array, {"format": "pt"})
        text = json.dumps(config, indent=2, sort_keys=True)
        for name, data in ((TENSORS, tensors), (CONFIG, text.encode())):
            try:
                (place / name).write_bytes(data)
            except OSError as error:
                raise SpotError(
                    f"{files.join(folder, name)} could not be written: "
                    f"{error.strerror or error}. The folder is not made; make room, or choose "
                    "another place."
                ) from None


def is_peft(folder: str) -> bool:
    """Whether a folder, local or remote, is an adapter's."""
    return files.exists(files.join(folder, CONFIG))


def load_peft(folder: str, task: int | None = None) -> SoftPrompt:
    """The prompt of an adapter's folder.

    Args:
      task: which of a multitask adapter's; may be left out where it has one only.

    Raises:
      SpotError: it is damaged, or no soft prompt in front of a T5's input.
      WrongUse: it has several tasks and none is named, or fewer than the number named.
    """
    prompts = load_peft_tasks(folder)
    if task is None and len(prompts) > 1:
        raise WrongUse(
            f"The adapter {folder} has a prompt for each of {len(prompts)} tasks. Name one, "
            f"{folder}#0 to {folder}#{len(prompts) - 1}, or add all with `spotfw library import "
            f"{folder}`."
        )
    if not 0 <= (task or 0) < len(prompts):
        raise WrongUse(
            f"The adapter {folder} has {len(prompts)} tasks, counted from 0, and none numbered "
            f"{task}. Name one of these."
        )
    return prompts[task or 0]


def load_peft_tasks(folder: str) -> list[SoftPrompt]:
    """The prompts of an adapter's folder: one for each task of a multitask adapter, else one.

    PEFT's `P_TUNING` keeps the finished embeddings, as `PROMPT_TUNING` does. A
    `MULTITASK_PROMPT_TUNING` keeps one prompt for all and a low-rank factor a task, whose
    elementwise product is the task's prompt (Wang et al. 2023, equation 1).
    """
    where = files.join(folder, CONFIG)
    config = parse_json(files.read_bytes(where, reading.MOST_JSON), where)
    kind = config.get("peft_type")
    if kind not in KINDS:
        raise SpotError(
            f"The adapter {folder} is of the kind {kind!r}, which is not a prompt in front of the "
            f"input. Those are {', '.join(KINDS)}."
        )
    if config.get("task_type") not in (None, TASK_TYPE):
        raise SpotError(
            f"The adapter {folder} was made for task_type {config['task_type']!r} "
            f"(base model {config.get('base_model_name_or_path')!r}), and a prompt of another kind "
            f"of model means nothing to a T5. Give an adapter of {TASK_TYPE} on a T5."
        )
    weights = files.join(folder, TENSORS)
    if not files.exists(weights):
        raise SpotError(
            f"The adapter {folder} has no {TENSORS}; pickled weights are never read. Save it "
            "again with safe_serialization=True."
        )
    data = files.read_bytes(weights, MOST)
    array, _ = unpack_safetensors(data, "prompt_embeddings", weights)
    tokens = _tokens(config, array, folder)
    provenance = _provenance(config, folder)
    if kind != MULTITASK:
        return [prompt_from(array[:tokens], provenance, folder)]
    columns, _ = unpack_safetensors(data, "prefix_task_cols", weights)
    rows, _ = unpack_safetensors(data, "prefix_task_rows", weights)
    if not (
        columns.ndim == rows.ndim == 3
        and columns.shape[:2] == (len(rows), len(array))
        and rows.shape[1:] == (columns.shape[2], array.shape[1])
        and len(rows)
    ):
        raise SpotError(
            f"The adapter {folder} has factors of the shapes {list(columns.shape)} and "
            f"{list(rows.shape)}, which do not fit its prompt of {list(array.shape)}. Take another "
            "copy of it."
        )
    with np.errstate(all="ignore"):  # what is not finite is refused as a prompt
        products = [array[:tokens] * (c @ r)[:tokens] for c, r in zip(columns, rows, strict=True)]
    return [
        prompt_from(
            product,
            attrs.evolve(provenance, extra={**provenance.extra, "peft_task": task}),
            folder,
        )
        for task, product in enumerate(products)
    ]


def _tokens(config: Mapping[str, Any], array: Array, folder: str) -> int:
    """Tokens of the encoder's prompt: the first of as many blocks as there are submodules.

    The decoder's block is unused by T5.
    """
    tokens, blocks = config.get("num_virtual_tokens"), config.get("num_transformer_submodules")
    counts = (1, 2) if blocks is None else (blocks,)
    rows = [tokens * n for n in counts if type(tokens) is type(n) is int and tokens > 0]
    if array.ndim != 2 or len(array) not in rows:
        raise SpotError(
            f"The adapter {folder} says num_virtual_tokens = {tokens!r} and "
            f"num_transformer_submodules = {blocks!r}, but its prompt has the shape "
            f"{list(array.shape)}. Take another copy of it."
        )
    width = config.get("token_dim")
    if width is not None and width != array.shape[1]:
        raise SpotError(
            f"The adapter {folder} says token_dim = {width!r}, but its prompt has the shape "
            f"{list(array.shape)}. Take another copy of it."
        )
    assert isinstance(tokens, int)
    return tokens


def _provenance(config: Mapping[str, Any], folder: str) -> Provenance:
    # Its name only: the same adapter found elsewhere is the same prompt.
    provenance = Provenance(extra={"peft": os.path.basename(folder.rstrip("/"))})
    base = config.get("base_model_name_or_path")
    return attrs.evolve(provenance, model=base) if isinstance(base, str) else provenance
