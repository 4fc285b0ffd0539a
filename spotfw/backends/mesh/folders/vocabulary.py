"""The vocabulary beside a frozen model, and whether it fits."""

from __future__ import annotations

from pathlib import Path

from etils import epath

from spotfw.backends.mesh.folders import convert, hf_folder, hf_names
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.errors import SpotError
from spotfw.tasks.vocabulary import SENTINELS, SentencePieceVocabulary, open_vocabulary_file

#: Names under which released models keep their sentencepiece file.
_FILES = ("spiece.model", "sentencepiece.model", "t5.model")

#: T5 rounds the table, sentinels among its rows, up to a multiple of 128 rows.
_ROUNDED_TO = 128


def open_vocabulary(folder: str, rows: int, path: str | None = None) -> SentencePieceVocabulary:
    """The vocabulary of a model, with as many sentinels as its table has rows for.

    Args:
      folder: the model's folder, searched for ``spiece.model`` and the like.
      rows: of the model's embedding table.
      path: a sentencepiece model file, where it is not in the folder.

    Raises:
      SpotError: no such file, not a sentencepiece model, or one of another size.
    """
    if path is None:
        found = [str(p) for n in _FILES if (p := epath.Path(folder) / n).exists()]
        if not found:
            raise SpotError(
                f"No vocabulary lies in {folder} (looked for {', '.join(_FILES)}). "
                "Name the sentencepiece file of this model with --vocabulary FILE."
            )
        path = found[0]
    pieces = open_vocabulary_file(path, extra_ids=0).vocab_size
    spare = rows - pieces
    if not 0 <= spare < SENTINELS + _ROUNDED_TO:
        raise SpotError(
            f"The vocabulary {path} has {pieces} pieces, but the model's embedding table has "
            f"{rows} rows: they do not belong together. Give the model's own vocabulary."
        )
    return SentencePieceVocabulary(path, extra_ids=min(SENTINELS, spare))


def model_vocabulary(folder: str, path: str | None = None) -> SentencePieceVocabulary:
    """The vocabulary of a model folder, or the file `path`, checked against the model."""
    if convert.is_hf_folder(folder):
        config = hf_folder.read_json(Path(folder) / "config.json")
        rows = hf_names.dimensions_of_config(config, folder).rows
    else:
        rows = hf_names.dimensions_of_shapes(Checkpoint(folder).shapes, folder).rows
    return open_vocabulary(folder, rows, path)
