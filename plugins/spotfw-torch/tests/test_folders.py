"""What folders are opened, and what is said of those that are not."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
import safetensors.numpy

REASON = "PyTorch is not installed: pip install './plugins/spotfw-torch[engine]'"
pytest.importorskip("torch", reason=REASON)
pytest.importorskip("spotfw_torch", reason=REASON)

import spotfw_torch  # noqa: E402
from spotfw_torch import ModelFolderError  # noqa: E402


def test_shards_are_one_model(write_small, tmp_path, model):
    sharded = spotfw_torch.load(write_small(tmp_path, shards=3))
    np.testing.assert_array_equal(sharded.embeddings(), model.embeddings())
    assert sharded.width == model.width == 48 and sharded.vocabulary_size == 96


def test_a_head_that_transformers_5_tied(write_small, tmp_path):
    """It writes tie_word_embeddings true for a T5 1.1 and says apart that nothing is scaled."""
    folder = write_small(tmp_path, tie_word_embeddings=True, scale_decoder_outputs=False)
    opened = spotfw_torch.load(folder)
    assert opened.weights.head is opened.weights.embedding
    assert not opened.dimensions.scaled_output


def test_an_original_t5_is_scaled_and_tied(write_small, tmp_path):
    opened = spotfw_torch.load(
        write_small(tmp_path, tie_word_embeddings=True, feed_forward_proj="relu")
    )
    assert opened.dimensions.scaled_output and not opened.dimensions.gated
    assert opened.weights.head is opened.weights.embedding


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ModelFolderError, match=r"config\.json"):
        spotfw_torch.load(tmp_path / "none")


def test_weights_that_are_not_there(write_small, tmp_path):
    folder = write_small(tmp_path)
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"has no weights"):
        spotfw_torch.load(folder)


def test_a_pickle_is_not_opened(write_small, tmp_path):
    folder = write_small(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFolderError, match="pickle"):
        spotfw_torch.load(folder)


def test_half_a_file(write_small, tmp_path):
    folder = write_small(tmp_path)
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelFolderError, match="download it again"):
        spotfw_torch.load(folder)


def test_a_shard_that_is_missing(write_small, tmp_path):
    folder = write_small(tmp_path, shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelFolderError, match="model-00002-of-00002"):
        spotfw_torch.load(folder)


def test_an_index_without_a_map(write_small, tmp_path):
    folder = write_small(tmp_path, shards=2)
    (folder / "model.safetensors.index.json").write_text("{}")
    with pytest.raises(ModelFolderError, match="weight_map"):
        spotfw_torch.load(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"d_ff": 81}, "wi_0"),
        ({"num_layers": 4}, r"encoder\.block\.3.*missing"),
        ({"model_type": "bert"}, "bert"),
        ({"feed_forward_proj": "gated-silu"}, "gated-silu"),
        ({"feed_forward_proj": "gelu"}, "gelu"),
        ({"d_model": None}, "no T5"),
        ({"num_layers": 10**9}, "from 1 to 1,000"),
        ({"d_ff": True}, "d_ff = True"),
        ({"layer_norm_epsilon": float("nan")}, "layer_norm_epsilon"),
    ],
)
def test_a_configuration_that_does_not_fit(write_small, tmp_path, changes, said):
    folder = write_small(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(ModelFolderError, match=said):
        spotfw_torch.load(folder)


def test_weights_that_are_no_numbers(write_small, tmp_path):
    folder = write_small(tmp_path)
    path = folder / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    tensors["shared.weight"][3, 1] = np.nan
    safetensors.numpy.save_file(tensors, path)
    with pytest.raises(ModelFolderError, match="1 values that are NaN"):
        spotfw_torch.load(folder)


def test_an_index_that_was_left_over(write_small, tmp_path):
    """As transformers: one whole file goes before an index."""
    folder = write_small(tmp_path)
    index = {"weight_map": {"shared.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert spotfw_torch.load(folder).width == 48


def test_files_of_no_end(write_small, tmp_path):
    folder = write_small(tmp_path)
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(ModelFolderError, match=r"config\.json"):
        spotfw_torch.load(folder)
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    with pytest.raises(ModelFolderError, match=r"config\.json"):
        spotfw_torch.load(folder)


def test_another_type(write_small, tmp_path):
    with pytest.raises(ValueError, match="float16"):
        spotfw_torch.load(write_small(tmp_path), dtype="float16")


def test_an_mt5_is_read_and_never_scales(write_small, tmp_path, model):
    folder = write_small(tmp_path, model_type="mt5", eos_token_id=[1])
    config = json.loads((folder / "config.json").read_text())
    del config["feed_forward_proj"]  # gated-gelu where an mT5 says nothing
    (folder / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": True}))
    opened = spotfw_torch.load(folder)
    assert not opened.dimensions.scaled_output and opened.dimensions.gated
    assert opened.weights.head is not opened.weights.embedding


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("eos_token_id", 2, "not T5's 1"),
        ("pad_token_id", 3, "not T5's 0"),
        ("decoder_start_token_id", True, "not T5's 0"),
    ],
)
def test_a_model_with_other_tokens_is_refused(write_small, tmp_path, setting, value, said):
    with pytest.raises(ModelFolderError, match=said):
        spotfw_torch.load(_configured(write_small(tmp_path), **{setting: value}))


def test_tensors_without_a_place_are_refused(write_small, tmp_path):
    """A smaller depth in config.json would leave blocks out in silence."""
    folder = write_small(tmp_path)
    with pytest.raises(ModelFolderError, match=r"have no place .*encoder\.block\.2"):
        spotfw_torch.load(_configured(folder, num_layers=2))


@pytest.mark.parametrize("copies", [("encoder",), ("encoder", "decoder")])
def test_the_embedding_table_may_be_stored_as_its_copies(write_small, tmp_path, model, copies):
    folder = write_small(tmp_path)
    path = folder / "model.safetensors"
    tensors = safetensors.numpy.load_file(path)
    table = tensors.pop("shared.weight")
    tensors |= {f"{stack}.embed_tokens.weight": table for stack in copies}
    safetensors.numpy.save_file(tensors, path)
    np.testing.assert_array_equal(spotfw_torch.load(folder).embeddings(), model.embeddings())
    tensors["shared.weight"] = table + 1
    safetensors.numpy.save_file(tensors, path)
    with pytest.raises(ModelFolderError, match=r"differs from shared\.weight"):
        spotfw_torch.load(folder)


def _configured(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    return folder
