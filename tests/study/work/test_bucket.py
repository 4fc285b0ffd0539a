"""A study in a bucket: the files of the test lie in a folder, the lock is a server's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

pytest.importorskip("requests", reason="requests is not installed")

from spotfw import files
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.study import read_rows, run
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.testing import NumpyBackend
from tests.study.bucket import Bucket, bucket
from tests.study.conftest import DOCUMENT

PLACE = "gs://bucket/a/study"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    def nearby(path: Any) -> Path:
        return _Nearby(os.fspath(path).replace("gs://bucket", str(tmp_path / "bucket")))

    monkeypatch.setattr(files, "_remote", nearby)
    monkeypatch.setattr("etils.epath.Path", nearby)
    with bucket() as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


class _Nearby(type(Path())):  # type: ignore[misc]
    """A path whose folders are there once something is written, as in a bucket."""

    def write_bytes(self, data: bytes) -> int:
        self.parent.mkdir(parents=True, exist_ok=True)
        return int(super().write_bytes(data))

    def open(self, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if "w" in mode:
            self.parent.mkdir(parents=True, exist_ok=True)
        return super().open(mode, *rest, **more)


@pytest.fixture
def study(tmp_path: Path, spotfw_task_folder: Path) -> Study:
    (tmp_path / "model").mkdir()
    document = DOCUMENT | {"model": str(tmp_path / "model"), "open": {"backend": "numpy"}}
    return parse_study(document | {"seeds": [0]}, str(spotfw_task_folder / "study.toml"))


def numpy_plugins() -> Plugins:
    plugins = Plugins(entry_points=False)
    plugins.register(NumpyBackend(), "numpy")
    return plugins


def timeless(folder: str) -> list[Any]:
    rows = read_rows(folder)
    return [attrs.evolve(r, wall_seconds=None, cpu_seconds=None, created="") for r in rows]


def test_the_rows_of_a_study_on_disk(server: Bucket, study: Study, tmp_path: Path) -> None:
    here = str(tmp_path / "here")
    assert not run(study, here, workers=0, plugins=numpy_plugins()).failed
    outcome = run(study, PLACE, workers=0, plugins=numpy_plugins())
    assert not outcome.failed and outcome.done == outcome.cells
    assert timeless(PLACE) == timeless(here)
    assert not server.objects, "the lease is given back"
    # Again: nothing is left to do.
    progress: list[Any] = []
    run(study, PLACE, workers=0, plugins=numpy_plugins(), progress=lambda *p: progress.append(p))
    assert not progress


def test_a_process_runs_it_at_a_time(server: Bucket, study: Study) -> None:
    server.generation = 1
    server.objects["a/study/.running"] = (1, b"{}", server.now())
    with pytest.raises(SpotError, match="Another process is running the study in gs://bucket"):
        run(study, PLACE, workers=0, plugins=numpy_plugins())
