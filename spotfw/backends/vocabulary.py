"""The vocabulary in a frozen model's folder, and whether it fits; for any engine."""

from __future__ import annotations

from spotfw import files
from spotfw.errors import SpotError
from spotfw.reading import parse_json
from spotfw.tasks.tokenizer import TOKENIZER, TokenizerVocabulary, open_tokenizer
from spotfw.tasks.vocabulary import (
    SENTINELS,
    ByteVocabulary,
    SentencePieceVocabulary,
    open_vocabulary_file,
)

#: Names under which released models keep their sentencepiece file.
_FILES = ("spiece.model", "sentencepiece.model", "t5.model", "spm.model")

#: Sentinels of umT5, of whose 256,000 pieces a table has 256,384 rows; of ByT5, 125 with 384 rows.
_MANY_SENTINELS = 300

#: T5 rounds the table, sentinels among its rows, up to a multiple of 128 rows.
_ROUNDED_TO = 128

ModelVocabulary = SentencePieceVocabulary | TokenizerVocabulary | ByteVocabulary


def open_vocabulary(folder: str, rows: int, path: str | None = None) -> ModelVocabulary:
    """The vocabulary of a model.

    A sentencepiece file goes before a ``tokenizer.json``. Of a folder whose configuration names
    ByT5's tokenizer it is that of bytes, which no file holds.

    Args:
      folder: the model's folder, searched for ``spiece.model`` and the like.
      rows: of the model's embedding table; a sentencepiece vocabulary gets as many sentinels as
        there are rows for.
      path: a sentencepiece or ``.json`` file, where it is not in the folder.

    Raises:
      SpotError: no such file, not a vocabulary, or one of another size.
    """
    if path is None:
        if _reads_bytes(folder):
            return ByteVocabulary(_spare(rows, ByteVocabulary.size, "of bytes"))
        names = (*_FILES, TOKENIZER)
        beside = [p for name in names if files.exists(p := files.join(folder, name))]
        if not beside:
            raise SpotError(
                f"There is no vocabulary in {folder} (looked for {', '.join(names)}). "
                "Name the sentencepiece file of this model with --vocabulary FILE."
            )
        path = beside[0]
    if path.endswith(".json"):
        vocabulary = open_tokenizer(path)
        _spare(rows, vocabulary.vocab_size, path)
        return vocabulary
    pieces = open_vocabulary_file(path, extra_ids=0).vocab_size
    spare = _spare(rows, pieces, path)
    sentinels = SENTINELS if spare < SENTINELS + _ROUNDED_TO else _MANY_SENTINELS
    return SentencePieceVocabulary(path, extra_ids=min(sentinels, spare))


def _spare(rows: int, pieces: int, vocabulary: str) -> int:
    """Rows of the table without a piece.

    Raises:
      SpotError: fewer than none, or more than sentinels and rounding make.
    """
    if not 0 <= rows - pieces < _MANY_SENTINELS + _ROUNDED_TO:
        raise SpotError(
            f"The vocabulary {vocabulary} has {pieces} pieces, but the model's embedding table has "
            f"{rows} rows: they do not belong together. Give the model's own vocabulary."
        )
    return rows - pieces


def _reads_bytes(folder: str) -> bool:
    """Whether a folder's configuration names ByT5's tokenizer."""
    for name in ("tokenizer_config.json", "config.json"):
        path = files.join(folder, name)
        if files.exists(path):
            try:
                config = parse_json(files.read_bytes(path))
            except ValueError:  # whoever needs the file says so
                continue
            if isinstance(config, dict) and config.get("tokenizer_class") == "ByT5Tokenizer":
                return True
    return False
