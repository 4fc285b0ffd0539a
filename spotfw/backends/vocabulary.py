"""The vocabulary in a frozen model's folder, and whether it fits; for any engine."""

from __future__ import annotations

from spotfw import files
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
        beside = [p for name in _FILES if files.exists(p := files.join(folder, name))]
        if not beside:
            raise SpotError(
                f"There is no vocabulary in {folder} (looked for {', '.join(_FILES)}). "
                "Name the sentencepiece file of this model with --vocabulary FILE."
            )
        path = beside[0]
    pieces = open_vocabulary_file(path, extra_ids=0).vocab_size
    spare = rows - pieces
    if not 0 <= spare < SENTINELS + _ROUNDED_TO:
        raise SpotError(
            f"The vocabulary {path} has {pieces} pieces, but the model's embedding table has "
            f"{rows} rows: they do not belong together. Give the model's own vocabulary."
        )
    return SentencePieceVocabulary(path, extra_ids=min(SENTINELS, spare))
