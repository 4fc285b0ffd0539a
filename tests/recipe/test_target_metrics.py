"""Ranking by what a target's examples say, alone and fused with prompts' similarity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw.contracts import Race, StartFromPrompt, TargetContext, TargetSignal
from spotfw.errors import SpotError, UnknownName
from spotfw.plugins import Plugins
from spotfw.recipe.metrics import metric_names
from spotfw.recipe.session import Session
from spotfw.tasks import Task
from spotfw.testing import NumpyBackend, NumpyModel

SETTINGS = {
    "steps": 40, "batch_size": 8, "prompt_length": 4, "checkpoint_every": 10,
    "embedding_step": 10, "max_input_length": 32,
}  # fmt: skip


@attrs.define(eq=False)
class Loss(TargetSignal):
    """Minus the mean loss; remembers what it was asked."""

    name = "loss"
    examples: int = 10
    asked: list[Any] = attrs.field(factory=list)
    context: TargetContext | None = None

    def with_target(self, context: TargetContext) -> Loss:
        return Loss(self.examples, self.asked, context)

    def signals(self, prompts: Sequence[Any]) -> Any:
        given = self.context_of(self.context)
        self.asked.append((given, len(prompts)))
        return -given.model.losses(prompts, given.examples, given.settings).mean(axis=1)

    def passes(self, context: TargetContext) -> float:
        return len(context.examples)


class Nonsense(Loss):
    name = "nonsense"

    def with_target(self, context: TargetContext) -> Loss:
        return Nonsense(self.examples, self.asked, context)

    def signals(self, prompts: Sequence[Any]) -> Any:
        return [1.0, 2.0, 3.0, 4.0]


class Parts:
    def __init__(self, tasks: Sequence[Task]) -> None:
        self.name = "own"
        self.signal = Loss()
        self._tasks = tasks

    def tasks(self) -> Sequence[Task]:
        return self._tasks

    @spotfw.hookimpl
    def spotfw_task_sources(self) -> list[Any]:
        return [self]

    @spotfw.hookimpl
    def spotfw_similarity_metrics(self) -> list[Any]:
        return [self.signal, Nonsense()]


@pytest.fixture
def parts(spotfw_tiny_tasks: tuple[Task, ...]) -> Parts:
    return Parts(spotfw_tiny_tasks)


@pytest.fixture
def fw(parts: Parts, tmp_path: Path) -> Session:
    plugins = Plugins(entry_points=False)
    plugins.register(NumpyBackend(), "numpy")
    plugins.register(parts, "own")
    library, runs = str(tmp_path / "library"), str(tmp_path / "runs")
    session = Session(str(tmp_path), library, runs=runs, plugins=plugins, backend="numpy")
    for name in ("tiny_words", "tiny_things"):
        for seed in (0, 1):
            session.tune(name, seed=seed, **SETTINGS)
    return session


def test_names_joined_by_a_plus() -> None:
    assert metric_names("a") == ["a"]
    assert metric_names("a+b:x=1e+5,y=2+c") == ["a", "b:x=1e+5,y=2", "c"]


def test_a_signal_ranks_without_the_targets_embedding(fw: Session, parts: Parts) -> None:
    ranking = fw.rank("tiny_reviews", "loss", **SETTINGS)
    assert len(ranking) == 4 and ranking.metric == "loss" and ranking.query == "tiny_reviews"
    ((context, count),) = parts.signal.asked
    assert count == 4, "all sources are asked about at once"
    assert (context.task.name, len(context.examples)) == ("tiny_reviews", 10)
    assert {e.targets for e in context.examples} == {"negative", "positive"}
    best = [fw.library.best(item.id).array for item in ranking]
    losses = context.model.losses(best, context.examples, context.settings).mean(axis=1)
    np.testing.assert_allclose([item.similarity for item in ranking], -losses)
    assert list(losses) == sorted(losses)
    assert not list(Path(fw.runs).glob("tiny_reviews*")), "nothing was tuned"
    assert ranking.passes == 10 and ranking.tuning_passes == 3 * 8 * 40
    other = fw.rank("tiny_reviews", "loss", seed=3, **SETTINGS)
    assert parts.signal.asked[-1][0].examples != context.examples
    assert {item.id for item in other} == {item.id for item in ranking}


def test_fused_with_a_similarity(fw: Session) -> None:
    ranking = fw.rank("tiny_reviews", "average_token_cosine+loss", **SETTINGS)
    first, second = ranking.signals
    assert (first.metric, second.metric) == ("average_token_cosine", "loss")
    places = [{item.id: item.rank for item in r} for r in ranking.signals]
    for item in ranking:
        expected = sum(1 / (60 + place[item.id]) for place in places)
        assert item.similarity == pytest.approx(expected)
    assert list(Path(fw.runs).glob("tiny_reviews*")), "its embedding was tuned"
    explanation = ranking.explain()
    assert set(explanation[0].signals) == {"average_token_cosine", "loss"}
    assert " of 4 by " in explanation[0].reason and "loss" in explanation[0].reason
    frame = explanation.to_pandas()
    assert list(frame["average_token_cosine:place"]) == [places[0][i.id] for i in ranking]
    assert str(explanation).startswith("Ranking for tiny_reviews (average_token_cosine+loss)")


def test_a_transfer_by_a_signal(fw: Session, parts: Parts) -> None:
    result = fw.transfer("tiny_reviews", "best_of_top_k", k=2, metric="loss", **SETTINGS)
    assert len(result.outcomes) == len(result.runs) == 2, "no embedding was tuned"
    assert result.ranking.items == fw.rank("tiny_reviews", "loss", **SETTINGS).items


def test_what_cannot_be_asked(fw: Session) -> None:
    embedding = fw.library.embedding(fw.library.entries()[0].id)
    with pytest.raises(SpotError, match="a prompt was given"):
        fw.rank(embedding, "loss")
    with pytest.raises(UnknownName, match="los"):
        fw.rank("tiny_reviews", "average_token_cosine+los")
    fw.library.remove(fw.library.entries()[0].id)
    with pytest.raises(SpotError, match=r"'nonsense' gave .* for 3 prompts"):
        fw.rank("tiny_reviews", "nonsense", **SETTINGS)


def test_a_race_under_a_budget_says_what_was_paid(fw: Session) -> None:
    def race(ranking: Any, k: int) -> list[Race]:
        return [Race([StartFromPrompt(item.id) for item in ranking], (0.25, 0.5), 70)]

    result = fw.transfer("tiny_reviews", race, metric="loss", **SETTINGS)
    # Three would take 3 * 10 + 2 * 10 + 20 steps, four 4 * 10 + 2 * 10 + 20.
    assert len(result.outcomes) == 3
    assert result.steps_paid == 70
    ways = {"metric": "average_token_cosine", "out": f"{fw.runs}/apart"}
    alike = fw.transfer("tiny_reviews", race, **ways, **SETTINGS)  # type: ignore[arg-type]
    assert alike.steps_paid == 80, "the embedding's steps count too"


def test_a_race_against_the_noise_ends_alike_however_often_it_is_killed(
    fw: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def race(ranking: Any, k: int) -> list[Race]:
        starts = [StartFromPrompt(item.id) for item in ranking]
        return [Race(starts, (0.25, 0.5), 110, confidence=0.6)]

    def facts(result: Any) -> list[Any]:
        ended = [(o.candidate, o.ended, len(o.tuned.history)) for o in result.outcomes]
        return [*ended, result.races, result.score]

    ways: dict[str, Any] = {"metric": "loss", **SETTINGS}
    whole = fw.transfer("tiny_reviews", race, out=str(tmp_path / "whole"), **ways)
    (said,) = whole.races
    assert said.startswith(f"Race of 4: {whole.steps_paid} of 160 steps;")
    assert whole.steps_paid <= 110
    for run in whole.runs:
        # Each of the answers of an accuracy is noted, so that gaps are of pairs.
        assert all(entry.examples and entry.right for entry in run.history)

    tune, left = NumpyModel.tune, 0

    def killed(model: NumpyModel, requests: Any) -> Any:
        nonlocal left
        for report in tune(model, requests):
            if report.state is not None:
                left -= 1
                if left < 0:
                    raise KeyboardInterrupt
            yield report

    monkeypatch.setattr(NumpyModel, "tune", killed)
    out, kills = str(tmp_path / "killed"), 0
    while True:
        left = 4  # those of a rung are scored and saved together
        try:
            again = fw.transfer("tiny_reviews", race, out=out, **ways)
        except KeyboardInterrupt:
            kills += 1
            assert kills < 50
            continue
        break
    assert kills > 1 and facts(again) == facts(whole)
