"""Prompts start from the embeddings they say they start from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.contracts import InitContext
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, save_prompt

WORDS = {"good": [10], "bad": [11, 12], "?": [2], "high": [6000]}


class Words:
    """A vocabulary of a few words; anything else is unknown (id 2)."""

    def encode(self, text: str) -> Sequence[int]:
        return [i for word in text.split() for i in WORDS.get(word, [2])]

    def decode(self, ids: Iterable[int]) -> str:
        return " ".join(map(str, ids))


def context(length: int = 4, pieces: int = 7000, **values: Any) -> InitContext:
    """Every embedding row is its id, so that a prompt tells where it comes from."""
    embeddings = np.repeat(np.arange(7100, dtype=np.float32)[:, None], 3, axis=1)
    return InitContext(
        length=length, embeddings=embeddings, vocabulary=Words(), pieces=pieces, **values
    )


def start(name: str, where: InitContext, seed: int = 0) -> Any:
    initializer, argument = Plugins(entry_points=False).parse_initializer(name)
    array = initializer(attrs.evolve(where, argument=argument), np.random.default_rng(seed))
    assert array.dtype == np.float32
    assert array.shape == (where.length, 3)
    assert (array == array[:, :1]).all()
    return array[:, 0]


def test_sampled_vocab_takes_distinct_common_pieces() -> None:
    ids = start("sampled_vocab", context(4999))
    assert len(set(ids)) == 4999
    assert ids.min() >= 3
    assert ids.max() < 5003
    assert list(ids) != sorted(ids)


def test_sampled_vocab_is_seeded() -> None:
    assert (start("sampled_vocab", context(), 1) == start("sampled_vocab", context(), 1)).all()
    assert (start("sampled_vocab", context(), 1) != start("sampled_vocab", context(), 2)).any()


def test_sampled_vocab_of_a_small_vocabulary() -> None:
    assert set(start("sampled_vocab", context(97, pieces=100))) == set(range(3, 100))
    ids = start("sampled_vocab", context(300, pieces=100))
    assert set(ids) <= set(range(3, 100))
    with pytest.raises(WrongUse, match="3 pieces"):
        start("sampled_vocab", context(pieces=3))


def test_class_labels_then_sampled_vocab() -> None:
    values = start("class_label", context(6, labels=("bad", "good")))
    assert list(values[:2]) == [11.5, 10]
    assert len(set(values[2:])) == 4
    assert values[2:].max() < 5003


def test_class_labels_without_known_pieces_fall_back() -> None:
    values = start("class_label", context(3, labels=("?", "", "good")))
    assert values[0] == 10


def test_more_labels_than_tokens() -> None:
    assert list(start("class_label", context(1, labels=("good", "bad")))) == [10]


def test_no_labels_is_sampled_vocab() -> None:
    assert (start("class_label", context()) == start("sampled_vocab", context())).all()


def test_text_is_repeated_or_cut() -> None:
    assert list(start("text:good bad", context(7))) == [10, 11, 12, 10, 11, 12, 10]
    assert list(start("text:good bad ? high", context(2))) == [10, 11]
    assert list(start("text:high", context(1))) == [6000]


@pytest.mark.parametrize("name", ["text", "text:", "text:? nothing", "prompt", "prompt:"])
def test_missing_arguments(name: str) -> None:
    with pytest.raises(WrongUse):
        start(name, context())


@pytest.mark.parametrize("name", ["sampled_vocab:5", "class_label:good"])
def test_needless_arguments(name: str) -> None:
    with pytest.raises(WrongUse, match="no argument"):
        start(name, context())


def test_another_prompt(tmp_path: Path) -> None:
    array = np.repeat([[5.0], [6.0]], 3, axis=1)
    path = tmp_path / "p.safetensors"
    save_prompt(SoftPrompt(array, Provenance(fingerprint="abc")), path)
    assert list(start(f"prompt:{path}", context(2, fingerprint="abc"))) == [5, 6]
    with pytest.raises(SpotError, match=r"p\.safetensors.*another frozen model"):
        start(f"prompt:{path}", context(2, fingerprint="other"))
    with pytest.raises(SpotError, match="2 tokens"):
        start(f"prompt:{path}", context(4))
    with pytest.raises(SpotError, match="no file"):
        start(f"prompt:{tmp_path}/absent", context(2))


def test_a_prompt_of_another_width(tmp_path: Path) -> None:
    save_prompt(SoftPrompt(np.ones((2, 4))), tmp_path / "p.npy")
    with pytest.raises(SpotError, match="width 4"):
        start(f"prompt:{tmp_path / 'p.npy'}", context(2))
