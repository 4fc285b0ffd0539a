"""Which vocabulary is taken, and when it does not fit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from spotfw.errors import SpotError


def test_the_vocabulary_beside_the_model_is_found(tiny_model: Path) -> None:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    vocabulary = open_vocabulary(str(tiny_model), 128)
    ids = vocabulary.encode("the film was good")
    assert vocabulary.decode(ids) == "the film was good"
    assert vocabulary.eos_id == 1
    # Sentinels take the rows that pieces leave, as many as T5 has at most.
    assert vocabulary.vocab_size == 128
    assert open_vocabulary(str(tiny_model), 256).extra_ids == 100


@pytest.mark.parametrize("name", ["sentencepiece.model", "t5.model"])
def test_other_names_are_found_too(tiny_model: Path, tmp_path: Path, name: str) -> None:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    shutil.copy(tiny_model / "spiece.model", tmp_path / name)
    assert open_vocabulary(str(tmp_path), 128).encode("good")


def test_a_vocabulary_elsewhere_is_named(tiny_model: Path, tmp_path: Path) -> None:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    file = str(tiny_model / "spiece.model")
    assert open_vocabulary(str(tmp_path), 128, file).encode("good")
    with pytest.raises(SpotError, match="--vocabulary"):
        open_vocabulary(str(tmp_path), 128)
    with pytest.raises(SpotError, match="does not exist"):
        open_vocabulary(str(tiny_model), 128, str(tmp_path / "absent.model"))


@pytest.mark.parametrize("junk", [b"", b"no model", b"\x00" * 100])
def test_a_file_that_is_no_vocabulary_is_reported(tmp_path: Path, junk: bytes) -> None:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    (tmp_path / "spiece.model").write_bytes(junk)
    with pytest.raises(SpotError, match="not a sentencepiece model"):
        open_vocabulary(str(tmp_path), 128)


@pytest.mark.parametrize("rows", [32, 32128])
def test_a_vocabulary_of_another_model_is_reported(tiny_model: Path, rows: int) -> None:
    from spotfw.backends.mesh.folders.vocabulary import open_vocabulary

    with pytest.raises(SpotError, match=f"{rows} rows"):
        open_vocabulary(str(tiny_model), rows)
