"""Prompts and their files: what goes in comes out, and what is broken is refused."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spotfw.errors import SpotError, WrongUse
from spotfw.prompts import (
    Provenance,
    SoftPrompt,
    check_fits,
    load_prompt,
    pack_prompt,
    same_model,
    save_prompt,
    unpack_prompt,
    write_peft,
)
from tests.places import SHARED

PUBLISHED = SHARED / "prompts"

arrays = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
texts = st.none() | st.text(max_size=20)
numbers = st.none() | st.integers(0, 2**40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: "Infinity" not in json.dumps(value))
provenances = st.builds(
    Provenance,
    task=texts,
    family=texts,
    labels=st.lists(st.text(), max_size=3),
    model=texts,
    fingerprint=texts,
    seed=numbers,
    step=numbers,
    score=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    metrics=st.dictionaries(st.text(), st.floats(0, 100), max_size=3),
    settings=st.dictionaries(st.text(), json_values, max_size=3),
    started_from=texts,
    versions=st.dictionaries(st.text(), st.text(), max_size=3),
    created=texts,
    extra=st.dictionaries(
        st.text().filter(lambda n: n not in {f.name for f in attrs.fields(Provenance)}),
        json_values,
        max_size=3,
    ),
)


def a_prompt(**values: Any) -> SoftPrompt:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    return SoftPrompt(array, Provenance(**values))


@given(arrays, provenances)
def test_round_trip_of_bytes(array: Any, provenance: Provenance) -> None:
    prompt = SoftPrompt(array, provenance)
    data = pack_prompt(prompt)
    again = unpack_prompt(data)
    assert again == prompt
    assert again.array.tobytes() == array.tobytes()
    assert pack_prompt(again) == data


@given(arrays, provenances)
@settings(max_examples=30)
def test_the_safetensors_library_reads_our_files(array: Any, provenance: Provenance) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load(pack_prompt(SoftPrompt(array, provenance)))
    assert list(tensors) == ["prompt"]
    assert tensors["prompt"].dtype == np.float32
    np.testing.assert_array_equal(tensors["prompt"], array)


@given(arrays, st.sampled_from([np.float16, np.float32, np.float64]))
@settings(max_examples=30)
def test_we_read_files_of_the_safetensors_library(array: Any, dtype: Any) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    array = np.clip(array, -60000, 60000).astype(dtype)
    data = safetensors.save({"prompt": array, "zz": np.zeros(3, np.int64)})
    np.testing.assert_array_equal(unpack_prompt(data).array, array.astype(np.float32))


@pytest.mark.parametrize("name", ["p.safetensors", "p.npy"])
def test_round_trip_of_files(tmp_path: Path, name: str) -> None:
    prompt = a_prompt(task="t", step=7)
    save_prompt(prompt, tmp_path / name)
    again = load_prompt(tmp_path / name)
    np.testing.assert_array_equal(again.array, prompt.array)
    assert again.provenance == (prompt.provenance if "safe" in name else Provenance())


def test_unknown_suffix(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"\.safetensors or \.npy"):
        save_prompt(a_prompt(), tmp_path / "p.pt")


def test_the_array_is_its_own_and_read_only() -> None:
    array = np.ones((2, 3), np.float32)
    prompt = SoftPrompt(array)
    array[:] = 5
    assert prompt.array.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        prompt.array[0] = 0


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.ones(3), "shape"),
        (np.ones((2, 3, 4)), "shape"),
        (np.ones((0, 3)), "shape"),
        (np.array([[1.0], [math.nan]]), "token 1"),
        (np.array([[math.inf]]), "diverged"),
    ],
)
def test_arrays_that_are_no_prompt(tmp_path: Path, array: Any, said: str) -> None:
    with pytest.raises(SpotError, match=said):
        SoftPrompt(array)
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(SpotError, match=rf"p\.npy.*{said}"):
        load_prompt(tmp_path / "p.npy")


def test_metrics_that_are_no_number_become_none() -> None:
    prompt = a_prompt(metrics={"spearman": math.nan, "pearson": 3.0}, score=math.nan)
    again = unpack_prompt(pack_prompt(prompt)).provenance
    assert again.metrics == {"spearman": None, "pearson": 3.0}
    assert again.score is None


def refused(data: bytes) -> str:
    with pytest.raises(SpotError) as caught:
        unpack_prompt(data, "the-file")
    text = str(caught.value)
    assert "the-file" in text
    assert "\n" not in text
    return text


@given(st.data())
def test_every_cut_is_refused(data: st.DataObject) -> None:
    whole = pack_prompt(a_prompt(task="t"))
    refused(whole[: data.draw(st.integers(0, len(whole) - 1))])
    refused(whole + bytes(data.draw(st.integers(1, 9))))


@given(st.binary(max_size=300))
def test_garbage_is_refused(data: bytes) -> None:
    refused(data)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_flipped_byte_is_read_or_refused_but_never_crashes(place: int, value: int) -> None:
    whole = bytearray(pack_prompt(a_prompt(task="t", metrics={"a": 1.0}, labels=("x",))))
    whole[place % len(whole)] = value
    try:
        prompt = unpack_prompt(bytes(whole))
    except SpotError:
        return
    assert prompt.array.dtype == np.float32
    assert np.isfinite(prompt.array).all()


def packed(header: Any, body: bytes = bytes(48)) -> bytes:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    return len(text).to_bytes(8, "little") + text + body


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48], **changes}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ((2**63).to_bytes(8, "little") + bytes(99), "cannot hold the header"),
        ((200 * 2**20).to_bytes(8, "little") + bytes(99), "cannot hold the header"),
        (packed("[1, 2]"), "not an object"),
        (packed("[" * 100_000), "JSON"),
        (packed({"other": entry()}), "no tensor 'prompt'"),
        (packed({"prompt": entry(dtype="I32")}), "not floating point"),
        (packed({"prompt": entry(dtype="F16")}), "not have as many bytes"),
        (packed({"prompt": entry(shape=[3, 5])}), "not have as many bytes"),
        (packed({"prompt": entry(shape=[2**62, 2**62])}), "not have as many bytes"),
        (packed({"prompt": entry(shape=[-3, -4])}), "within the file"),
        (packed({"prompt": entry(shape=[3.0, 4])}), "within the file"),
        (packed({"prompt": entry(shape=[True, 12])}), "within the file"),
        (packed({"prompt": entry(shape=12)}), "incomplete"),
        (packed({"prompt": entry(data_offsets=[48, 96])}), "cut off"),
        (packed({"prompt": entry(data_offsets=[0])}), "incomplete"),
        (packed({"prompt": entry(dtype=[])}), "within the file"),
        (packed({"prompt": "x"}), "incomplete"),
        (packed({"prompt": {**entry(), "more": 1}}), "more than a tensor's"),
        (packed({"prompt": entry(shape=[12])}), "shape"),
        (packed({"prompt": entry(), "__metadata__": [1]}), "metadata"),
        (packed({"prompt": entry(), "__metadata__": {"provenance": "{"}}), "JSON"),
        (packed({"prompt": entry(), "__metadata__": {"provenance": "[]"}}), "not an object"),
        (packed({"prompt": entry(), "__metadata__": {"provenance": '{"step": "x"}'}}), "step"),
        (packed({"prompt": entry(), "__metadata__": {"provenance": '{"seed": true}'}}), "seed"),
        (
            packed({"prompt": entry(), "__metadata__": {"provenance": '{"metrics": {"a": "b"}}'}}),
            "metrics",
        ),
        (packed({"prompt": entry(), "__metadata__": {"format": "spotfw.prompt/9"}}), "newer"),
        (packed({"prompt": entry()}, b"\xff" * 48), "NaN"),
    ],
)
def test_broken_headers(data: bytes, said: str) -> None:
    assert said in refused(data)


def test_a_foreign_file_without_provenance_is_read() -> None:
    prompt = unpack_prompt(packed({"prompt": entry(), "__metadata__": {"format": "pt"}}))
    assert prompt.provenance == Provenance()
    assert (prompt.length, prompt.width) == (3, 4)


@pytest.mark.parametrize("array", [np.ones((2, 2), np.int64), np.array([["a"]])])
def test_npy_of_other_kinds(tmp_path: Path, array: Any) -> None:
    np.save(tmp_path / "p.npy", array)
    with pytest.raises(SpotError, match="not floating point"):
        load_prompt(tmp_path / "p.npy")


def test_a_pickled_npy_is_never_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.array([[{"a": 1}]], dtype=object), allow_pickle=True)
    with pytest.raises(SpotError, match=r"p\.npy"):
        load_prompt(tmp_path / "p.npy")


def test_a_cut_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.ones((9, 9), np.float32))
    data = (tmp_path / "p.npy").read_bytes()
    for size in (0, 3, 40, 200, len(data) - 1):
        (tmp_path / "p.npy").write_bytes(data[:size])
        with pytest.raises(SpotError, match=r"p\.npy"):
            load_prompt(tmp_path / "p.npy")


def test_paths_that_are_no_prompt(tmp_path: Path) -> None:
    with pytest.raises(SpotError, match="no file"):
        load_prompt(tmp_path / "absent.safetensors")
    with pytest.raises(SpotError, match="no PEFT adapter"):
        load_prompt(tmp_path)


# PEFT


def adapter(folder: Path, array: Any, **config: Any) -> Path:
    safetensors = pytest.importorskip("safetensors.numpy")
    folder.mkdir(exist_ok=True)
    safetensors.save_file({"prompt_embeddings": array}, folder / "adapter_model.safetensors")
    values = {"peft_type": "PROMPT_TUNING", "task_type": "SEQ_2_SEQ_LM", "num_virtual_tokens": 3}
    (folder / "adapter_config.json").write_text(json.dumps({**values, **config}))
    return folder


@pytest.mark.parametrize("submodules", [1, 2])
def test_peft_gives_the_encoders_block(tmp_path: Path, submodules: int) -> None:
    array = np.arange(12 * submodules, dtype=np.float32).reshape(3 * submodules, 4)
    folder = adapter(tmp_path / "a", array, base_model_name_or_path="google/t5")
    prompt = load_prompt(folder)
    np.testing.assert_array_equal(prompt.array, array[:3])
    assert prompt.provenance.model == "google/t5"


def test_peft_round_trip(tmp_path: Path) -> None:
    prompt = a_prompt(model="some/t5")
    write_peft(prompt, tmp_path / "adapter")
    again = load_prompt(tmp_path / "adapter")
    np.testing.assert_array_equal(again.array, prompt.array)
    assert again.provenance.model == "some/t5"


def test_peft_in_bfloat16(tmp_path: Path) -> None:
    array = np.array([[1.0, -2.5, 0.15625, 3e30]] * 3, np.float32)
    upper = (array.view(np.uint32) >> 16).astype("<u2")
    data = packed({"prompt_embeddings": entry(dtype="BF16", data_offsets=[0, 24])}, b"")
    folder = adapter(tmp_path / "a", array)
    (folder / "adapter_model.safetensors").write_bytes(data + upper.tobytes())
    got = load_prompt(folder).array
    np.testing.assert_array_equal(got[:, :3], array[:, :3])
    np.testing.assert_allclose(got, array, rtol=2**-7)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"peft_type": "LORA"}, "LORA"),
        ({"task_type": "CAUSAL_LM", "base_model_name_or_path": "gpt2"}, "CAUSAL_LM.*'gpt2'"),
        ({"num_transformer_submodules": 2}, "num_transformer_submodules = 2"),
        ({"num_transformer_submodules": True}, "num_transformer_submodules = True"),
        ({"token_dim": 768}, "token_dim = 768"),
        ({"num_virtual_tokens": 5}, "num_virtual_tokens = 5"),
        ({"num_virtual_tokens": 0}, "num_virtual_tokens = 0"),
        ({"num_virtual_tokens": None}, "num_virtual_tokens = None"),
    ],
)
def test_peft_of_other_kinds(tmp_path: Path, config: Any, said: str) -> None:
    folder = adapter(tmp_path / "a", np.ones((3, 4), np.float32), **config)
    with pytest.raises(SpotError, match=said):
        load_prompt(folder)


def test_peft_p_tuning_keeps_the_finished_prompt(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    folder = adapter(tmp_path / "a", array, peft_type="P_TUNING", num_transformer_submodules=1)
    np.testing.assert_array_equal(load_prompt(folder).array, array)


def test_peft_multitask_gives_a_prompt_a_task(tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    rng = np.random.default_rng(0)
    shared, columns, rows = (
        rng.normal(size=shape).astype(np.float32) for shape in ((6, 4), (2, 6, 1), (2, 1, 4))
    )
    folder = adapter(tmp_path / "a", shared, peft_type="MULTITASK_PROMPT_TUNING", num_tasks=2)
    tensors = {"prompt_embeddings": shared, "prefix_task_cols": columns, "prefix_task_rows": rows}
    safetensors.save_file(tensors, folder / "adapter_model.safetensors")
    for task in (0, 1):
        prompt = load_prompt(f"{folder}#{task}")
        np.testing.assert_allclose(
            prompt.array, (shared * (columns[task] @ rows[task]))[:3], rtol=1e-6
        )
        assert prompt.provenance.extra == {"peft": "a", "peft_task": task}
    for place, said in ((folder, "each of 2 tasks"), (f"{folder}#2", "none numbered 2")):
        with pytest.raises(WrongUse, match=said):
            load_prompt(place)
    tensors["prefix_task_rows"] = rows[:, :, :3].copy()
    safetensors.save_file(tensors, folder / "adapter_model.safetensors")
    with pytest.raises(SpotError, match="do not fit its prompt"):
        load_prompt(f"{folder}#0")


def test_peft_without_safe_weights(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", np.ones((3, 4), np.float32))
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(SpotError, match="never read"):
        load_prompt(folder)


# Fit


def test_fingerprints_of_one_model() -> None:
    before, now = "0123456789abcdef", "0123456789abcdef" + "f" * 16
    assert same_model(now, now) and same_model(before, now) and same_model(now, before)
    assert same_model(None, None)
    assert not same_model(before, "f" * 32)
    assert not same_model(now, before + "0" * 16)
    assert not same_model("0123", "01230123")  # of another kind than ours: alike or not
    assert not same_model(None, now) and not same_model(now, None)


def test_a_prompt_of_version_0_1_fits() -> None:
    old = a_prompt(fingerprint="0123456789abcdef")
    check_fits(old, fingerprint="0123456789abcdef" + "f" * 16)
    with pytest.raises(SpotError, match="another frozen model"):
        check_fits(old, fingerprint="f" * 32)


def test_a_prompt_that_fits() -> None:
    check_fits(a_prompt(fingerprint="abc"), width=4, length=3, fingerprint="abc")
    check_fits(a_prompt(), width=4, fingerprint="abc")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"width": 8}, "width 4"),
        ({"length": 100}, "3 tokens"),
        ({"fingerprint": "other"}, "another frozen model"),
    ],
)
def test_a_prompt_for_something_else(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(SpotError, match=rf"^P .*{said}"):
        check_fits(a_prompt(fingerprint="abc"), name="P", **asked)


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published prompts are not here")
def test_published_prompts_are_read() -> None:
    paths = sorted(PUBLISHED.glob("*/*.npy"))
    assert len(paths) >= 20
    for path in paths:
        prompt = load_prompt(path)
        assert prompt.length == 100
        assert unpack_prompt(pack_prompt(prompt)) == prompt


def test_an_adapter_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    prompt = SoftPrompt(np.zeros((2, 3), np.float32), Provenance())
    with pytest.raises(SpotError, match="could not be written: No space left on device"):
        write_peft(prompt, tmp_path / "adapter")
    assert list(tmp_path.iterdir()) == []
