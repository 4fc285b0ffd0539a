"""Tokens of many texts are cut once, and what lies on the disk is never taken on trust."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import WrongUse
from spotfw.tasks import Task, kept_tokens
from spotfw.tasks.example import Example
from spotfw.tasks.examples import read_examples
from spotfw.tasks.kept_tokens import SUFFIX, VARIABLE, cut, folder
from spotfw.tasks.tokens import Ragged
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary
from tests.places import ROOT

TEXTS = [f"{n} text of some length" for n in range(40)]


@attrs.define
class Counting:
    """Bytes, and how many texts were cut."""

    digest: str | None = "bytes"
    extra_ids: int = 0
    texts: int = 0
    eos_id: int = 1
    unk_id: int = 2
    vocab_size: int = 259

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        self.texts += len(texts)
        return [ByteVocabulary().encode(text) for text in texts]

    def encode(self, text: str, /) -> list[int]:
        return self.encode_all([text])[0]

    def decode(self, ids: Any, /) -> str:
        return ByteVocabulary().decode(ids)


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few texts are many here, and the folder is the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "10")
    monkeypatch.setattr(kept_tokens, "SMALLEST", 100)


def kept() -> list[Path]:
    return sorted(folder().glob("*"))


def rows(tokens: Ragged) -> list[list[int]]:
    return [row.tolist() for row in tokens]


def cut_anew(vocabulary: Counting, texts: Sequence[str] = TEXTS, length: int = 9) -> int:
    """How many texts were cut; what comes out is that of texts cut one by one."""
    before = vocabulary.texts
    tokens = cut(vocabulary, texts, length)
    assert rows(tokens) == [[*ByteVocabulary().encode(t)[: length - 1], 1] for t in texts]
    assert tokens.flat.dtype == np.int32
    assert tokens.offsets.dtype == np.int64
    return vocabulary.texts - before


def test_texts_are_cut_once() -> None:
    assert cut_anew(Counting()) == len(TEXTS)
    assert cut_anew(Counting()) == 0
    assert len(kept()) == 1


@pytest.mark.parametrize(
    ("change", "texts", "length"),
    [
        ({"digest": "other"}, TEXTS, 9),
        ({"extra_ids": 100}, TEXTS, 9),
        ({}, TEXTS, 8),
        ({}, [*TEXTS[:-1], "another"], 9),
        ({}, TEXTS[::-1], 9),
        ({}, [TEXTS[0] + TEXTS[1], "", *TEXTS[2:]], 9),
    ],
)
def test_what_tokens_depend_on_is_in_their_name(
    change: dict[str, Any], texts: list[str], length: int
) -> None:
    cut_anew(Counting())
    assert cut_anew(Counting(**change), texts, length) == len(TEXTS)
    assert len(kept()) == 2


def test_another_release_of_a_library_cuts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_anew(Counting())
    monkeypatch.setattr(kept_tokens, "_version", lambda name: "another")
    assert cut_anew(Counting()) == len(TEXTS)


def test_few_texts_and_those_of_a_nameless_vocabulary_are_not_kept() -> None:
    cut_anew(Counting(), TEXTS[:3])
    cut_anew(Counting(digest=None))
    cut_anew(Counting(), [])
    assert kept() == []


def test_nothing_is_kept_where_the_variable_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    for _ in range(2):
        assert cut_anew(Counting()) == len(TEXTS)
    assert kept() == []


@pytest.mark.parametrize("value", ["-1", "1.5", "all", "1" * 10, "²"])
def test_a_variable_that_is_no_number(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(WrongUse, match=f"The variable {VARIABLE} is .*Give how many megabytes"):
        cut(Counting(), TEXTS, 9)


def _sealed(body: bytes, name: str) -> bytes:
    """A file whose digest is right, whatever it holds."""
    return kept_tokens._digest(name, body) + body


def _body(lengths: Sequence[int], ids: Sequence[int], size: int = 2, count: int = 40) -> bytes:
    numbers = count.to_bytes(8, "little") + size.to_bytes(8, "little")
    kind = "<u2" if size == 2 else "<i4"
    return numbers + np.array(lengths, "<i4").tobytes() + np.array(ids, kind).tobytes()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0" * 16,
        _body([1] * 40, [259] * 40),
        _body([1] * 40, [-1] * 40, 4),
        _body([0] + [1] * 39, [5] * 39),
        _body([10] + [1] * 39, [5] * 49),
        _body([2] * 40, [5] * 79),
        _body([-1, 3] + [1] * 38, [5] * 40),
        _body([1] * 39, [5] * 39, count=39),
        _body([1] * 40, [5] * 40, count=2**60),
        _body([1] * 40, [5] * 40, size=3),
    ],
    ids=range(11),
)
def test_a_file_with_a_right_digest_is_still_looked_at(body: bytes) -> None:
    cut_anew(Counting())
    (path,) = kept()
    written = path.read_bytes()
    path.write_bytes(_sealed(body, path.name.removesuffix(SUFFIX)))
    assert cut_anew(Counting()) == len(TEXTS)
    assert path.read_bytes() == written, "it was made again"


@given(place=st.integers(0, 10**9), mask=st.integers(1, 255))
def test_a_damaged_file_is_made_again(place: int, mask: int) -> None:
    cut_anew(Counting())
    (path,) = kept()
    written = path.read_bytes()
    data = bytearray(written)
    data[place % len(data)] ^= mask
    for damaged in (bytes(data), written[: place % len(written)], written + b"\0"):
        path.write_bytes(damaged)
        assert cut_anew(Counting()) == len(TEXTS)
        assert path.read_bytes() == written


def test_a_file_of_another_name_and_what_is_no_file() -> None:
    cut_anew(Counting())
    (path,) = kept()
    cut_anew(Counting(), TEXTS[::-1])
    (other,) = set(kept()) - {path}
    other.write_bytes(path.read_bytes())
    assert cut_anew(Counting(), TEXTS[::-1]) == len(TEXTS)
    path.unlink()
    path.mkdir()
    assert cut_anew(Counting()) == len(TEXTS), "cut without being kept"
    path.rmdir()
    os.mkfifo(path)
    assert cut_anew(Counting()) == len(TEXTS)


def test_a_file_without_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_anew(Counting())
    (path,) = kept()
    with path.open("ab") as stream:
        stream.truncate(2**32)
    assert cut_anew(Counting()) == len(TEXTS)
    assert path.stat().st_size < 2**16


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert cut_anew(Counting()) == len(TEXTS)


def test_what_was_not_used_for_longest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [[f"{n} {text}" for text in TEXTS] for n in range(6)]
    paths = []
    for number, some in enumerate(texts[:4]):
        cut_anew(Counting(), some)
        (path,) = set(kept()) - set(paths)
        paths.append(path)
        os.utime(path, (number, number))
    size = paths[0].stat().st_size
    monkeypatch.setattr(kept_tokens, "_most_bytes", lambda: 4 * size)
    assert cut_anew(Counting(), texts[0]) == 0, "used: now the last to go"
    cut_anew(Counting(), texts[4])
    assert paths[1] not in kept()
    assert {paths[0], paths[2], paths[3]} < set(kept())
    monkeypatch.setattr(kept_tokens, "_most_bytes", lambda: 4 * size - 4)
    cut_anew(Counting(), texts[5])
    assert len(kept()) == 4, "one that would take more than a quarter is not kept"


def test_what_cannot_be_removed_does_not_keep_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_anew(Counting())
    (path,) = kept()
    stuck = folder() / f"stuck{SUFFIX}"
    stuck.mkdir()
    (stuck / "file").touch()
    os.utime(stuck, (0, 0))
    os.utime(path, (1, 1))
    size = path.stat().st_size
    monkeypatch.setattr(kept_tokens, "_most_bytes", lambda: 4 * size)
    for number in range(4):
        cut_anew(Counting(), [f"{number} {text}"[: len(text)] for text in TEXTS])
    assert stuck.is_dir()
    assert path not in kept(), "the oldest that could go"


def test_only_some_texts_are_tokens_of_any_length_at_once() -> None:
    sizes = []

    class Long(Counting):
        def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
            sizes.append(len(texts))
            return super().encode_all(texts)

    cut_anew(Long(), [f"{n} a text" for n in range(3000)])
    assert sum(sizes) == 3000
    assert max(sizes) <= 1024


def test_a_vocabulary_whose_file_was_replaced_keeps_its_own_tokens(
    tmp_path: Path, playground_models: tuple[Path, Path]
) -> None:
    path = tmp_path / "a.model"
    path.write_bytes(playground_models[0].read_bytes())
    before = SentencePieceVocabulary(str(path), 0)
    first = rows(Ragged.of([[*ids[:8], before.eos_id] for ids in before.encode_all(TEXTS)]))
    path.write_bytes(playground_models[1].read_bytes())
    after = SentencePieceVocabulary(str(path), 0)
    second = rows(Ragged.of([[*ids[:8], after.eos_id] for ids in after.encode_all(TEXTS)]))
    assert first != second
    for _ in range(2):
        assert rows(cut(before, TEXTS, 9)) == first, "what it has read is older than the file"
        assert rows(cut(after, TEXTS, 9)) == second


@pytest.fixture
def playground_models(tmp_path: Path) -> tuple[Path, Path]:
    """Two sentencepiece files, one with a piece more in front of the others."""
    from sentencepiece import sentencepiece_model_pb2

    bundled = ROOT / "plugins/spotfw-playground/spotfw_playground/model/spiece.model"
    proto = sentencepiece_model_pb2.ModelProto.FromString(bundled.read_bytes())
    proto.pieces.insert(3, sentencepiece_model_pb2.ModelProto.SentencePiece(piece="~~", score=-9.0))
    other = tmp_path / "other.model"
    other.write_bytes(proto.SerializeToString())
    return bundled, other


def _cut_again(folder: str, times: int) -> None:
    os.environ.update({"XDG_CACHE_HOME": folder, VARIABLE: "10"})
    kept_tokens.SMALLEST = 100
    for _ in range(times):
        cut_anew(Counting())
        for path in kept():
            path.unlink(missing_ok=True)


def test_several_processes_write_and_remove_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_cut_again, args=(str(tmp_path), 30)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
        assert worker.exitcode == 0


def test_a_split_is_the_same_from_what_is_kept() -> None:
    texts = [Example(inputs=f"{n} abc", targets="xy"[n % 2]) for n in range(3000)]
    task = Task(name="t", family="f", type="c", splits={"train": 3000}, examples=lambda s: texts)
    vocabularies = [Counting(), Counting()]
    first, again = (read_examples(task, "train", v, 6, 3) for v in vocabularies)
    assert rows(first.inputs) == rows(again.inputs)
    assert rows(first.targets) == rows(again.targets)
    assert [vocabulary.texts for vocabulary in vocabularies] == [6000, 0]
    assert len(again.raw()) == 3000


def test_whoever_has_no_home_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    vocabulary = Counting()
    assert cut_anew(vocabulary) == cut_anew(vocabulary) == len(TEXTS)
