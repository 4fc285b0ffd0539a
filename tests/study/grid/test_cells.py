"""Cells of every kind: jobs are plain values, equal tunings count once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spotfw.plugins import Plugins
from spotfw.study import plan
from spotfw.study.findings.coverage import coverage
from spotfw.study.grid.cells import (
    GenericCell,
    GenericSourceCell,
    SimilaritiesCell,
    SourceCell,
    StrategyCell,
    TransferCell,
)
from spotfw.study.grid.declaration import Study
from spotfw.study.grid.planning import Plan
from spotfw.study.rows import KINDS
from tests.study.conftest import DOCUMENT

Make = Callable[..., Study]


@pytest.fixture
def laid(small_study: Make, tmp_path: Path) -> Plan:
    return plan(small_study(), str(tmp_path / "out"), plugins=Plugins(entry_points=False))


@pytest.fixture
def ablated(small_study: Make, tmp_path: Path) -> Plan:
    """With other numbers of updates too: every kind of cell."""
    generic = [DOCUMENT["generic"][0] | {"also_steps": [3]}, DOCUMENT["generic"][1]]
    study = small_study(also_steps=[3, 2], generic=generic)
    return plan(study, str(tmp_path / "out"), plugins=Plugins(entry_points=False))


def results(cell: str) -> dict[str, Any] | None:
    """What every cell gave."""
    return {
        "source_id": f"id of {cell}",
        "final": f"{cell}/final",
        "family": "f",
        "folder": f"runs/{cell}",
        "embedding": f"runs/{cell}/embedding",
    }


def test_a_source_named_from_something_is_not_said_twice(
    small_study: Make, spotfw_cli: Callable[..., Any], tmp_path: Path
) -> None:
    generic = [{"name": "from a mixture", "tasks": ["tiny_reviews.toml", "tiny_things.toml"]}]
    study = small_study(generic=generic)
    laid = plan(study, str(tmp_path / "out"), plugins=Plugins(entry_points=False))
    titles = {cell.kind: str(cell) for cell in laid.cells if cell.facts["seed"] == 0}
    assert titles["generic"] == "generic tiny_words from a mixture, seed 0"
    assert " from tiny_things (seed 1)" in titles["transfer"]
    pytest.importorskip("spotfw_playground")
    file = tmp_path / "s.toml"
    file.write_text(
        'targets = ["hotel_reviews"]\nseeds = [0]\n'
        '[[generic]]\nname = "from a mixture"\ntasks = ["film_reviews", "topic_news"]\n'
    )
    shown = spotfw_cli("study", "plan", file, "--out", tmp_path / "out").out
    assert "hotel_reviews from a mixture: 1 cell" in shown and "from from" not in shown


def test_jobs_are_plain_values_of_three_actions(ablated: Plan) -> None:
    jobs = {cell.id: cell.job(results) for cell in ablated.cells}
    assert all(json.loads(json.dumps(job)) == job for job in jobs.values())
    assert {job["action"] for job in jobs.values()} == {"tune", "transfer", "compare"}
    kinds = dict.fromkeys(cell.kind for cell in ablated.cells)
    # Those that tune all weights: test_model_cells.
    assert set(kinds) == {*KINDS, "similarities"} - {"model source", "model tuning"}


def test_a_job_takes_what_its_cell_waits_for(laid: Plan) -> None:
    by_id = {cell.id: cell for cell in laid.cells}
    for cell in laid.cells:
        job = cell.job(results)
        if isinstance(cell, TransferCell):
            assert job["start"] == {"id": f"id of {cell.needs[0]}"}
            source = by_id[cell.needs[0]]
            assert isinstance(source, SourceCell)
            assert (source.task, source.seed) == (cell.source, cell.source_seed)
        if isinstance(cell, GenericCell):
            assert job["start"] == {"file": f"{cell.needs[0]}/final"}
        if isinstance(cell, StrategyCell):
            assert job["among"] == [f"id of {key}" for key in cell.needs[1:]]
            assert [by_id[key].facts["task"] for key in cell.needs[1:]] == [t for t, _ in cell.pool]
            assert by_id[cell.needs[0]].kind == "baseline"


def test_other_numbers_of_updates_are_cells_of_their_own(ablated: Plan) -> None:
    laid = ablated
    of_kind = {kind: [c for c in laid.cells if c.kind == kind] for kind in KINDS}
    steps = [c.settings["steps"] for c in of_kind["baseline ablation"]]  # type: ignore[attr-defined]
    assert steps == [3, 3, 2, 2]
    by_id = {cell.id: cell for cell in laid.cells}
    assert len(by_id) == len(laid.cells)
    for cell in (*of_kind["generic"], *of_kind["generic ablation"]):
        (source,) = (by_id[need] for need in cell.needs)
        usual = cell.kind == "generic"
        assert isinstance(cell, GenericCell) and isinstance(source, GenericSourceCell)
        assert (source.source, source.seed) == (cell.source, cell.seed)
        assert (cell.settings["steps"], source.settings["steps"]) == ((4, 4) if usual else (3, 3))
    assert {c.source for c in of_kind["generic ablation"]} == {"both"}  # type: ignore[attr-defined]
    # A target's embedding is of its usual tuning.
    for cell in laid.cells:
        if isinstance(cell, SimilaritiesCell):
            assert {c.kind for c in cell.compared} == {"source", "baseline"}
    asked = {c.kind: c.asked for c in coverage(laid.study, [])}
    assert asked == {kind: len(cells) for kind, cells in of_kind.items() if cells}


def test_a_comparison_is_partial_where_an_embedding_is_missing(laid: Plan) -> None:
    cell = next(cell for cell in laid.cells if isinstance(cell, SimilaritiesCell))
    first = cell.compared[0]
    whole = cell.completed({"pairs": [], "runs": []}, results)
    assert [side["role"] for side in whole["embeddings"]] == ["target"] * 2 + ["source"] * 4
    assert whole["partial"] is False and list(whole) == ["pairs", "runs", "embeddings", "partial"]

    def without_first(key: str) -> dict[str, Any] | None:
        return None if key == first.id else results(key)

    part = cell.completed({"pairs": [], "runs": []}, without_first)
    assert part["partial"] is True and len(part["embeddings"]) == 5
    assert part["embeddings"] == cell.job(without_first)["embeddings"]


def test_a_generic_source_of_one_task_is_the_tuning_of_a_source(laid: Plan) -> None:
    generic = [cell for cell in laid.cells if cell.kind == "generic source"]
    assert [(cell.facts["source"], laid.steps[cell.id]) for cell in generic] == [
        ("both", 4), ("both", 4), ("reviews", 0), ("reviews", 0),
    ]  # fmt: skip


def test_single_prompts_cost_nothing_where_an_oracle_tries_all(
    laid: Plan, small_study: Make, tmp_path: Path
) -> None:
    without = plan(
        small_study(oracle=None), str(tmp_path / "out"), plugins=Plugins(entry_points=False)
    )

    def cost(of: Plan, strategy: str) -> int:
        return sum(of.steps[c.id] for c in of.cells if c.facts["strategy"] == strategy)

    assert cost(laid, "best_of_top_k") == 0
    # Two seeds and metrics, k of 1 and 3: three tunings of 4 steps each.
    assert cost(without, "best_of_top_k") == 2 * 2 * 3 * 4
    # One average of one prompt, which is that prompt's tuning, and one of three.
    assert cost(laid, "top_k_weighted_average") == 2 * 2 * 4
