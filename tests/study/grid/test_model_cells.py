"""``[[model_tuning]]`` of a study: read, laid out, and what its cells ask of a worker."""

from __future__ import annotations

import re
import sys
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
from tests.places import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"checkpoint_every": 2}, ["steps 262,144, max_train_examples of all: ", "steps = 4, max"]),
        ({"steps": 9}, ["has max_train_examples of all: ", "write max_train_examples = 8 into"]),
        ({"steps": 9, "max_train_examples": 3}, []),
    ],
)
def test_a_plan_says_where_settings_of_prompts_are_not_those_of_all_weights(
    small_study: Callable[..., Study], settings: dict[str, Any], said: list[str]
) -> None:
    of_prompts = {"steps": 4, "embedding_step": 2, "prompt_length": 4, "max_train_examples": 8}
    study = small_study(settings=of_prompts, model_tuning=[{"settings": settings}])
    warnings = plan(study, "nowhere", plugins=Plugins(entry_points=False)).warnings
    assert len(warnings) == bool(said)
    for words in said:
        assert words in warnings[0] and warnings[0].startswith("ModelTuning on ")


def test_settings_come_from_where_the_documentation_says() -> None:
    """Its own, else a named model's steps, lengths, batches and limits; else the paper's."""
    spotfw_playground = pytest.importorskip("spotfw_playground.plugin")
    plugins = Plugins(entry_points=False)
    plugins.register(spotfw_playground, "playground", distribution="spotfw-playground")
    text = re.findall(r"```toml\n(# all_weights\.toml.*?)```", _page("study.md"), re.DOTALL)[0]
    laid = plan(parse_study(tomllib.loads(text), "all_weights.toml"), "nowhere", plugins=plugins)
    assert not laid.warnings
    (own,) = (m.settings for m in plugins.models() if m.name == "playground")
    (source, *_), *_ = ([c for c in laid.cells if isinstance(c, ModelSourceCell)],)
    target = next(c for c in laid.cells if isinstance(c, ModelTuningCell) and c.needs)
    assert (source.settings["steps"], source.settings["max_train_examples"]) == (120, 200)
    assert (target.settings["steps"], target.settings["checkpoint_every"]) == (60, 20)
    assert target.settings["max_input_length"] == own["max_input_length"]
    assert (target.settings["dropout"], target.settings["learning_rate"]) == (0.1, 0.001)


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")
