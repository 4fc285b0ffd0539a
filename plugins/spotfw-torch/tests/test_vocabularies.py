"""Folders without a sentencepiece file: tokenizer.json, and ByT5's bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)
pytest.importorskip("spotfw_playground", reason="spotfw-playground is not installed")
tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed")

from spotfw.config import TuningSettings  # noqa: E402
from spotfw_torch.plugin import TorchBackend  # noqa: E402

SETTINGS = TuningSettings(prompt_length=4, max_input_length=48, max_target_length=6)


@pytest.fixture(scope="module")
def packed() -> Path:
    from spotfw_playground.bundled import PACKED

    return Path(PACKED)


def _tokenizer(vocabulary: Path, folder: Path) -> None:
    """A Unigram tokenizer.json of a sentencepiece file's pieces."""
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers
    from tokenizers.models import Unigram

    proto = sentencepiece_model_pb2.ModelProto.FromString(vocabulary.read_bytes())
    made = Tokenizer(Unigram([(p.piece, p.score) for p in proto.pieces], unk_id=2))
    made.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.add_special_tokens(["<pad>", "</s>", "<unk>"])
    made.save(str(folder / "tokenizer.json"))


def test_a_folder_with_only_a_tokenizer_json_answers_as_one_with_spiece_model(packed, tmp_path):
    folder = tmp_path / "folder"
    shutil.copytree(packed, folder)
    _tokenizer(folder / "spiece.model", folder)
    (folder / "spiece.model").unlink()
    lines = ["film_reviews review: a dull film", "topic_news the team has won", "naïve  </s> 42"]
    with_pieces = TorchBackend(device="cpu").open(str(packed))
    prompt = np.ascontiguousarray(with_pieces.embeddings[5:9])
    wanted = with_pieces.predict(prompt, lines, SETTINGS)
    with_pieces.close()
    opened = TorchBackend(device="cpu").open(str(folder))
    assert opened.predict(prompt, lines, SETTINGS) == wanted
    assert opened.identity["vocabulary"] == opened.vocabulary.digest
    opened.close()


def test_byt5_reads_and_writes_bytes(write_small, tmp_path):
    folder = write_small(tmp_path, vocab_size=384, tokenizer_class="ByT5Tokenizer")
    opened = TorchBackend(device="cpu").open(str(folder))
    assert opened.vocabulary.encode("é") == [198, 172]
    context = opened.init_context(4)
    assert context.pieces == 259 and len(context.embeddings) == 384
    (answer,) = opened.predict(None, ["naïve"], SETTINGS)
    assert isinstance(answer, str)
    opened.close()
