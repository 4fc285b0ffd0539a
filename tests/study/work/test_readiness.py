"""What is refused once, before any worker starts: engines that are not here, changed settings."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.contracts import FrozenModel
from spotfw.errors import SpotError, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins
from spotfw.plugins.builtin.backends import MeshBackend
from spotfw.study import plan, run
from spotfw.study.grid import ledger
from spotfw.study.grid.declaration import Study
from spotfw.study.work.readiness import check_engines, check_ready

Make = Callable[..., Study]


class Theirs:
    """A stranger's engine, which lacks a package."""

    name = "theirs"
    reads = "huggingface"

    def missing(self) -> str | None:
        return "their_package"

    def open(self, model: str, **options: Any) -> FrozenModel:
        raise AssertionError("opened all the same")


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """The built-in engine, as if it were installed, and a stranger's that lacks a package."""
    monkeypatch.setattr(MeshBackend, "missing", lambda self: None)
    plugins = Plugins(entry_points=False)
    plugins.register(types.SimpleNamespace(spotfw_backends=hookimpl(lambda: [Theirs()])), "theirs")
    return plugins


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder of Hugging Face's, by its files."""
    place = tmp_path / "theirs"
    place.mkdir()
    (place / "config.json").write_text("{}")
    return str(place)


def test_an_engine_that_is_not_here_is_refused_once(
    small_study: Make, plugins: Plugins, tmp_path: Path
) -> None:
    study, lines = small_study(open={"backend": "theirs"}), []
    with pytest.raises(SpotError) as caught:
        run(study, str(tmp_path / "out"), workers=0, plugins=plugins, notify=lines.append)
    (model,) = study.models
    assert str(caught.value) == (
        f"The study {study.place} opens {model} with the engine theirs, which needs the package "
        "their_package, and that is not installed here. Install it with `pip install "
        'their_package`; or set backend = "mesh" under [open], for that engine is here.'
    )
    assert not lines and not (tmp_path / "out").exists()


def test_where_no_other_engine_reads_the_folder_it_says_how_to_come_by_one(
    small_study: Make, plugins: Plugins, folder: str
) -> None:
    study = small_study(model=folder, open={"backend": "theirs"})
    with pytest.raises(SpotError, match=r"and name a Mesh TF folder in place of .*/theirs \("):
        check_engines(plan(study, "nowhere", plugins=plugins), plugins)
    # The engine that is taken where none is named does not read it.
    with pytest.raises(SpotError, match=r"mesh, which does not read .* `pip install their_pack"):
        check_engines(plan(small_study(model=folder), "nowhere", plugins=plugins), plugins)


def test_the_engine_of_other_weights_is_looked_at_too(
    small_study: Make, plugins: Plugins, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tuning = [{"settings": {"steps": 1}, "model": folder}]
    laid = plan(small_study(model_tuning=tuning), "nowhere", plugins=plugins)
    with pytest.raises(SpotError, match=r"opens .*/theirs with"):
        check_engines(laid, plugins)
    monkeypatch.setattr(MeshBackend, "tunes_weights", False)
    with pytest.raises(WrongUse, match=r"no engine.*here does that"):
        check_engines(laid, plugins)


def test_workers_elsewhere_may_have_what_is_not_here(
    small_study: Make, plugins: Plugins, tmp_path: Path
) -> None:
    laid = plan(small_study(open={"backend": "theirs"}), str(tmp_path), plugins=plugins)
    elsewhere: Any = types.SimpleNamespace(name="cluster", isolated=True)
    check_ready(laid, elsewhere, plugins)
    with pytest.raises(WrongUse, match="no study to resume"):
        check_ready(laid, elsewhere, plugins, begun=True)


def test_a_study_that_is_done_needs_no_engine(
    small_study: Make, plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    study = small_study(
        **dict.fromkeys(("sources", "generic", "strategies", "ks", "oracle", "mixture")),
        metrics=["per_token_cosine"],
        seeds=[0],
        open={"backend": "theirs"},
    )
    laid = plan(study, out, plugins=plugins)
    ledger.begin(out, study, laid.resolved)
    (cell,) = laid.cells
    result = {"family": "", "folder": "runs/x", "embedding": "", "step": 1, "steps": 1}
    values = {"score": 1.0, "scores": {}, "runs": [], "source_id": None, "versions": "{}"}
    ledger.record(out, cell, result | values)
    laid = plan(study, out, plugins=plugins)
    assert not laid.todo
    check_engines(laid, plugins)


def test_run_refuses_before_it_says_that_workers_start_and_plan_says_so_last(
    spotfw_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("spotfw_playground")
    file, out = tmp_path / "s.toml", tmp_path / "out"
    text = 'sources = ["film_reviews"]\nseeds = [0]\nopen = {{backend = "mesh"}}\n[settings]\n'
    text += "steps = {}\n"
    file.write_text(text.format(5))
    monkeypatch.setattr(MeshBackend, "missing", lambda self: "tensorflow")
    for command in ("plan", "run"):
        ran = spotfw_cli("study", command, file, "--out", out)
        assert ran.status == int(command == "run")
        assert 'pip install "spotfw[mesh]"' in " ".join(ran.err.split())
        assert "Starting" not in ran.err and not out.exists()
        assert ("film_reviews" in ran.out) == (command == "plan")
    monkeypatch.setattr(MeshBackend, "missing", lambda self: None)
    from spotfw.study import read_study

    study = read_study(str(file))
    ledger.begin(str(out), study, plan(study, str(out)).resolved)
    file.write_text(text.format(6))
    ran = spotfw_cli("study", "run", file, "--out", out)
    assert ran.status == 2 and "steps of playground source was 5, now 6" in ran.err
    assert "Starting" not in ran.err
