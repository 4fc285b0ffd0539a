"""A prompt as the folder of a PEFT adapter, and back."""

from __future__ import annotations

import json
import os

import attrs

from spotfw import files, reading
from spotfw.errors import SpotError
from spotfw.prompts.bytes import MOST, pack_safetensors, parse_json, unpack_safetensors
from spotfw.prompts.prompt import SoftPrompt, prompt_from
from spotfw.prompts.provenance import Provenance

#: The files of an adapter's folder.
CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"


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
        "task_type": "SEQ_2_SEQ_LM",
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


def load_peft(folder: str) -> SoftPrompt:
    where = files.join(folder, CONFIG)
    config = parse_json(files.read_bytes(where, reading.MOST_JSON), where)
    if config.get("peft_type") != "PROMPT_TUNING":
        raise SpotError(
            f"The adapter {folder} is of the kind {config.get('peft_type')!r}; only PROMPT_TUNING "
            "is a soft prompt in front of the input."
        )
    weights = files.join(folder, TENSORS)
    if not files.exists(weights):
        raise SpotError(
            f"The adapter {folder} has no {TENSORS}; pickled weights are never read. Save it "
            "again with safe_serialization=True."
        )
    array, _ = unpack_safetensors(files.read_bytes(weights, MOST), "prompt_embeddings", weights)
    tokens = config.get("num_virtual_tokens")
    if type(tokens) is not int or array.ndim != 2 or tokens < 1 or array.shape[0] % tokens:
        raise SpotError(
            f"The adapter {folder} says num_virtual_tokens = {tokens!r}, but its prompt has the "
            f"shape {list(array.shape)}. Take another copy of it."
        )
    # A block of tokens a submodule: the encoder's is the first, the decoder's unused by T5.
    # Its name only: the same adapter found elsewhere is the same prompt.
    provenance = Provenance(extra={"peft": os.path.basename(folder.rstrip("/"))})
    base = config.get("base_model_name_or_path")
    if isinstance(base, str):
        provenance = attrs.evolve(provenance, model=base)
    return prompt_from(array[:tokens], provenance, folder)
