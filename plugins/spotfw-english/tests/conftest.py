"""Where real data may lie, and text by rule where a corpus is needed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

_WHO = ("The farmer", "Our teacher", "The old sailor", "A young doctor", "The king", "My brother")
_DID = ("bought", "sold", "lost", "found", "painted", "repaired")
_WHAT = ("the red boat", "a small house", "the long bridge", "three apples", "an open window")
_WHERE = ("in London", "near the river", "at the market", "on the island", "in 1912", "by the sea")
_ALSO = ("It was a great day.", "The weather was terrible.", "Nobody was happy about it.")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data beside the repository; the test skips where it is absent."""
    folder = Path(__file__).resolve().parents[4] / "shared"
    if not folder.is_dir():
        pytest.skip("needs the data folder ../shared beside the repository")
    return folder


@pytest.fixture(scope="session")
def generated_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two sources of lines, always the same: paragraphs, and dialogues."""
    rng = random.Random(5)
    folder = tmp_path_factory.mktemp("generated") / "text"
    folder.mkdir()
    telling = [_paragraph(rng) for _ in range(1_200)]
    (folder / "wikipedia_leads.txt").write_text("\n".join(telling) + "\n", encoding="utf-8")
    talk = [_dialogue(rng) for _ in range(300)]
    (folder / "dialogue_sgd.txt").write_text("\n".join(talk) + "\n", encoding="utf-8")
    return folder


def _sentence(rng: random.Random) -> str:
    parts = (_WHO, _DID, _WHAT, _WHERE)
    return " ".join(rng.choice(part) for part in parts) + "."


def _paragraph(rng: random.Random) -> str:
    return " ".join([*(_sentence(rng) for _ in range(rng.randint(3, 6))), rng.choice(_ALSO)])


def _dialogue(rng: random.Random) -> str:
    said = (f"{'AB'[turn % 2]}: {_sentence(rng)}" for turn in range(6))
    return " ".join(said)
