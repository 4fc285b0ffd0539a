"""Soft prompts: the value, its provenance, and the files it is read from and written to."""

from spotfw.prompts.file import (
    FORMAT,
    load_prompt,
    pack_prompt,
    save_prompt,
    unpack_prompt,
)
from spotfw.prompts.peft import write_peft
from spotfw.prompts.prompt import SoftPrompt, check_fits
from spotfw.prompts.provenance import Provenance, same_model, timestamp

__all__ = [
    "FORMAT",
    "Provenance",
    "SoftPrompt",
    "check_fits",
    "load_prompt",
    "pack_prompt",
    "same_model",
    "save_prompt",
    "timestamp",
    "unpack_prompt",
    "write_peft",
]
