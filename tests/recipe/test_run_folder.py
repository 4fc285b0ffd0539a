"""A run's folder: written once, resumed, locked, and clear about what is wrong with it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from spotfw import files
from spotfw.contracts import TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.prompts import Provenance, SoftPrompt
from spotfw.recipe.run_folder import RunFolder, Scored

RUN = {
    "task": "reviews",
    "model": "tiny",
    "fingerprint": "0123456789abcdef",
    "initializer": "sampled_vocab",
    "settings": {"steps": 10, "batch_size": 4, "seed": 0},
    "versions": {"spotfw": "1"},
}


def state(step: int) -> TuningState:
    array = np.full((2, 3), step, np.float32)
    return TuningState(step=step, prompt=array, slots={"v": array / 3})


def keep(folder: RunFolder, step: int, score: float = 50.0) -> None:
    """Saves a checkpoint with a history of all before it."""
    loaded = folder.load()
    history = list(loaded[1]) if loaded else []
    history.append(Scored(step=step, loss=1 / 3, score=score, metrics={"accuracy": score}))
    prompt = SoftPrompt(state(step).prompt, Provenance(task="reviews", step=step))
    folder.save(state(step), prompt, history)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    with RunFolder(str(tmp_path / "run")) as folder:
        folder.begin(RUN, resume=False)
        assert folder.load() is None
        keep(folder, 5)
        keep(folder, 10, 75.0)
    loaded = RunFolder(str(tmp_path / "run")).load()
    assert loaded is not None
    saved, history = loaded
    assert saved.step == 10
    assert saved.prompt.tobytes() == state(10).prompt.tobytes()
    assert {k: v.tobytes() for k, v in saved.slots.items()} == {"v": state(10).slots["v"].tobytes()}
    assert [(h.step, h.loss, h.score) for h in history] == [(5, 1 / 3, 50.0), (10, 1 / 3, 75.0)]
    assert RunFolder(str(tmp_path / "run")).checkpoint(5).provenance.step == 5


def test_the_results_are_the_steps_asked_for(tmp_path: Path) -> None:
    with RunFolder(str(tmp_path)) as folder:
        folder.begin(RUN, resume=False)
        for step in (5, 10):
            keep(folder, step)
        best, embedding = folder.finish(10, 5)
    assert (best.provenance.step, embedding.provenance.step) == (10, 5)
    assert (tmp_path / "best.safetensors").is_file()
    assert (tmp_path / "embedding.safetensors").is_file()


def test_a_run_goes_on_only_when_asked(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin(RUN, resume=False)
    keep(folder, 5)
    with pytest.raises(WrongUse, match="--resume"):
        folder.begin(RUN, resume=False)
    folder.begin(RUN, resume=True)


def test_a_run_that_ended_before_its_first_checkpoint_blocks_nothing(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin(RUN, resume=False)
    other = {**RUN, "task": "films"}
    folder.begin(other, resume=False)
    assert json.loads((tmp_path / "run.json").read_text()) == other


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "films"}, r"task 'reviews', now 'films'"),
        ({"fingerprint": "f" * 16}, r"fingerprint '0123456789abcdef', now 'ffff"),
        ({"initializer": "class_label"}, r"initializer 'sampled_vocab', now 'class_label'"),
        ({"settings": {**RUN["settings"], "seed": 1}}, r"seed 0, now 1"),  # type: ignore[dict-item]
        ({"settings": {**RUN["settings"], "batch_size": 8}}, r"batch_size 4, now 8"),  # type: ignore[dict-item]
    ],
)
def test_another_run_is_reported_with_what_differs(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin(RUN, resume=False)
    keep(folder, 5)
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(WrongUse, match=message):
        folder.begin({**RUN, **change}, resume=True)
    assert (tmp_path / "run.json").read_bytes() == before


def test_steps_may_be_raised_and_versions_may_differ(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin(RUN, resume=False)
    more = {**RUN["settings"], "steps": 20}  # type: ignore[dict-item]
    folder.begin({**RUN, "settings": more, "versions": {"spotfw": "2"}}, resume=True)


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for resume in (False, True):
        with pytest.raises(WrongUse, match=r"thesis\.txt"):
            RunFolder(str(tmp_path)).begin(RUN, resume=resume)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("junk", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_damaged_record_is_reported(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "run.json").write_bytes(junk)
    with pytest.raises(SpotError, match=r"run\.json is damaged"):
        RunFolder(str(tmp_path)).begin(RUN, resume=True)


def test_a_record_of_odd_values_is_reported(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**RUN, "settings": [1]}))
    with pytest.raises(SpotError):
        RunFolder(str(tmp_path)).begin(RUN, resume=True)


@pytest.mark.parametrize("key", ["task", "model", "fingerprint", "initializer"])
def test_a_record_whose_names_are_no_texts_is_reported(tmp_path: Path, key: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({**RUN, key: 3}))
    with pytest.raises(SpotError, match=f"its {key} is no text"):
        RunFolder(str(tmp_path)).begin(RUN, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_result_without_its_state_stands(tmp_path: Path, resume: bool) -> None:
    with RunFolder(str(tmp_path)) as folder:
        folder.begin(RUN, resume=False)
        keep(folder, 5)
        folder.finish(5, 5)
        (tmp_path / "state.safetensors").unlink()
        best = (tmp_path / "best.safetensors").read_bytes()
        with pytest.raises(WrongUse, match="is not overwritten"):
            folder.begin(RUN, resume=resume)
    assert (tmp_path / "best.safetensors").read_bytes() == best


@pytest.mark.parametrize("cut", [0, 4, 8, 40, -1])
def test_a_damaged_state_is_reported(tmp_path: Path, cut: int) -> None:
    folder = RunFolder(str(tmp_path))
    folder.begin(RUN, resume=False)
    keep(folder, 5)
    path = tmp_path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SpotError, match=r"state\.safetensors is damaged.*checkpoints"):
        folder.load()
    assert folder.checkpoint(5).provenance.step == 5


def test_a_file_that_is_no_state_is_reported(tmp_path: Path) -> None:
    import safetensors.numpy

    folder = RunFolder(str(tmp_path))
    tensors = {"prompt": np.zeros((2, 3), np.float32)}
    for metadata in (None, {"step": "x", "history": "[]"}, {"step": "1", "history": "[1]"}):
        data = safetensors.numpy.save(tensors, metadata=metadata)
        (tmp_path / "state.safetensors").write_bytes(data)
        with pytest.raises(SpotError, match="damaged"):
            folder.load()


def test_leftovers_of_a_killed_writer_are_no_part_of_a_run(tmp_path: Path) -> None:
    """Half-written files beside their places do not stop a run from beginning or going on."""
    (tmp_path / ".run.json.elsewhere-1-00.part").write_text("{")
    with RunFolder(str(tmp_path)) as folder:
        folder.begin(RUN, resume=False)
        keep(folder, 5)
        (tmp_path / ".state.safetensors.elsewhere-1-00.part").write_bytes(b"half")
        folder.begin(RUN, resume=True)
        loaded = folder.load()
        assert loaded is not None and loaded[0].step == 5


def test_a_file_in_the_folder_s_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(SpotError, match="cannot be written"), RunFolder(str(tmp_path / "run")):
        pass
    with (
        pytest.raises(SpotError, match="cannot be written"),
        RunFolder(str(tmp_path / "run" / "in")),
    ):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SpotError, match="permissions"), RunFolder(str(tmp_path / "run")):
            pass
    finally:
        tmp_path.chmod(0o700)


def test_two_processes_cannot_tune_in_one_folder(tmp_path: Path) -> None:
    held = (
        "import sys; from spotfw.recipe.run_folder import RunFolder\n"
        "with RunFolder(sys.argv[1]): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", held, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(SpotError, match="Another process"), RunFolder(str(tmp_path)):
            pass
        other.kill()
        other.wait()
        # The kernel lets go of a killed process's lock.
        with RunFolder(str(tmp_path)) as folder:
            folder.begin(RUN, resume=False)


def test_a_folder_is_let_go_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), RunFolder(str(tmp_path)):
        raise RuntimeError
    with RunFolder(str(tmp_path)):
        pass


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder(str(tmp_path)) as folder:
        folder.begin(RUN, resume=False)
        keep(folder, 5)

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patch:
            patch.setattr(files.os, "fsync", full)
            with pytest.raises(SpotError, match="disk is full"):
                keep(folder, 10)
        loaded = folder.load()
        assert loaded is not None and loaded[0].step == 5
        assert folder.checkpoint(5).provenance.step == 5
        assert not [p for p in tmp_path.rglob("*.part")]
        keep(folder, 10)
        loaded = folder.load()
        assert loaded is not None and loaded[0].step == 10


def _rewrite(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    """Changes tensors and header of a state, as no run does."""
    tensors = safetensors.numpy.load_file(path)
    with safetensors.safe_open(str(path), "numpy") as file:
        header = dict(file.metadata())
    change(tensors, header)
    path.write_bytes(safetensors.numpy.save(tensors, metadata=header))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors, header: tensors.pop("slot.v"),
        lambda tensors, header: tensors.update(prompt=tensors["prompt"] + 1),
        lambda tensors, header: tensors.update(prompt=tensors["prompt"].astype(np.int64)),
        lambda tensors, header: header.update(history=header["history"].replace("50.0", "99.0")),
    ],
    ids=["slots gone", "another prompt", "another type", "another score"],
)
def test_a_state_that_was_changed_is_not_gone_on_with(
    tmp_path: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]
) -> None:
    """Without its slots, a tuning would go on in silence, and to another result."""
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin({"settings": {}}, resume=False)
    keep(folder, 2)
    _rewrite(tmp_path / "run" / "state.safetensors", change)
    with pytest.raises(SpotError, match="its digest is another"):
        folder.load()


def test_a_state_of_the_first_version_has_no_digest_and_is_read(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin({"settings": {}}, resume=False)
    keep(folder, 2)
    where = tmp_path / "run" / "state.safetensors"
    _rewrite(where, lambda tensors, header: header.pop("digest"))
    loaded = folder.load()
    assert loaded is not None and loaded[0].step == 2
    _rewrite(
        where,
        lambda tensors, header: header.update(history=header["history"].replace("50.0", "NaN")),
    )
    with pytest.raises(SpotError, match="has the score nan at step 2"):
        folder.load()


def test_a_prompt_of_another_step_is_no_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(str(tmp_path / "run"))
    folder.begin({"settings": {}}, resume=False)
    keep(folder, 2)
    keep(folder, 4)
    shutil.copy(folder.checkpoint_path(4), folder.checkpoint_path(2))
    with pytest.raises(SpotError, match="is of the step 4, as a copy of another"):
        folder.finish(2, 4)
