"""Checkpoints that come together are scored together; a member that fails fails alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import Array, Evaluation, TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.recipe.evaluation import Scoring, evaluate, evaluate_all
from spotfw.recipe.tuning import TunedPrompt, Tuning, tune_all
from spotfw.tasks import Mixture, Task
from spotfw.testing import NumpyModel

SETTINGS = TuningSettings(
    steps=4,
    batch_size=4,
    prompt_length=2,
    checkpoint_every=2,
    embedding_step=2,
    max_input_length=16,
    eval_batch_size=20,
)


class Recording(NumpyModel):
    """Writes down who is tuned together, and how many prompts are scored by each call."""

    def __init__(self, broken: str = "", diverging: int | None = None) -> None:
        super().__init__()
        self.cohorts: list[int] = []
        self.scored: list[tuple[str, int]] = []
        self.broken = broken
        self.diverging = diverging

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        self.cohorts.append(len(requests))
        return super().tune(requests)

    def update(self, request: TuneRequest, state: TuningState) -> tuple[TuningState, float]:
        made, loss = super().update(request, state)
        return made, float("nan") if request.settings.seed == self.diverging else loss

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        self.scored.append((task.name, len(prompts)))
        if task.name == self.broken:
            raise SpotError(f"The labels of {task.name} cannot be told apart.")
        return super().evaluate(prompts, task, split, settings)


@pytest.fixture
def plugins() -> Plugins:
    return Plugins(entry_points=False)


def tunings(task: Task | Mixture, folder: Path, *seeds: int, **changes: Any) -> list[Tuning]:
    return [
        Tuning(
            task=task,
            settings=attrs.evolve(SETTINGS, seed=seed, **changes),
            out=str(folder / f"{task.name}-{seed}"),
            resume=True,
        )
        for seed in seeds
    ]


def test_checkpoints_of_one_task_are_scored_by_one_call(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    reviews, words, _ = spotfw_tiny_tasks
    model = Recording()
    both = Mixture(name="both", tasks=(reviews, words))
    asked = [*tunings(reviews, tmp_path, 0, 1, 2), *tunings(both, tmp_path, 0)]
    # Another rate and length of tuning are no other scoring; other limits are.
    asked += tunings(words, tmp_path, 5, learning_rate=0.1, dropout=0.0)
    asked += tunings(words, tmp_path, 6, max_eval_examples=3)
    outcomes = tune_all(model, asked, plugins=plugins)
    assert all(isinstance(outcome, TunedPrompt) for outcome in outcomes)
    assert model.cohorts == [6]
    once = [("tiny_reviews", 4), ("tiny_words", 2), ("tiny_words", 1)]
    assert model.scored == [*once, *once]


def test_the_scores_are_those_of_each_alone(
    spotfw_tiny_tasks: tuple[Task, ...], spotfw_numpy_model: NumpyModel
) -> None:
    reviews, words, _ = spotfw_tiny_tasks
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((n, 32)).astype(np.float32) for n in (2, 3, 2)]
    both = Mixture(name="both", tasks=(reviews, words))
    asked = [Scoring(a, t, SETTINGS) for a, t in zip(arrays, (reviews, both, words), strict=True)]
    asked.append(Scoring(None, words, SETTINGS))
    together = evaluate_all(spotfw_numpy_model, asked, "validation")
    alone = [
        evaluate(spotfw_numpy_model, s.prompt, s.task, "validation", s.settings) for s in asked
    ]
    assert together == alone
    assert evaluate_all(spotfw_numpy_model, [], "validation") == []


def test_what_cannot_be_scored_fails_alone(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    reviews, words, _ = spotfw_tiny_tasks
    both = Mixture(name="both", tasks=(reviews, words))
    asked = [*tunings(reviews, tmp_path, 0), *tunings(words, tmp_path, 0, 1)]
    asked += tunings(both, tmp_path, 0)
    first, *others = tune_all(Recording(broken="tiny_words"), asked, plugins=plugins)
    assert isinstance(first, TunedPrompt)
    assert ["told apart" in str(outcome) for outcome in others] == [True, True, True]


def test_an_error_of_several_prompts_is_looked_for_one_by_one(
    spotfw_tiny_tasks: tuple[Task, ...], spotfw_numpy_model: NumpyModel
) -> None:
    words = spotfw_tiny_tasks[1]
    good = np.ones((2, 32), np.float32)
    asked = [Scoring(a, words, SETTINGS) for a in (good, np.ones((2, 5), np.float32), good)]
    first, wide, last = evaluate_all(spotfw_numpy_model, asked, "validation")
    assert isinstance(wide, SpotError) and "[2, 5]" in str(wide)
    assert isinstance(first, Evaluation) and first == last


def test_a_member_without_a_number_leaves_alone_and_its_folder_says_so(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    words = spotfw_tiny_tasks[1]
    asked = tunings(words, tmp_path, 0, 1, 2)
    lone = tune_all(Recording(), tunings(words, tmp_path / "lone", 0, 2), plugins=plugins)
    first, nan, last = tune_all(Recording(diverging=1), asked, plugins=plugins)
    for together, alone in zip((first, last), lone, strict=True):
        assert isinstance(together, TunedPrompt) and isinstance(alone, TunedPrompt)
        assert together.final.array.tobytes() == alone.final.array.tobytes()
    assert isinstance(nan, SpotError)
    record = Path(asked[1].out) / "failed.json"
    assert "nan at step 1" in json.loads(record.read_text())["error"]
    assert not (Path(asked[0].out) / "failed.json").exists()
    # Mended, it is done; the others are handed back without another step.
    model = Recording()
    again = tune_all(model, asked, plugins=plugins)
    assert [type(outcome) for outcome in again] == [TunedPrompt] * 3
    assert model.cohorts == [1] and not record.exists()


def test_an_interruption_is_no_failure(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    def stop(report: Any) -> None:
        raise KeyboardInterrupt

    asked = tunings(spotfw_tiny_tasks[1], tmp_path, 0, 1)
    with pytest.raises(KeyboardInterrupt):
        tune_all(NumpyModel(), [attrs.evolve(asked[0], observer=stop), asked[1]], plugins=plugins)
    assert not list(tmp_path.rglob("failed.json"))


def test_reports_say_whose_they_are_and_how_many_there_are(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    words, heard = spotfw_tiny_tasks[1], []
    asked = [
        attrs.evolve(tuning, observer=heard.append) for tuning in tunings(words, tmp_path, 0, 1, 2)
    ]
    tune_all(NumpyModel(), asked[:1], plugins=plugins)
    tune_all(NumpyModel(), asked, plugins=plugins)
    # The first was done before, so that two are beside each other.
    assert [(Path(r.run).name, r.beside) for r in heard[4:6]] == [
        ("tiny_words-1", 2),
        ("tiny_words-2", 2),
    ]
    assert {r.beside for r in heard[:4]} == {1}


def test_a_paused_run_ends_as_if_it_had_not_paused(
    spotfw_tiny_tasks: tuple[Task, ...], plugins: Plugins, tmp_path: Path
) -> None:
    words, model = spotfw_tiny_tasks[1], Recording()
    (asked,) = tunings(words, tmp_path, 0)
    (whole,) = tune_all(model, tunings(words, tmp_path / "whole", 0), plugins=plugins)
    (paused,) = tune_all(model, [attrs.evolve(asked, until=2)], plugins=plugins)
    assert isinstance(paused, TunedPrompt) and [h.step for h in paused.history] == [2]
    (ended,) = tune_all(model, [asked], plugins=plugins)
    assert isinstance(whole, TunedPrompt) and isinstance(ended, TunedPrompt)
    files = ("run.json", "checkpoints/step-000004.safetensors", "embedding.safetensors")
    for name in (*files, "best.safetensors"):
        assert Path(ended.folder, name).read_bytes() == Path(whole.folder, name).read_bytes()
    # Tuned further already, it is given as it is.
    (further,) = tune_all(model, [attrs.evolve(asked, until=2)], plugins=plugins)
    assert isinstance(further, TunedPrompt) and [h.step for h in further.history] == [2, 4]
    assert model.cohorts == [1, 1, 1]
