"""Weights lie in the pages of their file, which nothing here ever writes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("spotfw_torch", reason="spotfw-torch is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from spotfw_torch.errors import ModelFolderError  # noqa: E402
from spotfw_torch.tensors import read_tensors  # noqa: E402

TENSORS = {
    "wide": torch.arange(24, dtype=torch.float32).reshape(4, 6),
    "brain": torch.linspace(-2, 2, 7, dtype=torch.bfloat16),
    "half": torch.linspace(-2, 2, 5, dtype=torch.float16),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_file(TENSORS, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def _mapped(file: Path) -> list[tuple[int, int]]:
    """Where this process has a file's pages."""
    spans = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        if line.endswith(str(file)):
            begin, end = line.split()[0].split("-")
            spans.append((int(begin, 16), int(end, 16)))
    return spans


def test_tensors_are_those_of_the_file(file: Path) -> None:
    tensors = read_tensors(file.parent)
    assert {name: tensor.dtype for name, tensor in tensors.items()} == {
        name: tensor.dtype for name, tensor in TENSORS.items()
    }
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its mappings")
def test_tensors_lie_in_the_pages_of_the_file(file: Path) -> None:
    tensors = read_tensors(file.parent)
    spans = _mapped(file)
    for name, tensor in tensors.items():
        assert any(begin <= tensor.data_ptr() < end for begin, end in spans), name


def test_what_is_written_into_a_tensor_is_not_in_the_file(file: Path) -> None:
    written = file.read_bytes()
    tensors = read_tensors(file.parent)
    for tensor in tensors.values():
        tensor.zero_()
    assert file.read_bytes() == written
    assert all(torch.equal(t, TENSORS[name]) for name, t in load_file(file).items())


def test_a_file_that_is_replaced_or_removed_changes_nothing(file: Path) -> None:
    tensors = read_tensors(file.parent)
    other = file.with_name("other")
    save_file({name: tensor * 0 for name, tensor in TENSORS.items()}, other)
    other.replace(file)
    file.unlink()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(file: Path, name: str, value: float) -> None:
    tensors = {key: tensor.clone() for key, tensor in TENSORS.items()}
    tensors[name].view(-1)[1] = value
    save_file(tensors, file)
    with pytest.raises(ModelFolderError, match=f"{name} of .* holds 1 values that are NaN"):
        read_tensors(file.parent)


@pytest.mark.parametrize("size", [0, 4, 60, -8])
def test_a_file_that_was_cut_off_is_refused(file: Path, size: int) -> None:
    data = file.read_bytes()
    file.write_bytes(data[:size])
    with pytest.raises(ModelFolderError, match="cannot be read"):
        read_tensors(file.parent)
