"""Files that are often mistaken for a prompt's are refused by what they are."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spotfw.errors import SpotError
from spotfw.library import Library
from spotfw.library.exchange import import_prompts
from spotfw.prompts import load_prompt


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, prompt=np.ones((3, 4), np.float32))
    return stream.getvalue()


def _torch() -> bytes:
    """As torch.save lays a file out."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("prompt/data.pkl", pickle.dumps([1]))
        archive.writestr("prompt/version", "3")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (_npz(), "NumPy archive of several arrays"),
        (_torch(), "a file of torch.save, a pickle"),
        (pickle.dumps([1]), "is a pickle"),
    ],
    ids=["npz", "torch", "pickle"],
)
@pytest.mark.parametrize("name", ["p.npz", "p.pt", "p.safetensors", "p.zip"])
def test_what_it_is_and_what_to_do(content: bytes, said: str, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (
        lambda path: load_prompt(path),
        lambda path: import_prompts(Library(str(tmp_path / "library")), [path]),
    ):
        with pytest.raises(SpotError, match=rf"{said}.*numpy\.save"):
            read(str(tmp_path / name))
