"""``spotfw study`` as a command line; what runs is tested in tests/study."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.study import Outcome, plan, read_study
from spotfw.study.grid import ledger
from tests.places import ROOT


@pytest.mark.parametrize(
    ("name", "tunings"), [("study", 24 + 6 + 15 + 360 + 450 + 30), ("full", 48 + 30 + 1440 + 900)]
)
def test_the_committed_studies_plan(
    spotfw_cli: Callable[..., Any], tmp_path: Path, name: str, tunings: int
) -> None:
    pytest.importorskip("spotfw_playground")
    if name == "full":
        pytest.importorskip("spotfw_paper_tasks")
    file = ROOT / "benchmarks" / "miniature" / f"{name}.toml"
    ran = spotfw_cli("study", "plan", file, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    document = json.loads(ran.out)
    assert len([c for c in document["cells"] if c["kind"] != "similarities"]) == tunings
    assert (
        document["steps"] == document["steps_left"] == sum(g["steps"] for g in document["groups"])
    )
    assert document["seconds_left"] is None
    ran = spotfw_cli("study", "plan", file, "--out", tmp_path / "out")
    assert ran.status == 0 and "best_of_top_k" in ran.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("place", "usual", "other", "targets", "generics"),
    [("miniature/section2", 262_144, 30_000, 16, 14), ("section2/study", 120, 45, 4, 4)],
)
def test_the_committed_studies_of_section_2_plan(
    spotfw_cli: Callable[..., Any],
    tmp_path: Path,
    place: str,
    usual: int,
    other: int,
    targets: int,
    generics: int,
) -> None:
    pytest.importorskip("spotfw_playground")
    pytest.importorskip("spotfw_paper_tasks")
    file = ROOT / "benchmarks" / f"{place}.toml"
    ran = spotfw_cli("study", "plan", file, "--out", tmp_path / "out", "--json")
    assert ran.status == 0
    groups = {g["kind"]: (g["cells"], g["steps"]) for g in json.loads(ran.out)["groups"]}
    assert groups["baseline"] == (3 * targets, 3 * targets * usual)
    assert groups["baseline ablation"] == (3 * targets, 3 * targets * other)
    assert groups["generic source"] == (3 * (generics + 1), 3 * (generics * usual + other))
    assert groups["generic"] == (3 * targets * generics, 3 * targets * generics * usual)
    assert groups["generic ablation"] == (3 * targets, 3 * targets * other)


def test_wrong_use(spotfw_cli: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text('sources = ["a"]\ntragets = ["b"]\n')
    ran = spotfw_cli("study", "run", file)
    assert ran.status == 2 and "Did you mean 'targets'?" in ran.err
    assert spotfw_cli("study", "pan", file).status == 2


def test_an_executor_is_handed_on(
    spotfw_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("spotfw_playground")
    file = tmp_path / "s.toml"
    file.write_text('sources = ["film_reviews"]\nseeds = [0]\n')
    out = tmp_path / "out"
    ran = spotfw_cli("study", "run", file, "--out", out, "--executor", "processes:wrokers=1")
    assert ran.status == 2 and "'workers'" in ran.err
    ran = spotfw_cli("study", "run", file, "--out", out, "--executor", "rya")
    assert ran.status == 2 and "no executor named 'rya'" in ran.err and "in_process" in ran.err
    assert not out.exists()
    monkeypatch.setattr("spotfw.plugins.builtin.backends.MeshBackend.missing", lambda self: None)
    given: dict[str, Any] = {}
    ended = Outcome(folder="x", cells=1, done=1, failed={}, seconds=1.0)
    study = read_study(str(file))
    ledger.begin(str(out), study, plan(study, str(out)).resolved)  # there is one to resume
    monkeypatch.setattr("spotfw.study.run", lambda *_, **named: given.update(named) or ended)
    for command in ("run", "resume"):
        ran = spotfw_cli("study", command, file, "--out", out, "--executor", "in_process")
        assert (ran.status, given["executor"], given["workers"]) == (0, "in_process", None)


def test_a_run_of_one_cell_says_where_its_report_is(
    spotfw_cli: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("spotfw_playground")
    file = tmp_path / "one.toml"
    file.write_text('sources = ["film_reviews"]\nseeds = [0]\n')
    ended = Outcome(folder="x", cells=1, done=0, failed={"film_reviews": "No."}, seconds=1.0)
    monkeypatch.setattr("spotfw.plugins.builtin.backends.MeshBackend.missing", lambda self: None)
    monkeypatch.setattr("spotfw.study.run", lambda *_, **__: ended)
    assert "film_reviews: 1 cell, " in spotfw_cli("study", "plan", file).out
    ran = spotfw_cli("study", "run", file, "--out", tmp_path / "my out")
    assert (ran.status, "1 cell failed" in ran.err) == (1, True)
    assert f"spotfw study report {file} --out '{tmp_path}/my out'" in ran.err
