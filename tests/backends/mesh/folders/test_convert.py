"""Hugging Face folder <-> Mesh TF checkpoint: exact both ways, and clear about what it refuses."""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from benchmarks import random_t5
from spotfw.backends.mesh.folders import hf_folder, hf_names
from spotfw.backends.mesh.folders.checkpoint import Checkpoint, fingerprint, write_checkpoint
from spotfw.backends.mesh.folders.convert import convert, hf_to_mesh, mesh_to_hf
from spotfw.backends.mesh.folders.hf_model import HFModel
from spotfw.errors import SpotError, WrongUse

TINY = hf_names.T5Dimensions(
    d_model=16,
    d_ff=24,
    d_kv=4,
    num_heads=3,
    encoder_layers=2,
    decoder_layers=2,
    vocabulary_size=256,
)


@pytest.fixture
def hf(tmp_path: Path) -> Path:
    random_t5.write_folder(tmp_path / "hf", TINY, seed=3)
    return tmp_path / "hf"


def _there_and_back(folder: Path, place: Path) -> Path:
    there = convert(str(folder), str(place / "there"))
    back = convert(there.folder, str(place / "back"))
    assert (there.kind, back.kind) == ("mesh", "huggingface")
    assert there.fingerprint == back.fingerprint
    assert there.parameters == back.parameters
    return place / "back"


def _same(folder: Path, other: Path) -> None:
    a, b = load_file(folder / "model.safetensors"), load_file(other / "model.safetensors")
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].shape == b[name].shape
        assert a[name].tobytes() == b[name].tobytes(), name
    assert json.loads((folder / "config.json").read_text()) == json.loads(
        (other / "config.json").read_text()
    )
    assert (folder / "spiece.model").read_bytes() == (other / "spiece.model").read_bytes()


def test_there_and_back_is_exact(hf: Path, tmp_path: Path):
    _same(hf, _there_and_back(hf, tmp_path))


@pytest.mark.parametrize(
    "changes",
    [{"vocabulary_size": 300}, {"encoder_layers": 1, "decoder_layers": 3}, {"buckets": 16}],
    ids=["padded", "asymmetric", "buckets"],
)
def test_there_and_back_is_exact_for_other_shapes(changes: dict[str, int], tmp_path: Path):
    random_t5.write_folder(tmp_path / "hf", attrs.evolve(TINY, **changes), seed=3)
    _same(tmp_path / "hf", _there_and_back(tmp_path / "hf", tmp_path))


def test_the_real_model_there_and_back(shared: Path, tmp_path: Path):
    folder = shared / "models" / "english-tiny"
    _same(folder, _there_and_back(folder, tmp_path))


def test_a_mesh_checkpoint_gives_the_same_fingerprint_after_hugging_face(
    tiny_model: Path, tmp_path: Path
):
    converted = mesh_to_hf(str(tiny_model), str(tmp_path / "hf"))
    again = hf_to_mesh(converted.folder, str(tmp_path / "mesh"))
    assert again.fingerprint == fingerprint(str(tiny_model)) == converted.fingerprint


def test_a_folder_has_the_fingerprint_of_what_it_converts_to(hf: Path, tmp_path: Path):
    assert HFModel(str(hf)).fingerprint == hf_to_mesh(str(hf), str(tmp_path / "mesh")).fingerprint
    random_t5.write_folder(tmp_path / "odd", attrs.evolve(TINY, vocabulary_size=300), seed=3)
    converted = hf_to_mesh(str(tmp_path / "odd"), str(tmp_path / "padded"))
    assert HFModel(str(tmp_path / "odd")).fingerprint == converted.fingerprint


def test_the_fingerprint_begins_as_that_of_version_0_1(hf: Path):
    """Prompts learned with spotfw 0.1 find their model by it; see `spotfw.prompts.same_model`."""
    model = HFModel(str(hf))
    digest = hashlib.sha256()
    for name in sorted(model.shapes):
        digest.update(f"{name} {list(model.shapes[name])}\n".encode())
    for name in sorted(model.shapes):
        value = model.read(name)
        if value.ndim == 1 or name.endswith("relative_attention_bias"):
            digest.update(value.tobytes())
        elif name == "shared/embedding":
            digest.update(value[:8].tobytes())
    assert model.fingerprint[:16] == digest.hexdigest()[:16]


def test_padding_rows_are_zeros(tmp_path: Path):
    random_t5.write_folder(tmp_path / "hf", attrs.evolve(TINY, vocabulary_size=300), seed=3)
    hf_to_mesh(str(tmp_path / "hf"), str(tmp_path / "mesh"))
    checkpoint = Checkpoint(str(tmp_path / "mesh"))
    assert checkpoint.shapes["shared/embedding"] == (384, 16)
    assert not checkpoint.read("shared/embedding")[300:].any()
    assert not checkpoint.read("decoder/logits/kernel")[:, 300:].any()


def test_matrices_are_turned(hf: Path, tmp_path: Path):
    hf_to_mesh(str(hf), str(tmp_path / "mesh"))
    checkpoint, there = Checkpoint(str(tmp_path / "mesh")), load_file(hf / "model.safetensors")
    cases = {
        "decoder/block_001/layer_001/EncDecAttention/q": (
            "decoder.block.1.layer.1.EncDecAttention.q.weight",
            True,
        ),
        "encoder/block_000/layer_000/SelfAttention/relative_attention_bias": (
            "encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight",
            True,
        ),
        "decoder/block_000/layer_002/DenseReluDense/wo/kernel": (
            "decoder.block.0.layer.2.DenseReluDense.wo.weight",
            True,
        ),
        "shared/embedding": ("shared.weight", False),
    }
    for mesh, (name, turned) in cases.items():
        expected = there[name].T if turned else there[name]
        np.testing.assert_array_equal(checkpoint.read(mesh), expected)


def test_mesh_tf_builds_exactly_these_variables(hf: Path, tmp_path: Path):
    from spotfw.backends.mesh.engine import open_model

    hf_to_mesh(str(hf), str(tmp_path / "mesh"))
    model = open_model(str(tmp_path / "mesh"))  # checks names and shapes against Mesh TF's
    checkpoint = Checkpoint(str(tmp_path / "mesh"))
    for name, value in model.read_variables().items():
        assert value.tobytes() == checkpoint.read(name).tobytes()
    model.close()


def test_plain_t5_can_read_the_configuration(hf: Path, tmp_path: Path):
    hf_to_mesh(str(hf), str(tmp_path / "mesh"))
    text = (tmp_path / "mesh" / "operative_config.gin").read_text()
    assert "include" not in text
    assert "spotfw" not in text
    for line in ("d_model = 16", "num_layers = 2", "num_heads = 3", "d_ff = 24", "d_kv = 4"):
        assert line in text.splitlines()


def test_bfloat16_is_widened_exactly(hf: Path, tmp_path: Path):
    import ml_dtypes

    narrow = {
        name: value.astype(ml_dtypes.bfloat16)
        for name, value in load_file(hf / "model.safetensors").items()
    }
    save_file(narrow, hf / "model.safetensors")
    back = load_file(_there_and_back(hf, tmp_path) / "model.safetensors")
    for name, value in narrow.items():
        assert back[name].dtype == np.float32
        np.testing.assert_array_equal(back[name], value.astype(np.float32))


def test_bfloat16_is_written_when_asked(hf: Path, tmp_path: Path):
    import ml_dtypes

    convert(str(hf), str(tmp_path / "mesh"), dtype="bfloat16")
    assert {v.dtype for v in Checkpoint(str(tmp_path / "mesh")).variables.values()} == {"bfloat16"}
    convert(str(tmp_path / "mesh"), str(tmp_path / "back"), dtype="bfloat16")
    for name, value in load_file(tmp_path / "back" / "model.safetensors").items():
        original = load_file(hf / "model.safetensors")[name]
        assert value.tobytes() == original.astype(ml_dtypes.bfloat16).tobytes()
    assert json.loads((tmp_path / "back" / "config.json").read_text())["dtype"] == "bfloat16"
    with pytest.raises(WrongUse, match="int8"):
        convert(str(hf), str(tmp_path / "x"), dtype="int8")


@pytest.fixture
def sharded(hf: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "sharded"
    shutil.copytree(hf, folder)
    tensors = load_file(hf / "model.safetensors")
    (folder / "model.safetensors").unlink()
    shapes = {name: value.shape for name, value in tensors.items()}
    hf_folder.write_tensors(folder, shapes, tensors.items(), shard_bytes=8000)
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 2
    return folder


def test_shards_are_read(hf: Path, sharded: Path, tmp_path: Path):
    _same(hf, _there_and_back(sharded, tmp_path))


def test_a_missing_shard_is_reported(sharded: Path, tmp_path: Path):
    next(sharded.glob("model-00002-*")).unlink()
    with pytest.raises(SpotError, match="model-00002-of"):
        convert(str(sharded), str(tmp_path / "mesh"))


def _edit(hf: Path, change: Callable[[dict[str, np.ndarray]], object]) -> None:
    tensors = load_file(hf / "model.safetensors")
    change(tensors)
    save_file(tensors, hf / "model.safetensors")


def _configure(hf: Path, **changes: object) -> None:
    config = json.loads((hf / "config.json").read_text())
    (hf / "config.json").write_text(json.dumps(config | changes))


def test_copies_of_the_embeddings_are_left_out(hf: Path, tmp_path: Path):
    before = hf_to_mesh(str(hf), str(tmp_path / "before")).fingerprint
    _edit(hf, lambda t: t.update({"encoder.embed_tokens.weight": t["shared.weight"].copy()}))
    assert hf_to_mesh(str(hf), str(tmp_path / "more")).fingerprint == before
    _edit(hf, lambda t: t.pop("shared.weight"))
    assert hf_to_mesh(str(hf), str(tmp_path / "instead")).fingerprint == before


def _copy_that_differs(hf: Path) -> None:
    _edit(hf, lambda t: t.update({"decoder.embed_tokens.weight": t["shared.weight"] + 1}))


def _only_a_pickle(hf: Path) -> None:
    (hf / "model.safetensors").rename(hf / "pytorch_model.bin")


def _truncated(hf: Path) -> None:
    file = hf / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-50])


def _integers(hf: Path) -> None:
    _edit(hf, lambda t: t.update({"shared.weight": t["shared.weight"].astype(np.int32)}))


def _not_a_number(hf: Path) -> None:
    def spoil(tensors: dict[str, np.ndarray]) -> None:
        weights = tensors["lm_head.weight"].copy()
        weights[3, :2] = np.nan, np.inf
        tensors["lm_head.weight"] = weights

    _edit(hf, spoil)


WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda hf: _edit(hf, lambda t: t.pop("lm_head.weight")), "1 missing .lm_head"),
    "extra": (
        lambda hf: _edit(hf, lambda t: t.update({"adapter.weight": np.zeros(3, np.float32)})),
        "1 unexpected .adapter",
    ),
    "misshapen": (lambda hf: _configure(hf, d_ff=32), r"12 of another shape.*is \[24, 16\], not"),
    "tied": (lambda hf: _configure(hf, tie_word_embeddings=True), "tie_word_embeddings True"),
    "relu": (lambda hf: _configure(hf, feed_forward_proj="relu"), "feed_forward_proj 'relu'"),
    "not t5": (lambda hf: _configure(hf, model_type="bert"), "model_type 'bert'"),
    "distance": (
        lambda hf: _configure(hf, relative_attention_max_distance=64),
        "relative_attention_max_distance 64",
    ),
    "no number": (lambda hf: _configure(hf, d_model="wide"), "usable number"),
    "no json": (lambda hf: (hf / "config.json").write_text("{"), "config.json cannot be read"),
    "vocabulary": (
        lambda hf: (hf / "spiece.model").write_bytes(random_t5.vocabulary(257)),
        "257 pieces.*256",
    ),
    "no vocabulary": (
        lambda hf: (hf / "spiece.model").write_bytes(b"nonsense"),
        "not a sentencepiece model",
    ),
    "pickle": (_only_a_pickle, "pytorch_model.bin, a pickle"),
    "no weights": (lambda hf: (hf / "model.safetensors").unlink(), "has no weights"),
    "truncated": (_truncated, "model.safetensors cannot be read"),
    "integers": (_integers, "type I32"),
    "byte by byte": (
        lambda hf: _configure(hf, tokenizer_class="ByT5Tokenizer"),
        "ByT5, which reads bytes",
    ),
    "another end": (
        lambda hf: _configure(hf, eos_token_id=2),
        "has eos_token_id 2, not T5's 1",
    ),
    "another begin": (
        lambda hf: _configure(hf, decoder_start_token_id=5),
        "has decoder_start_token_id 5, not T5's 0",
    ),
    "tied by nothing": (
        lambda hf: _configure(hf, tie_word_embeddings=None),
        "whose outputs are scaled",
    ),
    "no numbers": (_not_a_number, r"lm_head.weight of .* holds 2 values that are NaN or infinite"),
    "copy that differs": (_copy_that_differs, "differs from shared.weight"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_converted_is_reported_and_nothing_is_left(
    what: str, hf: Path, tmp_path: Path
):
    spoil, message = WRONG[what]
    spoil(hf)
    with pytest.raises(SpotError, match=message):
        convert(str(hf), str(tmp_path / "mesh"))
    assert [path.name for path in tmp_path.iterdir()] == ["hf"]


#: What transformers 5 writes into a T5 1.1's config.json.
_TRANSFORMERS_5 = {
    "tie_word_embeddings": True,
    "scale_decoder_outputs": False,
    "is_gated_act": True,
    "dense_act_fn": "gelu_new",
}


def test_what_transformers_5_saves_is_the_same_model(hf: Path, tmp_path: Path):
    before = hf_to_mesh(str(hf), str(tmp_path / "before")).fingerprint
    _configure(hf, **_TRANSFORMERS_5)
    assert hf_to_mesh(str(hf), str(tmp_path / "after")).fingerprint == before
    # Where no output layer is stored, it is the embeddings.
    _edit(hf, lambda t: t.update({"lm_head.weight": t["shared.weight"].copy()}))
    own = hf_to_mesh(str(hf), str(tmp_path / "own")).fingerprint
    _edit(hf, lambda t: t.pop("lm_head.weight"))
    assert hf_to_mesh(str(hf), str(tmp_path / "tied")).fingerprint == own
    kernel = Checkpoint(str(tmp_path / "tied")).read("decoder/logits/kernel")
    np.testing.assert_array_equal(
        kernel.T, Checkpoint(str(tmp_path / "tied")).read("shared/embedding")
    )
    assert (tmp_path / "tied" / "hf_config.json").exists()
    _configure(hf, scale_decoder_outputs=True)
    with pytest.raises(SpotError, match="whose outputs are scaled"):
        convert(str(hf), str(tmp_path / "scaled"))


def test_an_mt5_never_scales(hf: Path, tmp_path: Path):
    """As transformers 5 saves it: tied, and without a word on scaling."""
    before = hf_to_mesh(str(hf), str(tmp_path / "before")).fingerprint
    _configure(hf, model_type="mt5", tie_word_embeddings=True, eos_token_id=[1])
    assert hf_to_mesh(str(hf), str(tmp_path / "after")).fingerprint == before


def test_an_index_left_over_beside_a_whole_file_counts_for_nothing(hf: Path, tmp_path: Path):
    before = hf_to_mesh(str(hf), str(tmp_path / "before")).fingerprint
    index = {"metadata": {}, "weight_map": {"shared.weight": "model-00001-of-00002.safetensors"}}
    (hf / "model.safetensors.index.json").write_text(json.dumps(index))
    assert hf_to_mesh(str(hf), str(tmp_path / "after")).fingerprint == before


def test_added_tokens_are_named(hf: Path, tmp_path: Path):
    assert hf_to_mesh(str(hf), str(tmp_path / "plain")).notes == ()
    (hf / "added_tokens.json").write_text(json.dumps({"{": 252, "<extra_id_0>": 251}))
    entry = {"id": 253, "content": "<", "special": False}
    (hf / "tokenizer.json").write_text(json.dumps({"added_tokens": [entry]}))
    decoder = {"254": {"content": "}"}, "0": {"content": "<pad>"}}
    (hf / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
    (note,) = hf_to_mesh(str(hf), str(tmp_path / "mesh")).notes
    assert "has 3 added tokens ('{', '<', '}')" in note
    (hf / "added_tokens.json").write_text("[")
    with pytest.raises(SpotError, match="cannot be read"):
        convert(str(hf), str(tmp_path / "damaged"))


def test_a_folder_without_a_sentencepiece_model_says_how_to_get_it(hf: Path, tmp_path: Path):
    (hf / "spiece.model").unlink()
    (hf / "tokenizer.json").write_text("{}")
    (note,) = hf_to_mesh(str(hf), str(tmp_path / "mesh")).notes
    assert "no vocabulary spiece.model (its tokenizer.json is another form)" in note


def test_a_checkpoint_of_another_kind_is_reported(hf: Path, tmp_path: Path):
    hf_to_mesh(str(hf), str(tmp_path / "mesh"))
    whole = Checkpoint(str(tmp_path / "mesh"))
    names = set(whole.variables)
    for left_out, message in (
        ("decoder/logits/kernel", "not a T5 1.1"),
        ("encoder/block_000/layer_001/DenseReluDense/wi_0/kernel", "not a T5 1.1"),
        ("encoder/block_001/layer_000/SelfAttention/q", "1 missing"),
    ):
        folder = tmp_path / left_out.replace("/", "_")
        write_checkpoint(str(folder), 0, ((n, whole.read(n)) for n in names - {left_out}))
        with pytest.raises(SpotError, match=message):
            convert(str(folder), str(tmp_path / "back"))
        assert not (tmp_path / "back").exists()


def test_a_config_of_another_model_is_reported(hf: Path, tmp_path: Path):
    hf_to_mesh(str(hf), str(tmp_path / "mesh"))
    _configure(hf, num_layers=7)
    shutil.copy(hf / "config.json", tmp_path / "mesh" / "hf_config.json")
    with pytest.raises(SpotError, match="belongs to another model"):
        convert(str(tmp_path / "mesh"), str(tmp_path / "back"))
    (tmp_path / "mesh" / "hf_config.json").unlink()
    convert(str(tmp_path / "mesh"), str(tmp_path / "back"))


def test_a_destination_in_use_stays_as_it_is(hf: Path, tmp_path: Path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    with pytest.raises(SpotError, match="not empty"):
        convert(str(hf), str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["file"]
    (tmp_path / "empty").mkdir()
    convert(str(hf), str(tmp_path / "empty"))
    assert Checkpoint(str(tmp_path / "empty")).step == 0


@pytest.mark.parametrize("direction", ["to mesh", "to hugging face"])
def test_a_full_disk_is_reported_and_nothing_is_left(hf: Path, tmp_path: Path, direction: str):
    source = hf
    if direction == "to hugging face":
        hf_to_mesh(str(hf), str(tmp_path / "mesh"))
        source = tmp_path / "mesh"
    before = {path.name for path in tmp_path.iterdir()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # writes beyond it fail
    try:
        with pytest.raises(SpotError, match=r"(cannot be written|Could not write).*Free"):
            convert(str(source), str(tmp_path / "dst"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name for path in tmp_path.iterdir()} == before


def test_progress_reaches_the_end(hf: Path, tmp_path: Path):
    seen: list[tuple[int, int]] = []
    convert(str(hf), str(tmp_path / "mesh"), progress=lambda *done: seen.append(done))
    total = len(list(hf_names.variables(TINY)))
    assert seen == [(i + 1, total) for i in range(total)]
