"""Mesh TF checkpoint folders: what is written is read; what is wrong is reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from spotfw.backends.mesh.folders.checkpoint import (
    Checkpoint,
    fingerprint,
    write_checkpoint,
)
from spotfw.backends.mesh.folders.weights import check_variables
from spotfw.errors import SpotError

TENSORS = {
    "shared/embedding": np.arange(60, dtype=np.float32).reshape(12, 5),
    "encoder/rms_norm/scale": np.array([1, 2, 3], np.float32),
    "decoder/block_000/layer_000/SelfAttention/relative_attention_bias": np.eye(
        2, dtype=np.float32
    ),
}


def _write(folder: Path, step: int = 0, **changed: np.ndarray) -> Path:
    write_checkpoint(str(folder), step, (TENSORS | changed).items())
    return folder


_names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tensors=st.dictionaries(
        _names,
        st_numpy.arrays(np.float32, st_numpy.array_shapes(max_dims=3, max_side=5)),
        min_size=1,
        max_size=5,
    ),
    step=st.integers(0, 10**7),
    shard_bytes=st.integers(1, 200),
)
def test_reads_what_was_written_however_it_is_sharded(
    tmp_path_factory: pytest.TempPathFactory, tensors, step, shard_bytes
):
    folder = str(tmp_path_factory.mktemp("written"))
    write_checkpoint(folder, step, tensors.items(), shard_bytes)
    checkpoint = Checkpoint(folder)
    assert checkpoint.step == step
    assert checkpoint.shapes == {name: value.shape for name, value in tensors.items()}
    assert checkpoint.parameters == sum(value.size for value in tensors.values())
    for name, value in tensors.items():
        assert checkpoint.read(name).tobytes() == value.tobytes()
    left = {path.name.split(".data")[0] for path in Path(folder).iterdir()}
    assert left == {"checkpoint", f"model.ckpt-{step}", f"model.ckpt-{step}.index"}


def test_bfloat16_is_widened_exactly(tmp_path: Path):
    import ml_dtypes

    value = np.array([1.0, -2.5, 3.140625], ml_dtypes.bfloat16)
    checkpoint = Checkpoint(str(_write(tmp_path, narrow=value)))
    assert checkpoint.variables["narrow"].dtype == "bfloat16"
    assert checkpoint.read("narrow").dtype == np.float32
    assert checkpoint.read("narrow").tolist() == [1.0, -2.5, 3.140625]


def test_slots_and_the_step_counter_are_not_the_models(tmp_path: Path):
    zeros = np.zeros(3, np.float32)
    _write(
        tmp_path,
        **{"encoder/rms_norm/scale_slot_v": zeros, "global_step": np.zeros((), np.int64)},
    )
    assert set(Checkpoint(str(tmp_path)).variables) == set(TENSORS)


def test_the_checkpoint_file_says_which_step(tmp_path: Path):
    _write(tmp_path, 30)
    _write(tmp_path, 20)
    assert Checkpoint(str(tmp_path)).step == 20
    assert Checkpoint(str(tmp_path), step=30).step == 30


@pytest.mark.parametrize("named", [None, 'model_checkpoint_path: "/gone/model.ckpt-99"\n', "?"])
def test_without_a_usable_checkpoint_file_the_highest_step_counts(tmp_path: Path, named):
    for step in (9, 30, 200):
        _write(tmp_path, step)
    (tmp_path / "checkpoint").unlink()
    if named:
        (tmp_path / "checkpoint").write_text(named)
    assert Checkpoint(str(tmp_path)).step == 200


def test_an_interrupted_write_is_no_checkpoint(tmp_path: Path):
    def tensors():
        yield "shared/embedding", TENSORS["shared/embedding"]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(str(tmp_path), 0, tensors(), shard_bytes=1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_checkpoint_is_reported(tmp_path: Path):
    with pytest.raises(SpotError, match="holds no checkpoint"):
        Checkpoint(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(SpotError, match=r"spotfw models convert.*, or use .* --backend torch\)"):
        Checkpoint(str(tmp_path))
    with pytest.raises(SpotError, match="cannot be opened"):
        Checkpoint(str(tmp_path / "absent"))


def test_damage_is_reported(tmp_path: Path):
    _write(tmp_path)
    (data,) = tmp_path.glob("*.data-*")
    data.write_bytes(data.read_bytes()[:8])
    with pytest.raises(SpotError, match=r"shared/embedding.*damaged"):
        Checkpoint(str(tmp_path)).read("shared/embedding")
    (tmp_path / "model.ckpt-0.index").write_bytes(b"nonsense")
    with pytest.raises(SpotError, match="cannot be read"):
        Checkpoint(str(tmp_path))


def test_a_flipped_bit_is_reported(tmp_path: Path):
    _write(tmp_path)
    (data,) = tmp_path.glob("*.data-*")
    content = bytearray(data.read_bytes())
    content[-1] ^= 1  # of the variable written last
    data.write_bytes(content)
    checkpoint = Checkpoint(str(tmp_path))
    checkpoint.read("encoder/rms_norm/scale")
    with pytest.raises(SpotError, match=r"relative_attention_bias.*damaged"):
        checkpoint.read(list(TENSORS)[-1])


@pytest.mark.parametrize("value", [np.full(3, b"text", object), np.ones(3, np.complex64)])
def test_what_is_no_floating_point_number_is_reported(tmp_path: Path, value: np.ndarray):
    name = "encoder/rms_norm/scale"
    checkpoint = Checkpoint(str(_write(tmp_path, **{name: value, f"{name}_slot_v": value})))
    for read in (lambda: checkpoint.read(name), lambda: checkpoint.read_slot(f"{name}_slot_v")):
        with pytest.raises(SpotError, match=r"encoder/rms_norm/scale.* is stored as"):
            read()


@pytest.mark.parametrize(
    "value",
    [
        np.array(b"7", object),
        np.array(7.0),
        np.zeros(3, np.int64),
        np.array(-1),
        np.array(2**53),
    ],
)
def test_a_counter_that_counts_nothing_is_reported(tmp_path: Path, value: np.ndarray):
    checkpoint = Checkpoint(str(_write(tmp_path, global_step=value)))
    with pytest.raises(SpotError, match=r"global_step .* is damaged"):
        _ = checkpoint.updates


def test_the_counter_counts_updates_else_the_files_name_does(tmp_path: Path):
    assert Checkpoint(str(_write(tmp_path / "a", 4, global_step=np.int64(7)))).updates == 7
    assert Checkpoint(str(_write(tmp_path / "b", 4, global_step=np.array([7])))).updates == 7
    assert Checkpoint(str(_write(tmp_path / "c", 4))).updates == 4


def test_an_unknown_variable_is_reported(tmp_path: Path):
    with pytest.raises(SpotError, match="no variable nowhere"):
        Checkpoint(str(_write(tmp_path))).read("nowhere")


def test_a_checkpoint_that_fits_passes():
    check_variables({"a": (2, 3)}, {"a": (2, 3)})


def test_one_error_names_missing_extra_and_misshapen_variables():
    expected = {"fits": (1,), "wide": (2, 3), **{f"gone{i}": (1,) for i in range(5)}}
    stored = {"fits": (1,), "wide": (2, 4), "more": (9,)}
    with pytest.raises(SpotError) as error:
        check_variables(expected, stored, "the folder here")
    text = str(error.value)
    assert "5 missing (gone0, gone1, gone2, ...)" in text
    assert "1 unexpected (more)" in text
    assert "1 of another shape (wide is [2, 4], not [2, 3])" in text
    assert "the folder here" in text
    assert "1 fit" in text


def test_the_fingerprint_is_of_the_weights_alone(tmp_path: Path):
    first = fingerprint(str(_write(tmp_path / "a")))
    assert len(first) == 32
    assert int(first, 16) >= 0
    assert fingerprint(str(_write(tmp_path / "b", step=77))) == first


@pytest.mark.parametrize("place", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("name", sorted(TENSORS))
def test_the_fingerprint_tells_models_apart(tmp_path: Path, name: str, place: int):
    changed = TENSORS[name].copy()
    changed.flat[place] = np.nextafter(changed.flat[place], np.float32(9))
    before = fingerprint(str(_write(tmp_path / "a")))
    assert fingerprint(str(_write(tmp_path / "b", **{name: changed}))) != before


def test_the_fingerprint_sees_shapes_and_names(tmp_path: Path):
    before = fingerprint(str(_write(tmp_path / "a", extra=np.zeros((2, 3), np.float32))))
    for name, shape in (("extra", (3, 2)), ("other", (2, 3))):
        folder = _write(tmp_path / f"{name}{shape[0]}", **{name: np.zeros(shape, np.float32)})
        assert fingerprint(str(folder)) != before


def test_the_fingerprint_knows_the_older_name_of_the_norm(tmp_path: Path):
    old = {name.replace("rms_norm", "final_layer_norm"): v for name, v in TENSORS.items()}
    write_checkpoint(str(tmp_path / "old"), 0, old.items())
    assert fingerprint(str(tmp_path / "old")) == fingerprint(str(_write(tmp_path / "new")))
