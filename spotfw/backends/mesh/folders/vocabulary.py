"""The vocabulary beside a frozen model, and whether it fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from etils import epath

from spotfw import files
from spotfw.backends.mesh.folders import convert, hf_folder, hf_names
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.errors import SpotError
from spotfw.tasks.seqio.compat import seqio

#: Names under which released models keep their sentencepiece file.
_FILES = ("spiece.model", "sentencepiece.model", "t5.model")

#: T5 adds this many sentinels and rounds the table up to a multiple of 128 rows.
_SENTINELS = 100
_ROUNDED_TO = 128


def open_vocabulary(folder: str, rows: int, path: str | None = None) -> Any:
    """The `seqio.SentencePieceVocabulary` of a model.

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
    pieces = _pieces(path)
    spare = rows - pieces
    if not 0 <= spare < _SENTINELS + _ROUNDED_TO:
        raise SpotError(
            f"The vocabulary {path} has {pieces} pieces, but the model's embedding table has "
            f"{rows} rows: they do not belong together. Give the model's own vocabulary."
        )
    return seqio.SentencePieceVocabulary(path, extra_ids=min(_SENTINELS, spare))


def model_vocabulary(folder: str, path: str | None = None) -> Any:
    """The vocabulary of a model folder, or the file `path`, checked against the model."""
    if convert.is_hf_folder(folder):
        config = hf_folder.read_json(Path(folder) / "config.json")
        rows = hf_names.dimensions_of_config(config, folder).rows
    else:
        rows = hf_names.dimensions_of_shapes(Checkpoint(folder).shapes, folder).rows
    return open_vocabulary(folder, rows, path)


def open_vocabulary_file(path: str) -> Any:
    """The `seqio.SentencePieceVocabulary` of a file, for a model that is not at hand.

    Raises:
      SpotError: no such file, or not a sentencepiece model.
    """
    _pieces(path)
    return seqio.SentencePieceVocabulary(path, extra_ids=_SENTINELS)


def _pieces(path: str) -> int:
    if not epath.Path(path).exists():
        raise SpotError(f"The vocabulary {path} does not exist. Check the path.")
    if not files.is_remote(path):
        files.read_bytes(path, hf_folder.MAX_VOCABULARY)
    try:
        return int(seqio.SentencePieceVocabulary(path, extra_ids=0).vocab_size)
    except Exception as error:
        raise SpotError(
            f"{path} is not a sentencepiece model ({type(error).__name__}). "
            "Give the .model file that the frozen model was trained with."
        ) from error
