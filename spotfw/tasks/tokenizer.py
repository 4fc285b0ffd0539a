"""The vocabulary of a Hugging Face ``tokenizer.json``, for folders without a sentencepiece file.

What the file makes of a text, the `tokenizers` library computes. The ends that frame a sequence
(``</s>`` and the like) are the engine's to add: written in a text they are text, as they are to a
sentencepiece model.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from spotfw import files
from spotfw.errors import SpotError
from spotfw.reading import parse_json
from spotfw.tasks.vocabulary import MOST_BYTES, PAD, VocabularyFile

#: The file's name in a folder.
TOKENIZER = "tokenizer.json"

#: Values of a file at most; umT5's, of a quarter of a million pieces, has some 800,000.
_VALUES = 8_000_000

#: Ends and the like; no text holds them.
_FRAMES = ("<pad>", "</s>", "<unk>", "<s>")
_SENTINEL = re.compile(r"▁?<extra_id_\d+>")

#: Where a piece begins with it, it stands for a space.
_SPACE = "▁"

#: What sentencepiece writes for what has no piece.
_UNKNOWN = " ⁇ "


class TokenizerVocabulary(VocabularyFile):
    """The pieces of a ``tokenizer.json``."""

    @property
    def _tokenizer(self) -> Any:
        return self._load()[0]

    def _load(self) -> tuple[Any, dict[str, int]]:
        """The tokenizer, and the ids of `_FRAMES`."""
        if self._loaded is None:
            data = self.data()
            try:
                content = parse_json(data, most=MOST_BYTES, values=_VALUES)
                frames = _unmatched(content)
                self._loaded = (_tokenizer_of(content), frames)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise SpotError(
                    f"{self.path} is not a tokenizer that can be used: {error!s:.200}. Give the "
                    f"{TOKENIZER} or the sentencepiece file that the frozen model was trained with."
                ) from error
        loaded: tuple[Any, dict[str, int]] = self._loaded
        return loaded

    @property
    def eos_id(self) -> int:
        """The id of the end of a sequence."""
        return self._load()[1]["</s>"]

    @property
    def unk_id(self) -> int | None:
        """The id of what has no piece, where there is one."""
        return self._load()[1].get("<unk>")

    @property
    def vocab_size(self) -> int:
        """Number of ids, sentinels among them."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=True))

    @property
    def extra_ids(self) -> int:
        """Number of sentinels."""
        return sum(map(bool, map(_SENTINEL.fullmatch, self._tokenizer.get_vocab())))

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """As `encode`, of many texts at once."""
        tokenizer = self._tokenizer
        try:
            with _no_panic():
                encoded = tokenizer.encode_batch(list(texts), add_special_tokens=False)
        except Exception as error:  # a text without a piece where none stands for it, for one
            raise SpotError(
                f"The tokenizer {self.path} cannot make tokens of a text: {error!s:.200}. Give the "
                "one that the frozen model was trained with."
            ) from error
        return [of_text.ids for of_text in encoded]

    def decode(self, ids: Iterable[int], /) -> str:
        """The text of ids up to the first end; an id beyond the table is an unknown one."""
        tokenizer, frames = self._load()
        size, unknown = self.vocab_size, frames.get("<unk>")
        kept: list[int | None] = []
        for i in map(int, ids):
            if i == frames["</s>"]:
                break
            kept.append(unknown if i >= size else i)
        if type(tokenizer.decoder).__name__ != "Metaspace":
            silent = {None, unknown, *frames.values()}
            return str(tokenizer.decode([i for i in kept if i not in silent]))
        silent = set(frames.values())
        pieces = (
            _UNKNOWN if i in (None, unknown) else "" if i in silent else self._piece(i)
            for i in kept
        )
        return "".join(pieces).lstrip(_SPACE).replace(_SPACE, " ")

    def _piece(self, i: int) -> str:
        """As sentencepiece has it: a sentinel begins a word."""
        piece = str(self._tokenizer.id_to_token(i))
        return _SPACE + piece if piece[:1] == "<" and _SENTINEL.fullmatch(piece) else piece


def open_tokenizer(path: str) -> TokenizerVocabulary:
    """The vocabulary of a file, read at once.

    Raises:
      SpotError: no such file, no such tokenizer, or `tokenizers` is not installed.
    """
    vocabulary = TokenizerVocabulary(path)
    if not files.exists(path):
        raise SpotError(f"The vocabulary {path} does not exist. Check the path.")
    end = vocabulary.eos_id
    if end != 1 or vocabulary._load()[1].get("<pad>", PAD) != PAD:
        raise SpotError(
            f"The tokenizer {path} ends a sequence with id {end}; a T5 pads with id 0 and ends "
            "with id 1. This is another model's tokenizer: give the T5's own."
        )
    return vocabulary


def _unmatched(content: dict[str, Any]) -> dict[str, int]:
    """Takes care that no text matches `_FRAMES`, in place; returns the ids of those there are."""
    added = [token for token in content.get("added_tokens") or () if token["content"] in _FRAMES]
    frames = {token["content"]: _id(token["id"]) for token in added}
    model = content["model"]
    pieces = model["vocab"]
    if isinstance(pieces, list):
        for i, (piece, score) in enumerate(pieces):
            if piece in _FRAMES:
                frames[piece] = i
                # Spaces of a text have become other signs before pieces are looked for.
                pieces[i] = [f" {piece}", score]
        if isinstance(model.get("unk_id"), int):
            frames["<unk>"] = _id(model["unk_id"])
    else:
        frames |= {piece: _id(pieces[piece]) for piece in _FRAMES if piece in pieces}
    if "</s>" not in frames:
        raise ValueError("it has no </s>, T5's end of a sequence")
    inside = {i for i in frames.values() if i < len(pieces)}
    content["added_tokens"] = [
        token
        for token in content.get("added_tokens") or ()
        if token["content"] not in _FRAMES or token["id"] not in inside
    ]
    content |= {"post_processor": None, "padding": None, "truncation": None}
    return frames


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _VALUES:
        raise ValueError(f"an id is {value!r:.40}")
    return value


def _tokenizer_of(content: dict[str, Any]) -> Any:
    """The `tokenizers.Tokenizer` of a file's content.

    Raises:
      SpotError: the package is not installed.
      ValueError: the content is no tokenizer.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise SpotError(
            f"A {TOKENIZER} needs the package tokenizers, which is not installed ({error}): "
            "`pip install tokenizers`. Or put the model's spiece.model into its folder."
        ) from error
    try:
        with _no_panic():
            return tokenizers.Tokenizer.from_str(json.dumps(content))
    except Exception as error:
        raise ValueError(" ".join(str(error).split())) from error


@contextlib.contextmanager
def _no_panic() -> Iterator[None]:
    """A panic of the library's Rust code, which is no `Exception`, is raised as one."""
    try:
        yield
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ValueError(str(error)) from error
