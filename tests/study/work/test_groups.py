"""Cells that are one job: same rows as one by one, and a cell's failure is its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.plugins.models import cohort_of
from spotfw.study import plan, read_rows, read_similarities, run
from spotfw.study.grid.cells import BaselineCell
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.study.grid.schedule import Schedule
from spotfw.study.rows import Row
from spotfw.study.work.groups import Grouping
from spotfw.study.work.workers import bundle
from spotfw.testing import NumpyBackend, NumpyModel
from tests.settings import MOMENT
from tests.study.conftest import DOCUMENT


class Cohorts:
    """What the engine is asked for: of each call the tasks and seeds."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, int]]] = []
        self.diverging: tuple[str, int] | None = None
        self.most: int | None = None

    @property
    def tunings(self) -> int:
        return sum(map(len, self.asked))


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Cohorts:
    counting = Cohorts()
    tune, update = NumpyModel.tune, NumpyModel.update

    def counted(model: NumpyModel, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        counting.asked.append([(r.task.name, r.settings.seed) for r in requests])
        if counting.most is not None and len(requests) > counting.most:
            raise SystemExit("no memory is left")
        return tune(model, requests)

    def updated(
        model: NumpyModel, request: TuneRequest, state: TuningState
    ) -> tuple[TuningState, float]:
        made, loss = update(model, request, state)
        bad = (request.task.name, request.settings.seed) == counting.diverging
        return made, float("nan") if bad else loss

    monkeypatch.setattr(NumpyModel, "tune", counted)
    monkeypatch.setattr(NumpyModel, "update", updated)
    return counting


def plugins_of(cohort: int) -> Plugins:
    plugins = Plugins(entry_points=False)
    plugins.register(NumpyBackend(cohort=cohort), "numpy")
    return plugins


def study_in(folder: Path, tasks: Path, **changes: Any) -> Study:
    """The small study on the NumPy model, which is whatever folder there is."""
    (folder / "model").mkdir(parents=True, exist_ok=True)
    (folder / "model" / "weights").write_text("")
    document = DOCUMENT | {"model": str(folder / "model"), "open": {"backend": "numpy"}} | changes
    document = {key: value for key, value in document.items() if value is not None}
    return parse_study(document, str(tasks / "study.toml"))


@pytest.fixture
def make(tmp_path: Path, spotfw_task_folder: Path) -> Callable[..., Study]:
    return lambda **changes: study_in(tmp_path, spotfw_task_folder, **changes)


def timeless(folder: Path) -> list[Row]:
    """The rows without what differs from run to run."""
    rows = read_rows(str(folder))
    return [attrs.evolve(r, wall_seconds=None, cpu_seconds=None, created="") for r in rows]


def test_groups_give_the_rows_of_cells_one_by_one(
    make: Callable[..., Study], engine: Cohorts, tmp_path: Path
) -> None:
    alone, together = tmp_path / "alone", tmp_path / "together"
    assert not run(make(), str(alone), workers=0, plugins=plugins_of(1)).failed
    calls, tunings = len(engine.asked), engine.tunings
    assert max(map(len, engine.asked)) == 1

    engine.asked.clear()
    outcome = run(make(), str(together), workers=0, plugins=plugins_of(64))
    assert not outcome.failed and outcome.done == outcome.cells
    assert timeless(together) == timeless(alone)
    assert read_similarities(str(together)) == read_similarities(str(alone))
    # What nothing is waited for: sources, baselines and a generic source under both seeds.
    assert len(engine.asked[0]) == 4 + 2 + 2
    assert engine.tunings == tunings and len(engine.asked) * 4 < calls
    # Each run's time stands in one row, as before.
    records = plan(make(), str(together), plugins=plugins_of(64)).records.values()
    costs = {r["folder"]: r["wall_seconds"] for rec in records for r in rec["result"]["runs"]}
    spent = sum(row.wall_seconds or 0 for row in read_rows(str(together)))
    assert spent == pytest.approx(sum(costs.values()), abs=0.1)


def test_a_cell_that_fails_fails_alone(
    make: Callable[..., Study], engine: Cohorts, tmp_path: Path
) -> None:
    out, lines = tmp_path / "out", list[str]()
    engine.diverging = ("tiny_things", 1)
    outcome = run(
        make(oracle=False, strategies=None, ks=None, mixture=None, generic=None),
        str(out),
        workers=0,
        plugins=plugins_of(64),
        notify=lines.append,
    )
    assert len(engine.asked) == 1
    assert list(outcome.failed) == ["source tiny_things, seed 1"]
    assert outcome.done == 5  # of 6; and two comparisons are made of what there is
    records = [json.loads(path.read_text()) for path in (out / "cells").iterdir()]
    (failed,) = [record for record in records if record["error"]]
    assert "nan at step 1" in failed["error"] and "SpotError" in failed["traceback"]
    assert len(lines) == 1 and "nan at step 1" in lines[0]


def test_what_fails_as_a_whole_is_tried_one_by_one(
    make: Callable[..., Study], engine: Cohorts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    small = make(oracle=False, strategies=None, ks=None, mixture=None, generic=None)
    from spotfw.study.work import tuner

    def failing(*plans: Any) -> Any:
        raise SpotError("The worker process was ended by SIGKILL.")

    monkeypatch.setattr(tuner, "side_by_side", failing)
    outcome = run(
        small, str(tmp_path / "out"), workers=0, plugins=plugins_of(64), notify=lines.append
    )
    assert not outcome.failed
    assert [len(asked) for asked in engine.asked] == [1] * 6
    (line,) = lines
    assert "6 tunings failed as a whole" in line and "SIGKILL" in line


def test_cells_whose_worker_is_lost_are_tried_in_halves() -> None:
    schedule = Schedule(_cells(*[""] * 7))
    grouping = Grouping(schedule, {"m": 4})
    poison = "t2"
    ended, lines, sizes = list[str](), list[str](), list[int]()
    while (cell := schedule.take()) is not None:
        group = grouping.around(cell, 1)
        names = [c.facts["task"] for c in group.cells]
        sizes.append(len(names))
        if poison not in names:
            ended += names
        elif len(names) > 1:
            lines.append(grouping.part(group, "The node is gone.", lost=True))
            continue
        elif grouping.try_again(cell):
            continue
        for member in group.cells:
            schedule.ended(member, well=member.facts["task"] != poison)
    # Four of seven are lost, two of these again; the others keep the engine's size.
    assert sizes == [4, 2, 2, 1, 1, 1, 1, 3]
    assert ended == ["t0", "t1", "t3", "t4", "t5", "t6"]
    assert "2 at a time" in lines[0] and "tried alone" in lines[1]


def test_a_study_goes_on_with_groups_of_another_size(
    make: Callable[..., Study], engine: Cohorts, tmp_path: Path
) -> None:
    alone, out = tmp_path / "alone", tmp_path / "out"
    run(make(), str(alone), workers=0, plugins=plugins_of(1))
    stops = 0
    for cohort, stop in ((1, 5), (3, 9), (64, 14)):

        def count(done: int, total: int, what: str, stop: int = stop) -> None:
            nonlocal stops
            stops += 1
            if stops == stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            run(make(), str(out), workers=0, plugins=plugins_of(cohort), progress=count)
    run(make(), str(out), workers=0, plugins=plugins_of(5))
    assert timeless(out) == timeless(alone)


def _cells(*lanes: str, shape: int = 8) -> list[BaselineCell]:
    settings = {"batch_size": shape}
    return [
        BaselineCell(model="m", task=f"t{n}", seed=0, settings=settings, lane=lane)
        for n, lane in enumerate(lanes)
    ]


def _took(schedule: Schedule, grouping: Grouping, workers: int) -> list[str]:
    cell = schedule.take()
    assert cell is not None
    return [c.facts["task"] for c in grouping.around(cell, workers).cells]


@pytest.mark.parametrize(
    ("size", "workers", "sizes"),
    [(1, 1, [1] * 7), (4, 1, [4, 3]), (64, 1, [7]), (64, 2, [4, 2, 1]), (3, 2, [3, 2, 1, 1])],
)
def test_as_many_as_keep_all_workers_busy(size: int, workers: int, sizes: list[int]) -> None:
    schedule = Schedule(_cells(*[""] * 7))
    grouping = Grouping(schedule, {"m": size})
    took = [_took(schedule, grouping, workers) for _ in sizes]
    assert [len(cells) for cells in took] == sizes
    assert [name for cells in took for name in cells] == [f"t{n}" for n in range(7)]
    assert schedule.take() is None


def test_only_cells_of_one_shape_and_of_free_lanes_are_a_group() -> None:
    busy, second, third, rival, last = _cells("b", "a", "a", "b", "")
    (other,) = _cells("", shape=9)
    other = attrs.evolve(other, task="other")
    waiting = attrs.evolve(last, task="waits", needs=(busy.id,))
    schedule = Schedule([busy, second, third, rival, last, other, waiting])
    grouping = Grouping(schedule, {"m": 64})
    assert schedule.take() == busy
    assert _took(schedule, grouping, 1) == ["t1", "t2", "t4"]
    assert _took(schedule, grouping, 1) == ["other"]
    assert schedule.take() is None  # the rival's lane is busy, the last one waits
    schedule.ended(busy, well=True)
    assert _took(schedule, grouping, 1) == ["t3", "waits"]


def test_what_a_worker_needs_grows_with_its_tunings() -> None:
    assert bundle({"gpus": 1.0, "memory": 4e9}, {"memory": 5e8}, 8) == {"gpus": 1.0, "memory": 8e9}
    assert bundle(None, {"slots": 0.5}, 3) == {"slots": 1.5}
    assert bundle(None, None, 3) == {}


def test_the_size_is_the_engine_s(make: Callable[..., Study]) -> None:
    (model,) = make().models
    assert cohort_of(model, {"backend": "numpy"}, plugins_of(5)) == 5
    assert cohort_of(model, {"backend": "numpy:cohort=7"}, plugins_of(5)) == 7
    assert cohort_of(model, {"backend": "numpy", "cohort": 3}, plugins_of(5)) == 3
    assert cohort_of(model, {"backend": "numpy"}, plugins_of(0)) == 1  # which makes no sense


LONGER = {**MOMENT, "steps": 60, "checkpoint_every": 10, "embedding_step": 10}

RUN = """
import sys
from pathlib import Path
from tests.study.work.test_groups import LONGER, plugins_of, study_in
from spotfw.study import run
folder, tasks, cohort = sys.argv[1:]
study = study_in(Path(folder), Path(tasks), mixture={"steps": 40}, settings=LONGER)
run(study, folder + "/killed", workers=0, plugins=plugins_of(int(cohort)))
"""


@pytest.mark.slow
def test_killed_again_and_again_gives_the_same_rows(
    tmp_path: Path, spotfw_task_folder: Path
) -> None:
    """With -9 at whatever moment, while cohorts are tuned, scored or written down."""
    study = study_in(tmp_path, spotfw_task_folder, mixture={"steps": 40}, settings=LONGER)
    run(study, str(tmp_path / "alone"), workers=0, plugins=plugins_of(1))
    words = [sys.executable, "-c", RUN, str(tmp_path), str(spotfw_task_folder)]
    killed, cells = 0, tmp_path / "killed"
    for attempt in range(40):
        process = subprocess.Popen([*words, str((3, 64)[attempt % 2])], env=os.environ)
        before = _saved(cells)
        # Killed once something more has been saved: never at a time of the clock's.
        while process.poll() is None and _saved(cells) < before + 5 + 15 * attempt:
            time.sleep(0.01)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        if process.wait() == 0:
            break
    assert killed > 3
    run(study, str(cells), workers=0, plugins=plugins_of(64))
    assert timeless(cells) == timeless(tmp_path / "alone")
    for state in (tmp_path / "alone").rglob("runs/*/checkpoints/*.safetensors"):
        other = cells / state.relative_to(tmp_path / "alone")
        assert other.read_bytes() == state.read_bytes()


def _saved(folder: Path) -> int:
    return sum(1 for _ in folder.glob("runs/*/checkpoints/step-*.safetensors"))
