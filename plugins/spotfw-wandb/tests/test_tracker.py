"""The tracker on real tunings of a model in NumPy, with wandb offline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import spotfw
from spotfw.plugins import Plugins
from spotfw.testing import NumpyBackend

REASON = "needs spotfw-wandb and wandb: pip install ./plugins/spotfw-wandb"
wandb = pytest.importorskip("wandb", reason=REASON)
pytest.importorskip("spotfw_wandb", reason=REASON)

# What wandb and what it brings say to each other.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]

SHORT = {"prompt_length": 4, "checkpoint_every": 5, "embedding_step": 5}


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spotfw_plugins: Plugins) -> Any:
    from spotfw_wandb.tracker import Tracker

    for name, value in {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    spotfw_plugins.register(NumpyBackend(), "numpy")
    spotfw_plugins.register(Tracker(), "wandb")
    return spotfw.Session(str(tmp_path), backend="numpy", plugins=spotfw_plugins, progress=False)


def offline_runs(folder: Path) -> list[Path]:
    return sorted((folder / "wandb").glob("offline-run-*"))


def test_a_tuning_is_a_run_and_resuming_keeps_its_id(
    session: Any, spotfw_tiny_tasks: Any, tmp_path: Path
) -> None:
    out = str(tmp_path / "run")
    session.tune(spotfw_tiny_tasks[0], steps=10, out=out, **SHORT)
    assert session.plugins.failures == ()
    (run,) = offline_runs(tmp_path)
    identity = (tmp_path / "run" / ".wandb-id").read_text()
    assert run.name.endswith(f"-{identity}")
    assert [file.name for file in run.glob("*.wandb")] == [f"run-{identity}.wandb"]
    wandb.teardown()  # waits until all is on the disk
    content = (run / f"run-{identity}.wandb").read_bytes()
    assert b"validation/accuracy" in content and b"best/score" in content
    session.tune(spotfw_tiny_tasks[0], steps=15, out=out, resume=True, **SHORT)
    assert session.plugins.failures == ()
    assert (tmp_path / "run" / ".wandb-id").read_text() == identity


def test_two_runs_side_by_side_are_two(
    session: Any, spotfw_tiny_tasks: Any, tmp_path: Path
) -> None:
    for place, task in enumerate(spotfw_tiny_tasks[:2]):
        session.tune(task, steps=5, out=str(tmp_path / f"run{place}"), **SHORT)
    assert session.plugins.failures == ()
    identities = {(tmp_path / f"run{n}" / ".wandb-id").read_text() for n in (0, 1)}
    assert len(identities) == len(offline_runs(tmp_path)) == 2


def test_what_fails_is_said_once_and_the_tuning_goes_on(
    session: Any, spotfw_tiny_tasks: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> Any:
        raise RuntimeError("no disk")

    monkeypatch.setattr(wandb, "init", fail)
    tuned = session.tune(spotfw_tiny_tasks[0], steps=5, out=str(tmp_path / "run"), **SHORT)
    assert tuned.score >= 0
    assert ["no disk" in failure.error for failure in session.plugins.failures] == [True]


def test_a_kept_id_is_taken_only_where_a_tuning_goes_on(tmp_path: Path) -> None:
    from spotfw_wandb.tracker import _kept_id

    (tmp_path / ".wandb-id").write_text("abc123")
    assert _kept_id(str(tmp_path)) is None
    (tmp_path / "state.safetensors").touch()
    assert _kept_id(str(tmp_path)) == "abc123"
    (tmp_path / ".wandb-id").write_text(json.dumps({"no": "id"}))
    assert _kept_id(str(tmp_path)) is None
