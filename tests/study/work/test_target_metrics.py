"""Studies that rank by what a target's examples say, alone and fused, on the model in NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw.contracts import SimilarityMetric, TargetContext, TargetSignal
from spotfw.errors import SpotError, UnknownName
from spotfw.library import Library
from spotfw.plugins import Plugins
from spotfw.study import plan, read_rows, read_similarities, run
from spotfw.study.findings.likeness import compared_by, rankings
from spotfw.study.findings.retrieval import retrieval_table
from spotfw.study.grid.cells import SimilaritiesCell, TargetRankingCell
from spotfw.study.grid.declaration import Study
from spotfw.study.report.results import figure_count, results
from spotfw.testing import NumpyBackend
from tests.study.work.test_groups import study_in

METRICS = ["average_token_cosine", "loss", "per_token_cosine+loss:examples=5"]


@attrs.define(eq=False)
class Loss(TargetSignal):
    """Minus the mean loss."""

    name = "loss"
    examples: int = 10
    context: Any = attrs.field(default=None, init=False)

    def with_target(self, context: TargetContext) -> Loss:
        bound = attrs.evolve(self)
        bound.context = context
        return bound

    def signals(self, prompts: Sequence[Any]) -> Any:
        given = self.context_of(self.context)
        if given.task.name == "tiny_words":
            return -given.model.losses(prompts, given.examples, given.settings).mean(axis=1)
        raise SpotError("It has no losses here.")

    def passes(self, context: TargetContext) -> float:
        return len(context.examples)


class ByTask(SimilarityMetric):
    """A metric of source tasks alone."""

    name = "by_task"

    def features(self, prompt: Any) -> Any:
        return np.ones(1)

    def with_sources(self, sources: Sequence[str | None], target: str | None) -> ByTask:
        bound = ByTask()
        values = np.array([float(len(task or "")) for task in sources])
        bound.compare = lambda query, stack: values  # type: ignore[method-assign]
        return bound


class Given:
    @spotfw.hookimpl
    def spotfw_similarity_metrics(self) -> list[Any]:
        return [Loss(), ByTask()]


@pytest.fixture
def plugins() -> Plugins:
    made = Plugins(entry_points=False)
    made.register(NumpyBackend(), "numpy")
    made.register(Given(), "given")
    return made


@pytest.fixture
def make(tmp_path: Path, spotfw_task_folder: Path) -> Callable[..., Study]:
    def study(**changes: Any) -> Study:
        few = {"strategies": ["best_of_top_k"], "ks": [1], "generic": None, "metrics": METRICS}
        return study_in(tmp_path, spotfw_task_folder, **few | changes)

    return study


def test_a_study_ranks_by_signals_and_fusions(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    outcome = run(make(), out, workers=0, plugins=plugins)
    assert not outcome.failed and outcome.done == outcome.cells
    pairs = read_similarities(out)
    of_target = [p for p in pairs if p.metric != METRICS[0]]
    # Two seeds of a target and four source prompts, for each of two metrics.
    assert len(of_target) == 2 * 2 * 4
    assert {(p.role_a, p.role_b, p.task_a) for p in of_target} == {
        ("target", "source", "tiny_words")
    }
    losses = [p.similarity for p in pairs if p.metric == "loss"]
    assert all(value < 0 for value in losses) and len(set(losses)) == len(losses)
    fused = [p.similarity for p in pairs if p.metric == METRICS[2] and p.seed_a == 0]
    assert sum(fused) == pytest.approx(sum(2 / (60 + rank) for rank in range(1, 5)))

    rows = read_rows(out)
    for metric in METRICS[1:]:
        chosen = [r for r in rows if r.metric == metric]
        assert {(r.strategy, r.k, r.candidates) for r in chosen} == {("best_of_top_k", 1, 1)}
        for row in chosen:
            own = [p for p in pairs if p.metric == metric and p.seed_a == row.seed]
            first = max(own, key=lambda p: p.similarity)
            assert (row.source, row.source_id) == (first.task_b, first.id_b)

    again = run(make(), out, workers=0, plugins=plugins)
    assert again.done == outcome.done and read_similarities(out) == pairs
    assert not plan(make(), out, plugins=plugins).todo


def test_the_report_has_what_signals_say(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    study = make()
    run(study, out, workers=0, plugins=plugins)
    rows, pairs = read_rows(out), read_similarities(out)
    assert compared_by(pairs) == METRICS[:1]
    assert [len(rankings(pairs, metric)["tiny_words"]) for metric in METRICS] == [2, 2, 2]
    table = retrieval_table(rows, pairs)
    assert [line[0].value for line in table.rows] == METRICS
    ticks: list[int] = []
    drawn = results(study, rows, pairs, rows[0].model, lambda: ticks.append(1), out)
    assert len(drawn.heatmaps) == 2 and len(drawn.scatters) == 3
    assert len(ticks) == figure_count(pairs, 1) == 2 + 2 + 3
    (ranking,) = drawn.rankings.values()
    assert list(ranking.columns[3:6]) == METRICS
    assert not any(math.isnan(line[4].value) for line in ranking.rows)


def test_cells_of_such_metrics_are_a_target_s(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    laid = plan(make(metrics=[*METRICS, "by_task"]), str(tmp_path / "out"), plugins=plugins)
    rankings_ = [c for c in laid.cells if isinstance(c, TargetRankingCell)]
    compared = [c for c in laid.cells if type(c) is SimilaritiesCell]
    assert [c.metric for c in compared] == METRICS[:1]
    assert len(rankings_) == 3 * 2 and len({c.id for c in rankings_}) == 6
    assert {c.facts["task"] for c in rankings_} == {"tiny_words"}
    by_id = {cell.id: cell for cell in laid.cells}
    for cell in rankings_:
        assert [by_id[id].kind for id in cell.needs] == ["baseline"]
        assert [by_id[id].kind for id in cell.after] == ["source"] * 4
        assert laid.steps[cell.id] == 0 and cell.kind == "similarities"


def test_a_metric_of_source_tasks(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    assert not run(make(metrics=["by_task"]), out, workers=0, plugins=plugins).failed
    known = {p.task_b: p.similarity for p in read_similarities(out)}
    assert known == {"tiny_reviews": 12.0, "tiny_things": 11.0}


def test_a_target_that_a_signal_cannot_look_at_fails_alone(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    study = make(
        targets=["tiny_words.toml", "tiny_things.toml"], sources=["tiny_reviews.toml"], seeds=[0]
    )
    outcome = run(study, str(tmp_path / "out"), workers=0, plugins=plugins)
    # By the signal alone and fused: a ranking and a strategy each.
    assert len(outcome.failed) == 4
    assert all("tiny_things" in what for what in outcome.failed)
    assert all("It has no losses here" in why for why in outcome.failed.values())
    pairs = read_similarities(str(tmp_path / "out"))
    assert {p.task_a for p in pairs if p.metric == "loss"} == {"tiny_words"}


def test_a_source_that_comes_later_is_ranked_then(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    out = str(tmp_path / "out")
    few = make(sources=["tiny_reviews.toml"], strategies=None, ks=None)
    run(few, out, workers=0, plugins=plugins)
    assert sum(p.metric == "loss" for p in read_similarities(out)) == 4
    run(make(strategies=None, ks=None), out, workers=0, plugins=plugins)
    assert sum(p.metric == "loss" for p in read_similarities(out)) == 8
    assert len(Library(str(tmp_path / "out" / "library")).entries()) == 4


def test_wrong_names_in_a_fusion(
    make: Callable[..., Study], plugins: Plugins, tmp_path: Path
) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'per_token_cosine'"):
        plan(make(metrics=["per_token_cosin+loss"]), str(tmp_path / "o"), plugins=plugins)
    with pytest.raises(SpotError, match="setting"):
        plan(make(metrics=["loss:exampels=3"]), str(tmp_path / "o"), plugins=plugins)
