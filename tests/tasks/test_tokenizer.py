"""A tokenizer.json gives the ids of the sentencepiece model that it was made from."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.tokenizer_file import write_tokenizer
from spotfw.backends.vocabulary import open_vocabulary
from spotfw.errors import SpotError
from spotfw.tasks.tokenizer import TokenizerVocabulary, open_tokenizer
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")

ROOT = Path(__file__).resolve().parents[2]
PLAYGROUND = ROOT / "plugins/spotfw-playground/spotfw_playground/model/spiece.model"
T5 = ROOT.parent / "shared" / "vocab" / "t5.model"
TEXTS = (
    "",
    " ",
    "the film was good",
    "  two  spaces and a tab\tand a line\n ",
    "Hello, World! 42 x 17 = 714; don't?",
    "Grüße, señor — naïve café №5 ½ ﬁne",
    "日本語 текст עברית",
    "</s> <pad> <unk> a</s>b",
    "x <extra_id_3> y",
    "sst2 sentence: it 's a charming and often affecting journey .",
)


@pytest.fixture(scope="module", params=[PLAYGROUND, T5], ids=["playground", "t5"])
def pair(request, tmp_path_factory):
    """The same pieces from a sentencepiece file and from a tokenizer.json."""
    if not request.param.exists():
        pytest.skip(f"{request.param.name} is not in shared/vocab")
    path = write_tokenizer(request.param, tmp_path_factory.mktemp("tokenizer"))
    return SentencePieceVocabulary(str(request.param), 100), open_tokenizer(str(path))


def test_sizes_and_special_ids(pair):
    theirs, ours = pair
    for name in ("vocab_size", "extra_ids", "pad_id", "eos_id", "unk_id"):
        assert getattr(ours, name) == getattr(theirs, name), name


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_ids_and_text(pair, text):
    theirs, ours = pair
    ids = ours.encode(text)
    assert ids == theirs.encode(text)
    assert ours.decode([*ids, 1, 5]) == theirs.decode([*ids, 1, 5])
    assert ours.encode_all([text, "good"]) == theirs.encode_all([text, "good"])


def test_words_in_any_order(pair):
    theirs, ours = pair
    rng = random.Random(0)
    words = [w for t in TEXTS for w in t.split() if "<" not in w] + ["the", "of", "running", "U.S."]
    texts = [" ".join(rng.choices(words, k=rng.randrange(1, 30))) for _ in range(200)]
    assert ours.encode_all(texts) == theirs.encode_all(texts)


@settings(max_examples=60)
@given(ids=st.lists(st.integers(2, 840), max_size=8))
def test_decoding_any_ids(ids):
    theirs = SentencePieceVocabulary(str(PLAYGROUND), 100)
    assert _of_playground().decode(ids) == theirs.decode(ids)


_KEPT: list[TokenizerVocabulary] = []


def _of_playground() -> TokenizerVocabulary:
    import tempfile

    if not _KEPT:
        with tempfile.TemporaryDirectory() as folder:
            _KEPT.append(open_tokenizer(str(write_tokenizer(PLAYGROUND, Path(folder)))))
    return _KEPT[0]


def test_ids_beyond_the_table_are_unknown(pair):
    theirs, ours = pair
    beyond = theirs.vocab_size + 7
    assert ours.decode([5, beyond, 6]) == theirs.decode([5, beyond, 6])


def test_it_is_a_value_and_can_be_sent(tmp_path):
    path = str(write_tokenizer(PLAYGROUND, tmp_path))
    opened = open_tokenizer(path)
    sent = pickle.loads(pickle.dumps(opened))
    assert sent == opened and hash(sent) == hash(opened)
    assert sent.encode("the film") == opened.encode("the film")
    assert opened != TokenizerVocabulary(path + "x") and opened != 3
    assert repr(opened) == f"TokenizerVocabulary(path={path!r})"
    assert len(opened.digest) == 32


def test_another_kind_of_model(tmp_path):
    """Byte-level BPE, as models of code have it, with T5's ends."""
    from tokenizers import Tokenizer, decoders, pre_tokenizers, trainers
    from tokenizers.models import BPE

    made = Tokenizer(BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(["for i in range(10): return i"] * 4, trainer)
    made.save(str(tmp_path / "tokenizer.json"))
    opened = open_tokenizer(str(tmp_path / "tokenizer.json"))
    for text in ("return  x</s>", "é = 1\n"):
        ids = opened.encode(text)
        assert 1 not in ids and opened.decode([*ids, 1, 9]) == text
    assert opened.extra_ids == 0 and opened.unk_id == 2


def test_the_folder_decides(tmp_path):
    path = write_tokenizer(PLAYGROUND, tmp_path)
    rows = open_tokenizer(str(path)).vocab_size
    assert isinstance(open_vocabulary(str(tmp_path), rows + 29), TokenizerVocabulary)
    with pytest.raises(SpotError, match="do not belong together"):
        open_vocabulary(str(tmp_path), rows - 1)
    (tmp_path / "spiece.model").write_bytes(PLAYGROUND.read_bytes())
    assert isinstance(open_vocabulary(str(tmp_path), rows), SentencePieceVocabulary)
    named = open_vocabulary(str(tmp_path), rows, str(path))
    assert isinstance(named, TokenizerVocabulary)


def test_umt5_has_300_sentinels(tmp_path):
    (tmp_path / "spiece.model").write_bytes(PLAYGROUND.read_bytes())
    pieces = open_vocabulary(str(tmp_path), 839).vocab_size
    assert open_vocabulary(str(tmp_path), pieces + 384).extra_ids == 300
    assert open_vocabulary(str(tmp_path), pieces + 129).extra_ids == 100


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_byt5_has_no_file(tmp_path, name):
    (tmp_path / name).write_text(json.dumps({"tokenizer_class": "ByT5Tokenizer"}))
    vocabulary = open_vocabulary(str(tmp_path), 384)
    assert vocabulary == ByteVocabulary(125) and vocabulary.vocab_size == 384
    assert vocabulary.decode([*vocabulary.encode("naïve"), 300, 1, 70]) == "naïve"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "not a tokenizer"),
        ("[]", "not a tokenizer"),
        ('{"model": {"vocab": []}}', "no </s>"),
        ('{"model": {"type": "Unigram", "vocab": [["</s>", 0.0], ["a"]]}}', "not a tokenizer"),
        ('{"model": {"type": "Nothing", "vocab": {"</s>": 1}}}', "not a tokenizer"),
    ],
)
def test_what_is_no_tokenizer(tmp_path, content, said):
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(SpotError, match=said):
        open_tokenizer(str(tmp_path / "tokenizer.json"))


@pytest.mark.parametrize("id", [-1, 1e999, 2.5, True, 10**30])
def test_an_id_that_is_none(tmp_path, id):
    path = write_tokenizer(PLAYGROUND, tmp_path)
    content = json.loads(path.read_text())
    (end,) = [token for token in content["added_tokens"] if token["content"] == "</s>"]
    end["id"] = id
    content["model"]["vocab"][1] = ["<end>", 0.0]
    path.write_text(json.dumps(content))
    with pytest.raises(SpotError, match=r"is not a tokenizer that can be used: an id is"):
        open_tokenizer(str(path))


def test_a_piece_without_a_character_is_written_as_nothing(tmp_path):
    path = write_tokenizer(PLAYGROUND, tmp_path)
    content = json.loads(path.read_text())
    word, (piece, score) = 40, content["model"]["vocab"][40]
    content["model"]["vocab"][word] = ["", score]
    path.write_text(json.dumps(content))
    assert piece and open_tokenizer(str(path)).decode([word]) == ""


def test_a_text_that_it_cannot_read(tmp_path):
    path = write_tokenizer(PLAYGROUND, tmp_path)
    content = json.loads(path.read_text())
    del content["model"]["unk_id"]
    path.write_text(json.dumps(content))
    opened = open_tokenizer(str(path))
    assert opened.encode("the film")
    for read in (opened.encode, lambda text: opened.encode_all([text])):
        with pytest.raises(SpotError, match="cannot make tokens of a text"):
            read("\U0001f642")


def test_other_ends_are_refused(tmp_path):
    path = write_tokenizer(PLAYGROUND, tmp_path)
    content = json.loads(path.read_text())
    vocab = content["model"]["vocab"]
    vocab[1], vocab[5] = vocab[5], vocab[1]
    content["added_tokens"] = []
    path.write_text(json.dumps(content))
    with pytest.raises(SpotError, match="ends a sequence with id 5"):
        open_tokenizer(str(path))


def test_absent(tmp_path):
    with pytest.raises(SpotError, match="does not exist"):
        open_tokenizer(str(tmp_path / "tokenizer.json"))
