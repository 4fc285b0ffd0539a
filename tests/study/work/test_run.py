"""A small study run, stopped, resumed and changed, on the tiny model in this process."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.contracts import JobPool, Work
from spotfw.contracts.jobs import StartWorker
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.hookspecs import hookimpl
from spotfw.plugins import Plugins, default_plugins
from spotfw.plugins.builtin.executors import InProcess
from spotfw.plugins.models import cohort_of
from spotfw.study import plan, read_rows, read_similarities, run
from spotfw.study.grid.declaration import Study
from spotfw.study.rows import Row
from spotfw.study.work.tuner import start_tuner

Make = Callable[..., Study]


@pytest.fixture(scope="session")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, spotfw_task_folder: Path
) -> Path:
    """The folder of the whole small study, run once."""
    from tests.study.conftest import DOCUMENT

    return _ran(tmp_path_factory.mktemp("study") / "out", DOCUMENT, tiny_model, spotfw_task_folder)


def _ran(out: Path, document: dict[str, Any], model: Path, folder: Path) -> Path:
    from spotfw.study.grid.declaration import parse_study

    study = parse_study(document | {"model": str(model)}, str(folder / "study.toml"))
    outcome = run(study, str(out), workers=0)
    assert not outcome.failed and outcome.done == outcome.cells
    return out


def timeless(rows: tuple[Row, ...]) -> list[Row]:
    """The rows without what differs from run to run."""
    return [attrs.evolve(r, wall_seconds=None, cpu_seconds=None, created="") for r in rows]


@pytest.mark.slow
def test_what_a_study_gives(undisturbed: Path, small_study: Make) -> None:
    rows = read_rows(str(undisturbed))
    kinds = {kind: [r for r in rows if r.kind == kind] for kind in {r.kind for r in rows}}
    assert {kind: len(group) for kind, group in kinds.items()} == {
        "source": 4, "generic source": 4, "baseline": 2,
        "transfer": 2 * 4, "strategy": 2 * 3 * 2 * 2, "generic": 4,
    }  # fmt: skip
    # Best of all four prompts is the oracle.
    for seed in (0, 1):
        best = max(r.score or 0 for r in kinds["transfer"] if r.seed == seed)
        top = [r for r in kinds["strategy"] if r.seed == seed and r.strategy == "best_of_top_k"]
        assert max(r.score or 0 for r in top) <= best
        assert {r.candidates for r in top if r.k == 3} == {3}
    # What is shared is counted once: each run folder's time stands in one row.
    ours = small_study()
    laid = plan(ours, str(undisturbed))
    assert not laid.todo and laid.steps_left == 0 and laid.seconds_a_step
    costs = {
        run["folder"]: run["wall_seconds"]
        for record in laid.records.values()
        for run in record["result"]["runs"]
    }
    assert sum(r.wall_seconds or 0 for r in rows) == pytest.approx(sum(costs.values()), abs=0.1)
    # No more was tuned than was planned.
    assert len(costs) * 4 >= laid.total_steps * 0.3
    pairs = read_similarities(str(undisturbed))
    assert len(pairs) == 2 * (6 * 5) // 2
    assert {p.role_a for p in pairs} == {"target", "source"}
    assert all(p.role_b == "source" for p in pairs if p.role_a == "source")


@pytest.mark.slow
def test_stopped_and_resumed_gives_the_same_rows(
    undisturbed: Path, small_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    with pytest.raises(WrongUse, match="no study to resume"):
        run(small_study(), out, workers=0, begun=True)
    for stop in (3, 11, 20):
        calls = 0

        def count(done: int, total: int, what: str, stop: int = stop) -> None:
            nonlocal calls
            calls += 1
            if calls == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(small_study(), out, workers=0, progress=count)
    run(small_study(), out, workers=0, begun=True)
    assert timeless(read_rows(out)) == timeless(read_rows(str(undisturbed)))
    # Nothing finished is repeated: not even a model is opened.
    monkeypatch.setattr("spotfw.study.work.workers.start_tuner", None)
    assert run(small_study(), out, workers=0).failed == {}


@pytest.mark.slow
def test_a_failed_cell_stops_no_other_and_is_tried_again(
    undisturbed: Path, small_study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def failing(*words: Any, **named: Any) -> Any:
        work = start_tuner(*words, **named)

        def do(job: Any, report: Any) -> Any:
            if job.get("hand_on") == "library" and (
                job["tasks"][0].endswith("tiny_things.toml") and job["settings"]["seed"] == 1
            ):
                raise RuntimeError("no such luck")
            return work(job, report)

        return do

    lines: list[str] = []
    monkeypatch.setattr("spotfw.study.work.workers.start_tuner", failing)
    outcome = run(small_study(), str(out), workers=0, notify=lines.append)
    rows = read_rows(str(out))
    failed = [r for r in rows if r.error is not None]
    # The source, two transfers from it, and every strategy, which ranks all sources.
    assert len(failed) == len(outcome.failed) == 1 + 2 + 24
    assert all("RuntimeError: no such luck" in (r.error or "") for r in failed)
    assert sum("depends on source tiny_things" in (r.error or "") for r in failed) == 26
    assert len([line for line in lines if "no such luck" in line]) == 1
    traces = [json.loads(p.read_text())["traceback"] for p in (out / "cells").iterdir()]
    assert sum("in do" in trace for trace in traces) == 1
    monkeypatch.undo()
    assert not run(small_study(), str(out), workers=0).failed
    assert timeless(read_rows(str(out))) == timeless(read_rows(str(undisturbed)))
    assert len(read_similarities(str(out))) == 30  # those made without the failed one are redone


@pytest.mark.slow
def test_a_study_may_grow_but_not_change(
    small_study: Make, tmp_path: Path, undisturbed: Path
) -> None:
    out = str(tmp_path / "out")
    run(small_study(seeds=[0], generic=None), out, workers=0)
    assert len(plan(small_study(), out).todo) < len(plan(small_study(), out).cells)
    with pytest.raises(WrongUse, match=r"dropout of .* was 0\.1, now 0\.2"):
        run(small_study(target={"dropout": 0.2}), out, workers=0)
    run(small_study(), out, workers=0)
    assert timeless(read_rows(out)) == timeless(read_rows(str(undisturbed)))


def test_wrong_names_are_errors_before_a_model_is_opened(small_study: Make, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    for changes, message in (
        ({"sources": ["film_reviewz"]}, "In sources of"),
        ({"metrics": ["per_token_cosin"]}, "Did you mean 'per_token_cosine'"),
        ({"strategies": ["best_of_topk"]}, "Did you mean 'best_of_top_k'"),
        ({"model": "playgroun"}, "In models of"),
        ({"open": {"backend": "mesk"}}, "Did you mean 'mesh'"),
    ):
        with pytest.raises(UnknownName, match=message):
            run(small_study(**changes), out)
    with pytest.raises(WrongUse, match="prompt_length: source 4, target 5"):
        plan(small_study(target={"prompt_length": 5}), out)
    with pytest.raises(WrongUse, match="only source"):
        plan(small_study(targets=["tiny_words.toml"], sources=["tiny_words.toml"]), out)
    assert not Path(out).exists()


def test_what_is_unexpected_is_a_warning(small_study: Make, tmp_path: Path) -> None:
    both = ["tiny_words.toml", "tiny_reviews.toml"]
    laid = plan(small_study(sources=both, ks=[1, 9]), str(tmp_path / "out"))
    assert any("its own prompts are left out" in warning for warning in laid.warnings)
    assert any("k = 9 is more than the 2 source prompts" in w for w in laid.warnings)
    assert all(c.source != "tiny_words" for c in laid.cells if c.kind == "transfer")


def test_a_folder_of_other_things_is_left_alone(small_study: Make, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(WrongUse, match=r"mine\.txt"):
        run(small_study(), str(tmp_path), workers=0)
    (tmp_path / "mine.txt").unlink()
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(SpotError, match=r"study\.json is damaged"):
        run(small_study(), str(tmp_path), workers=0)


def test_an_executor_is_looked_up_before_anything_is_written(
    small_study: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(UnknownName, match="Did you mean 'processes'"):
        run(small_study(), str(out), executor="proceses")
    with pytest.raises(WrongUse, match="workers"):
        run(small_study(), str(out), executor="processes:workers=0")
    with pytest.raises(WrongUse, match="processes:workers=2"):
        run(small_study(), str(out), executor="processes", workers=2)
    with pytest.raises(WrongUse, match="reach no other process"):
        run(small_study(), str(out), executor="processes", plugins=Plugins(entry_points=False))
    assert not out.exists()


@pytest.mark.slow
def test_any_executor_gives_the_same_rows(
    undisturbed: Path, small_study: Make, tmp_path: Path
) -> None:
    """One of a plugin, which hands jobs on as JSON and starts its workers by name alone."""
    plugins = Plugins(entry_points=False)
    plugins.register(types.SimpleNamespace(spotfw_executors=hookimpl(lambda: [Wire()])), "wire")
    out = str(tmp_path / "out")
    outcome = run(small_study(), out, executor="wire:bits=8", plugins=plugins)
    assert outcome.done == outcome.cells
    assert timeless(read_rows(out)) == timeless(read_rows(str(undisturbed)))
    with pytest.raises(SpotError, match=r"executor 'wire:bits=1'.*wire.*no wire of 1 bit"):
        run(small_study(), str(tmp_path / "b"), executor="wire:bits=1", plugins=plugins)


def test_a_worker_is_given_what_a_cohort_needs(
    small_study: Callable[..., Study], tmp_path: Path
) -> None:
    class Refusing:
        name, isolated = "refusing", False

        def open(self, start: StartWorker, *, jobs: int, resources: Any = None) -> JobPool:
            raise SpotError(str(resources))

    study = small_study()
    (model,) = study.models
    together = cohort_of(model, study.open, default_plugins())
    needs = {"resources": {"gpus": 1.0, "memory": 2.0}, "resources_per_tuning": {"memory": 3.0}}
    with pytest.raises(SpotError, match=f"'memory': {2.0 + 3.0 * together}"):
        run(study, str(tmp_path / "out"), executor=Refusing(), **needs)  # type: ignore[arg-type]


@attrs.frozen
class Wire:
    """Jobs and results pass through JSON."""

    name = "wire"
    isolated = False
    bits: int = 8

    def open(
        self, start: StartWorker, *, jobs: int, resources: Mapping[str, float] | None = None
    ) -> JobPool:
        if self.bits == 1:
            raise RuntimeError("no wire of 1 bit")
        pool = InProcess().open(lambda: _wired(start()), jobs=jobs)
        return pool


def _wired(work: Work) -> Work:
    return lambda job, report: json.loads(json.dumps(work(json.loads(json.dumps(job)), report)))
