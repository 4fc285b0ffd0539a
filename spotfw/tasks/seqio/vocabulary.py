"""Vocabularies as seqio's tasks take them."""

from __future__ import annotations

from typing import Any

from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.tokenizer import TokenizerVocabulary
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary


def seqio_vocabulary(vocabulary: Any) -> Any:
    """The `seqio.Vocabulary` of the same ids; one of seqio's is given as it is."""
    if isinstance(vocabulary, SentencePieceVocabulary):
        return seqio.SentencePieceVocabulary(vocabulary.path, vocabulary.extra_ids)
    if isinstance(vocabulary, ByteVocabulary):
        return seqio.ByteVocabulary(vocabulary.extra_ids)
    if isinstance(vocabulary, TokenizerVocabulary):
        return _Tokenizer(vocabulary)
    return vocabulary


class _Tokenizer(seqio.Vocabulary):  # type: ignore[misc]
    """A `TokenizerVocabulary`, called from TensorFlow's graph."""

    def __init__(self, vocabulary: TokenizerVocabulary) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Tokenizer) and self.vocabulary == other.vocabulary

    @property
    def bos_id(self) -> None:
        return None

    @property
    def eos_id(self) -> int:
        return self.vocabulary.eos_id

    @property
    def unk_id(self) -> int | None:
        return self.vocabulary.unk_id

    @property
    def _base_vocab_size(self) -> int:
        return self.vocabulary.vocab_size

    def _encode(self, s: str) -> list[int]:
        return self.vocabulary.encode(s)

    def _decode(self, ids: list[int]) -> str:
        return self.vocabulary.decode(ids)

    def _encode_tf(self, s: Any) -> Any:
        def encode(text: bytes) -> Any:
            import numpy as np

            return np.array(self.vocabulary.encode(text.decode(errors="replace")), np.int32)

        ids = tf.numpy_function(encode, [s], tf.int32, stateful=False)
        ids.set_shape([None])
        return ids

    def _decode_tf(self, ids: Any) -> Any:
        def decode(row: Any) -> bytes:
            return self.vocabulary.decode(row.tolist()).encode()

        return tf.numpy_function(decode, [ids], tf.string, stateful=False)
