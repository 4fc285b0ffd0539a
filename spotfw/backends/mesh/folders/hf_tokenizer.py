"""What a Hugging Face folder says of its tokenizer that a sentencepiece file does not hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from spotfw.backends.mesh.folders.hf_folder import read_json

#: The sentencepiece model's file name, in both kinds of folder.
VOCABULARY = "spiece.model"

#: Tokens that every T5 has, beside or within its sentencepiece model.
_USUAL = re.compile(r"<pad>|</s>|<unk>|<s>|<extra_id_\d+>|▁<extra_id_\d+>")

#: Added tokens named in a message.
_SHOWN = 8


def added_tokens(folder: Path) -> dict[str, int]:
    """Tokens that were added to a T5's own, with their ids, in order of the ids.

    Raises:
      SpotError: a file that lists them is damaged.
    """
    tokens: dict[str, int] = {}

    def add(content: Any, index: Any) -> None:
        text = content.get("content") if isinstance(content, dict) else content
        if isinstance(text, str) and type(index) is int and not _USUAL.fullmatch(text):
            tokens[text] = index

    listed = _read(folder / "added_tokens.json")
    for text, index in listed.items():
        add(text, index)
    entries = _read(folder / "tokenizer.json").get("added_tokens")
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            add(entry, entry.get("id"))
    decoder = _read(folder / "tokenizer_config.json").get("added_tokens_decoder")
    for index, entry in decoder.items() if isinstance(decoder, dict) else ():
        add(entry, int(index) if str(index).isdecimal() and len(str(index)) < 10 else None)
    return dict(sorted(tokens.items(), key=lambda pair: pair[1]))


def note_of_added_tokens(folder: Path) -> str | None:
    """What a user of the model must know of its added tokens; None where it has none."""
    tokens = added_tokens(folder)
    if not tokens:
        return None
    shown = ", ".join(repr(token) for token in list(tokens)[:_SHOWN])
    more = f" and {len(tokens) - _SHOWN} more" if len(tokens) > _SHOWN else ""
    return (
        f"The tokenizer in {folder} has {len(tokens)} added tokens ({shown}{more}) that no "
        "sentencepiece model holds. Their embeddings are there, but texts with them are read as "
        "unknown pieces: write these texts otherwise."
    )


def tokenizer_notes(folder: Path) -> list[str]:
    """What a user of the converted model must know, a paragraph each; usually empty."""
    note = note_of_added_tokens(folder)
    notes = [] if note is None else [note]
    if not (folder / VOCABULARY).exists():
        other = (
            " (its tokenizer.json is another form)" if (folder / "tokenizer.json").exists() else ""
        )
        notes.append(
            f"The folder {folder} has no vocabulary {VOCABULARY}{other}, and the converted model "
            "cannot be used without one. Download it from the page of the model that this one was "
            "made from (for google/t5-v1_1-base: `hf download google/t5-v1_1-base spiece.model`), "
            "and put it into the converted folder or name it with --vocabulary FILE."
        )
    return notes


def _read(path: Path) -> dict[str, Any]:
    return read_json(path) if path.is_file() else {}
