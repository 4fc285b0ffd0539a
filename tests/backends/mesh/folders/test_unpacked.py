"""Packed models are unpacked once, whole, whoever asks and whatever went wrong before."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import random_t5
from spotfw.backends.mesh.folders.checkpoint import Checkpoint
from spotfw.backends.mesh.folders.unpacked import unpacked_model
from spotfw.errors import SpotError

TINY = random_t5.T5Dimensions(
    d_model=16,
    d_ff=24,
    d_kv=4,
    num_heads=2,
    encoder_layers=1,
    decoder_layers=1,
    vocabulary_size=256,
)


@pytest.fixture
def packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small packed model, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    random_t5.write_folder(tmp_path / "packed", TINY, seed=1)
    return tmp_path / "packed"


def test_made_once_and_whole(packed: Path, tmp_path: Path) -> None:
    folder = Path(unpacked_model("tiny", packed))
    assert folder.parent == tmp_path / "cache" / "spotfw"
    written = (folder / "checkpoint").stat().st_mtime_ns
    assert unpacked_model("tiny", packed) == str(folder)
    assert (folder / "checkpoint").stat().st_mtime_ns == written
    assert Checkpoint(str(folder)).shapes["shared/embedding"] == (256, 16)


def test_other_weights_have_another_folder(packed: Path, tmp_path: Path) -> None:
    random_t5.write_folder(tmp_path / "other", TINY, seed=2)
    assert unpacked_model("tiny", packed) != unpacked_model("tiny", tmp_path / "other")


def test_what_a_killed_process_left_is_in_nobodys_way(packed: Path, tmp_path: Path) -> None:
    folder = Path(unpacked_model("tiny", packed))
    whole = sorted(path.name for path in folder.iterdir())
    # As `files.new_folder` names what it fills; no process has this number.
    left = folder.with_name(f".{folder.name}.{_host()}-4999999-00000000.part")
    folder.rename(left)
    (left / "checkpoint").unlink()
    assert Path(unpacked_model("tiny", packed)) == folder
    assert sorted(path.name for path in folder.iterdir()) == whole
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_what_was_cut_or_emptied_since_is_made_again(packed: Path, tmp_path: Path) -> None:
    folder = Path(unpacked_model("tiny", packed))
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    (data,) = folder.glob("*.data*")
    data.write_bytes(data.read_bytes()[:100])
    unpacked_model("tiny", packed)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == sizes
    (folder / "checkpoint").unlink()
    unpacked_model("tiny", packed)
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == sizes
    assert len(list((tmp_path / "cache" / "spotfw").iterdir())) == 1


def _host() -> str:
    import socket

    return socket.gethostname()


@pytest.mark.slow
def test_several_processes_at_once(packed: Path, tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from spotfw.backends.mesh.folders.unpacked import "
        f"unpacked_model as u; print(u('tiny', Path({str(packed)!r})))"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    folders = {process.communicate()[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    (folder,) = folders
    assert [str(path) for path in (tmp_path / "cache" / "spotfw").iterdir()] == [folder]
    Checkpoint(folder).read("shared/embedding")


def test_a_full_disk_is_reported_and_the_next_try_works(packed: Path, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, hard))  # writes beyond it fail
    try:
        with pytest.raises(
            SpotError, match=r"model tiny cannot be unpacked .*File too large.* XDG_CACHE_HOME"
        ):
            unpacked_model("tiny", packed)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list((tmp_path / "cache" / "spotfw").glob("[!.]*"))
    Checkpoint(unpacked_model("tiny", packed))


def test_a_cache_that_is_a_file_is_reported(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("")
    with pytest.raises(SpotError, match="XDG_CACHE_HOME may name another"):
        unpacked_model("tiny", packed)


def test_a_model_that_is_not_there_is_reported(packed: Path) -> None:
    (packed / "model.safetensors").unlink()
    with pytest.raises(SpotError, match=r"not in .*packed\. Install its distribution, spotfw-tiny"):
        unpacked_model("tiny", packed)
