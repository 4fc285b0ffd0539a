"""Vocabularies as seqio's tasks take them."""

from __future__ import annotations

from typing import Any

from spotfw.tasks.seqio.compat import seqio
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary


def seqio_vocabulary(vocabulary: Any) -> Any:
    """The `seqio.Vocabulary` of the same ids; one of seqio's is given as it is."""
    if isinstance(vocabulary, SentencePieceVocabulary):
        return seqio.SentencePieceVocabulary(vocabulary.path, vocabulary.extra_ids)
    if isinstance(vocabulary, ByteVocabulary):
        return seqio.ByteVocabulary()
    return vocabulary
