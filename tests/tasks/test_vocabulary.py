"""Vocabularies in plain Python against seqio's: the same ids, the same texts."""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.seqio.vocabulary import seqio_vocabulary
from spotfw.tasks.vocabulary import (
    ByteVocabulary,
    SentencePieceVocabulary,
    encode_all,
    open_vocabulary_file,
)

NAMES = ("eos_id", "unk_id", "pad_id", "vocab_size", "extra_ids")
ODD = ("", " ", "  a", "a ", "a\nb", "a\0b", "<extra_id_0>", "x <extra_id_3> y", "</s>", "<pad>")


@pytest.fixture(scope="module", params=[0, 7, 100])
def pair(request, tiny_model):
    """The tiny model's vocabulary with some sentinels: ours and seqio's."""
    path = str(tiny_model / "spiece.model")
    return (
        SentencePieceVocabulary(path, request.param),
        seqio.SentencePieceVocabulary(path, request.param),
    )


def of_tensorflow(vocabulary, texts):
    """What seqio's tasks make of texts: TensorFlow's own sentencepiece."""
    return vocabulary.tf_tokenizer.tokenize(tf.constant(texts)).to_list()


def random_texts(count, seed=0):
    rng = random.Random(seed)
    kinds = ((32, 127), (32, 127), (0, 0x300), (0, 0xD800), (0xE000, 0x110000))
    return [
        "".join(chr(rng.randrange(*rng.choice(kinds))) for _ in range(rng.randrange(40)))
        for _ in range(count)
    ]


def test_sizes_and_special_ids(pair):
    ours, theirs = pair
    assert [getattr(ours, name) for name in NAMES] == [getattr(theirs, name) for name in NAMES]
    pieces = range(theirs.vocab_size)
    assert [ours.tokenizer.IdToPiece(i) for i in pieces] == [
        theirs.tokenizer.IdToPiece(i) for i in pieces
    ]


def test_texts_become_the_same_ids(pair):
    ours, theirs = pair
    texts = [*ODD, *random_texts(300)]
    expected = of_tensorflow(theirs, texts)
    assert [ours.encode(text) for text in texts] == expected
    assert ours.encode_all(texts) == expected == [list(theirs.encode(text)) for text in texts]
    assert encode_all(ours, []) == []


@given(ids=st.lists(st.integers(0, 400), max_size=12))
def test_ids_become_the_same_text(ids, pair):
    # Sentinels, ids beyond the table and ends in the middle are among them.
    ours, theirs = pair
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.decode(np.array(ids, np.int32)) == theirs.decode(np.array(ids, np.int32).tolist())


@given(st.lists(st.integers(0, 300), max_size=12), st.text(max_size=10))
def test_bytes(ids, text):
    ours, theirs = ByteVocabulary(), seqio.ByteVocabulary()
    assert [getattr(ours, name) for name in NAMES] == [getattr(theirs, name) for name in NAMES]
    assert ours.decode(ids) == theirs.decode(ids)
    assert ours.encode(text) == list(theirs.encode(text))


def test_seqio_takes_them_as_its_own(pair):
    ours, theirs = pair
    assert seqio_vocabulary(ours) == theirs
    assert seqio_vocabulary(theirs) is theirs
    assert isinstance(seqio_vocabulary(ByteVocabulary()), seqio.ByteVocabulary)


def test_they_are_values_and_go_to_other_processes(pair):
    ours, _ = pair
    ours.encode("read it")
    again = pickle.loads(pickle.dumps(ours))
    assert again == ours and hash(again) == hash(ours)
    assert again.encode("the film") == ours.encode("the film")
    assert ours != SentencePieceVocabulary(ours.path, ours.extra_ids + 1)
    assert ours != seqio.ByteVocabulary()
    assert repr(again) == (
        f"SentencePieceVocabulary(path={ours.path!r}, extra_ids={ours.extra_ids})"
    )


def test_a_file_that_is_absent_or_no_vocabulary(tmp_path: Path):
    with pytest.raises(SpotError, match=r"absent\.model does not exist"):
        open_vocabulary_file(str(tmp_path / "absent.model"))
    (tmp_path / "junk.model").write_bytes(b"no model")
    with pytest.raises(SpotError, match=r"junk\.model is not a sentencepiece model"):
        open_vocabulary_file(str(tmp_path / "junk.model"))


def test_no_tensorflow_is_loaded(tiny_model):
    code = (
        "import sys; from spotfw.tasks.vocabulary import open_vocabulary_file as f;"
        f"v = f({str(tiny_model / 'spiece.model')!r}); assert v.decode(v.encode('good')) == 'good';"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["glue_sst2", "squad", "super_glue_record", "yelp_polarity_reviews"]
)
def test_real_texts_on_the_real_vocabulary(name, shared):
    path = str(shared / "vocab" / "t5.model")
    ours, theirs = SentencePieceVocabulary(path, 100), seqio.SentencePieceVocabulary(path, 100)
    folder = shared / "data" / name
    if not folder.is_dir():
        pytest.skip(f"no real rows of {name} beside the repository")
    lines = (folder / "train.jsonl").read_text().splitlines()[:2000]
    cells = [cell for line in lines for cell in json.loads(line).values()]
    texts = [cell for cell in cells if isinstance(cell, str)] + random_texts(2000, seed=1)
    assert ours.encode_all(texts) == of_tensorflow(theirs, texts)
