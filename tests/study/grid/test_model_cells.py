"""``[[model_tuning]]`` of a study: read, laid out, and what its cells ask of a worker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.config import ModelTuningSettings
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.study.grid import ledger
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.study.grid.model_cells import ModelSourceCell, ModelTuningCell
from spotfw.study.grid.planning import Plan, plan

SETTINGS = {"steps": 5, "batch_size": 4}
PLAIN = {"settings": SETTINGS}
MIXED = {"tasks": ["a", "b"], "settings": SETTINGS, "mixture": {"steps": 7}}


def declared(*tunings: dict[str, Any], **changes: Any) -> Study:
    return parse_study({"targets": ["t"], "seeds": [0, 1], "model_tuning": [*tunings], **changes})


def test_names_and_settings() -> None:
    plain, mixed = declared(PLAIN, MIXED).model_tunings
    assert (plain.name, plain.tasks) == ("ModelTuning", ())
    assert (mixed.name, mixed.tasks) == ("Multi-task ModelTuning", ("a", "b"))
    assert (mixed.settings["steps"], mixed.mixture["steps"]) == (5, 7)
    # Several step counts are several tables.
    longer = declared(PLAIN, {"name": "longer", "settings": {"steps": 50}}).model_tunings
    assert [tuning.name for tuning in longer] == ["ModelTuning", "longer"]


@pytest.mark.parametrize(
    ("tunings", "message"),
    [
        ([PLAIN, PLAIN], "more than once"),
        ([{"settings": {"prompt_length": 4}}], "prompt_length"),
        ([{"settings": {"seed": 4}}], "seeds = "),
        ([{"settings": {"steps": "many"}}], "steps"),
        ([{"mixture": {"steps": 4}}], "no tasks"),
        ([{"tasks": ["a"], "rates": [1.0, 2.0]}], "rates"),
        ([{"task": ["a"]}], "task"),
    ],
)
def test_what_makes_no_sense_is_refused(tunings: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(WrongUse, match=message):
        declared(*tunings)


def test_it_needs_targets_and_one_model() -> None:
    with pytest.raises(WrongUse, match="no targets"):
        parse_study({"sources": ["a"], "model_tuning": [PLAIN]})
    with pytest.raises(WrongUse, match="several models"):
        declared({**PLAIN, "model": "other"}, models=["a", "b"])


def test_a_study_without_it_is_written_as_before() -> None:
    assert "model_tunings" not in parse_study({"targets": ["t"]}).to_dict()
    assert "model_tunings" in declared(PLAIN).to_dict()


@pytest.fixture
def planned(small_study: Callable[..., Study], tmp_path: Path) -> Plan:
    mixed = {**MIXED, "tasks": ["tiny_reviews.toml", "tiny_things.toml"]}
    study = small_study(model_tuning=[PLAIN, mixed])
    return plan(study, str(tmp_path / "out"), plugins=Plugins(entry_points=False))


def test_cells_of_targets_wait_for_the_mixtures(planned: Plan) -> None:
    firsts = [cell for cell in planned.cells if isinstance(cell, ModelSourceCell)]
    cells = [cell for cell in planned.cells if isinstance(cell, ModelTuningCell)]
    assert [(f.task, f.seed) for f in firsts] == [("tiny_reviews+tiny_things", s) for s in (0, 1)]
    by_seed = {first.seed: first.id for first in firsts}
    assert [(c.source, c.task, c.seed) for c in cells] == [
        (name, "tiny_words", seed)
        for name in ("ModelTuning", "Multi-task ModelTuning")
        for seed in (0, 1)
    ]
    assert [cell.needs for cell in cells] == [(), (), (by_seed[0],), (by_seed[1],)]
    assert [planned.steps[cell.id] for cell in (*firsts, *cells)] == [7, 7, 5, 5, 5, 5]
    # All weights of two tunings do not run side by side.
    assert {cell.shape for cell in (*firsts, *cells)} == {None}
    assert firsts[0].settings["learning_rate"] == 0.001


def test_jobs(planned: Plan) -> None:
    first = next(cell for cell in planned.cells if isinstance(cell, ModelSourceCell))
    plain, mixed = (
        next(c for c in planned.cells if isinstance(c, ModelTuningCell) and c.source == name)
        for name in ("ModelTuning", "Multi-task ModelTuning")
    )
    job = first.job(lambda cell: None)
    assert job["action"] == "tune weights"
    assert [Path(task).name for task in job["tasks"]] == ["tiny_reviews.toml", "tiny_things.toml"]
    assert plain.job(lambda cell: None)["start"] is None
    assert mixed.job(lambda cell: {"final": "runs/x/model"})["start"] == "runs/x/model"


def test_a_study_that_was_begun_goes_on_with_the_same_cells(
    small_study: Callable[..., Study], tmp_path: Path
) -> None:
    study, out = small_study(model_tuning=[PLAIN]), str(tmp_path / "out")
    plans = []
    for _ in range(2):
        plans.append(plan(study, out, plugins=Plugins(entry_points=False)))
        ledger.begin(out, study, plans[-1].resolved)
    first, again = ([cell.id for cell in planned.cells] for planned in plans)
    assert first == again
    (cell, *_) = [c for c in plans[1].cells if isinstance(c, ModelTuningCell)]
    ModelTuningSettings.from_dict(cell.settings)
