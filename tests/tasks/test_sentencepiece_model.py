"""Models that would end the process which loads them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from sentencepiece import sentencepiece_model_pb2

from spotfw.errors import SpotError
from spotfw.tasks.sentencepiece_model import check_model
from spotfw.tasks.vocabulary import open_vocabulary_file
from tests.places import ROOT, SHARED

_SOUND = ROOT / "plugins/spotfw-playground/spotfw_playground/model/spiece.model"


@pytest.fixture
def sound() -> Any:
    model = sentencepiece_model_pb2.ModelProto.FromString(_SOUND.read_bytes())
    check_model(model.SerializeToString())
    return model


def _charsmap(units: list[int], texts: bytes) -> bytes:
    table = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(table)) + table + texts


@pytest.mark.parametrize(
    ("piece", "said"), [("", "empty"), ("a\0b", "not text")], ids=["empty", "nul"]
)
def test_a_piece_that_no_text_has(sound: Any, tmp_path: Path, piece: str, said: str) -> None:
    sound.pieces[5].piece = piece
    sound.pieces[5].type = sound.SentencePiece.USER_DEFINED
    path = tmp_path / "spiece.model"
    path.write_bytes(sound.SerializeToString())
    with pytest.raises(SpotError, match=f"piece 5 is {said}"):
        open_vocabulary_file(str(path))


def test_a_score_that_is_no_number(sound: Any) -> None:
    sound.pieces[5].score = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        check_model(sound.SerializeToString())


def test_no_pieces_and_no_buffer(sound: Any) -> None:
    with pytest.raises(ValueError, match="protocol buffer"):
        check_model(b"\xff" * 40)
    del sound.pieces[:]
    with pytest.raises(ValueError, match="no pieces"):
        check_model(sound.SerializeToString())


@pytest.mark.parametrize(
    ("charsmap", "said"),
    [
        (b"\0\0\0", "cut off"),
        (struct.pack("<I", 4000) + b"x\0", "cut off"),
        (_charsmap([0] * 256, b"x"), "cut off"),
        (_charsmap([2**31 - 1] + [0] * 255, b"\0"), "beyond their table"),
        (_charsmap([0] * 255 + [2**31 + 7], b"ab\0"), "beyond their texts"),
    ],
    ids=["short", "long", "no end", "table", "texts"],
)
def test_normalization_rules_that_point_elsewhere(sound: Any, charsmap: bytes, said: str) -> None:
    sound.normalizer_spec.precompiled_charsmap = charsmap
    with pytest.raises(ValueError, match=said):
        check_model(sound.SerializeToString())


def test_released_models_are_sound() -> None:
    models = sorted(SHARED.glob("vocab/*.model"))
    if not models:
        pytest.skip(f"no vocabularies in {SHARED}")
    for path in models:
        check_model(path.read_bytes())
