"""Vocabularies of frozen models in plain Python: text to token ids, and back.

Both give exactly what seqio's vocabularies of the same name give, without TensorFlow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Protocol

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.tasks.sentencepiece_model import check_model

#: The id of padding, in every vocabulary of T5.
PAD = 0

#: Bytes of a sentencepiece file; mT5's, of a quarter of a million pieces, has 4 million.
MOST_BYTES = 64 * 2**20

#: T5 adds this many sentinels behind the pieces of its vocabulary.
SENTINELS = 100


class Vocabulary(Protocol):
    """What reading a task's examples asks of a vocabulary; seqio's have it too."""

    @property
    def eos_id(self) -> int | None: ...

    @property
    def unk_id(self) -> int | None: ...

    def encode(self, text: str, /) -> Sequence[int]: ...

    def decode(self, ids: Iterable[int], /) -> str: ...


@attrs.define(slots=False, unsafe_hash=True)
class VocabularyFile:
    """A vocabulary that a file holds: a value, read when it is first needed, and never pickled.

    Attributes:
      path: of the file, local or ``gs://``.
    """

    pad_id: ClassVar[int] = PAD
    path: str
    _loaded: Any = attrs.field(default=None, init=False, eq=False, repr=False)
    _digest: str | None = attrs.field(default=None, init=False, eq=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": None, "_digest": None}

    def data(self) -> bytes:
        """The file's content."""
        data = files.read_bytes(self.path, MOST_BYTES)
        self._digest = hashlib.sha256(data).hexdigest()[:32]
        return data

    @property
    def digest(self) -> str:
        """A name of the file's content, 32 hex digits: of what texts are cut by once it was read,
        whatever has become of the file since."""
        if self._loaded is None or self._digest is None:
            self.data()
        assert self._digest is not None
        return self._digest

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts at once."""
        raise NotImplementedError

    def encode(self, text: str, /) -> list[int]:
        """The ids of a text, without the end."""
        return self.encode_all([text])[0]


@attrs.define(slots=False, unsafe_hash=True)
class SentencePieceVocabulary(VocabularyFile):
    """A sentencepiece model, with sentinels ``<extra_id_0>`` ... from the last id downwards.

    Attributes:
      extra_ids: number of sentinels.
    """

    extra_ids: int = 0

    @property
    def tokenizer(self) -> Any:
        """The `sentencepiece.SentencePieceProcessor`; its pieces have the sentinels too."""
        if self._loaded is None:
            import sentencepiece

            data = self.data()
            check_model(data)
            processor = sentencepiece.SentencePieceProcessor()
            processor.LoadFromSerializedProto(_with_sentinels(data, self.extra_ids))
            self._loaded = processor
        return self._loaded

    @property
    def eos_id(self) -> int:
        """The id of the end of a sequence."""
        return int(self.tokenizer.eos_id())

    @property
    def unk_id(self) -> int:
        """The id of what has no piece."""
        return int(self.tokenizer.unk_id())

    @property
    def vocab_size(self) -> int:
        """Number of ids, sentinels among them."""
        return int(self.tokenizer.GetPieceSize())

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts at once."""
        ids: list[list[int]] = self.tokenizer.EncodeAsIds(list(texts))
        return ids

    def decode(self, ids: Iterable[int], /) -> str:
        """The text of ids up to the first end; an id beyond the table is an unknown one."""
        size, unknown, end = self.vocab_size, self.unk_id, self.eos_id
        clean = [unknown if i >= size else int(i) for i in ids]
        if end in clean:
            clean = clean[: clean.index(end) + 1]
        return str(self.tokenizer.DecodeIds(clean))


@attrs.frozen
class ByteVocabulary:
    """Bytes of UTF-8, each three above its value: ByT5's, and what counts text without a model.

    Attributes:
      extra_ids: number of sentinels behind them, ids that no text has.
    """

    pad_id: ClassVar[int] = PAD
    eos_id: ClassVar[int] = 1
    unk_id: ClassVar[int] = 2
    digest: ClassVar[str] = "bytes"
    #: Ids without sentinels: of 256 bytes, and the three before them.
    size: ClassVar[int] = 259
    extra_ids: int = 0

    @property
    def vocab_size(self) -> int:
        """Number of ids, sentinels among them."""
        return self.size + self.extra_ids

    def encode(self, text: str, /) -> list[int]:
        """The ids of a text, without the end."""
        return [byte + 3 for byte in text.encode()]

    def decode(self, ids: Iterable[int], /) -> str:
        """The text of ids up to the first end, without those that are no byte."""
        data = bytearray()
        for i in ids:
            if i == self.eos_id:
                break
            if 3 <= i < self.size:
                data.append(i - 3)
        return data.decode(errors="ignore")


def open_vocabulary_file(path: str, extra_ids: int = SENTINELS) -> SentencePieceVocabulary:
    """The vocabulary of a file, read at once.

    Raises:
      SpotError: no such file, or not a sentencepiece model.
    """
    vocabulary = SentencePieceVocabulary(path, extra_ids)
    if not files.exists(path):
        raise SpotError(f"The vocabulary {path} does not exist. Check the path.")
    try:
        vocabulary.tokenizer  # noqa: B018 - reads the file
    except SpotError:
        raise
    except Exception as error:
        raise SpotError(
            f"{path} is not a sentencepiece model ({_reason(error)}). "
            "Give the .model file that the frozen model was trained with."
        ) from error
    return vocabulary


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else type(error).__name__


def encode_all(vocabulary: Any, texts: Sequence[str]) -> Sequence[Sequence[int]]:
    """The ids of many texts, at once where the vocabulary can."""
    together = getattr(vocabulary, "encode_all", None)
    ids: Sequence[Sequence[int]] = (
        together(texts) if together is not None else [vocabulary.encode(t) for t in texts]
    )
    return ids


def _with_sentinels(model: bytes, count: int) -> bytes:
    """The model with pieces ``<extra_id_N>`` behind its own, the highest number first."""
    if not count:
        return model
    from sentencepiece import sentencepiece_model_pb2

    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    kind = proto.SentencePiece.USER_DEFINED
    for number in reversed(range(count)):
        # Pieces of words begin with the mark of a space, and so does a sentinel.
        proto.pieces.add(piece=f"\u2581<extra_id_{number}>", score=0.0, type=kind)
    serialized: bytes = proto.SerializeToString()
    return serialized
