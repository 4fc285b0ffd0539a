"""One tuning under several seeds: a cohort, a list with mean and spread, all into the library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.recipe.seeds import SomeSeedsFailed, TunedSeeds
from spotfw.recipe.session import Session
from spotfw.tasks import Task
from spotfw.testing import NumpyBackend, NumpyModel
from tests.settings import MOMENT


@pytest.fixture
def cohorts(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The seeds of each call of the engine."""
    cohorts: list[list[int]] = []
    tune = NumpyModel.tune

    def counting(model: NumpyModel, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        cohorts.append([request.settings.seed for request in requests])
        return tune(model, requests)

    monkeypatch.setattr(NumpyModel, "tune", counting)
    return cohorts


@pytest.fixture
def session(spotfw_numpy_backend: NumpyBackend, spotfw_plugins: Plugins, tmp_path: Path) -> Session:
    return Session(
        str(tmp_path),
        str(tmp_path / "library"),
        runs=str(tmp_path / "runs"),
        plugins=spotfw_plugins,
        backend="numpy",
    )


def test_seeds_are_tuned_together_and_are_what_each_is_alone(
    session: Session, cohorts: list[list[int]], spotfw_tiny_tasks: tuple[Task, ...], tmp_path: Path
) -> None:
    words, out = spotfw_tiny_tasks[1], tmp_path / "out"
    tuned = session.tune(words, seeds=[2, 0, 1], out=str(out), **MOMENT)
    assert cohorts == [[2, 0, 1]]
    assert isinstance(tuned, TunedSeeds) and tuned.seeds == (2, 0, 1)
    assert [Path(t.folder) for t in tuned] == [out / f"seed-{seed}" for seed in (2, 0, 1)]
    scores = [t.score for t in tuned]
    assert tuned.mean == np.mean(scores) and tuned.std == np.std(scores)
    assert f"{tuned.mean:.2f} ± {tuned.std:.2f}" in repr(tuned)
    assert sorted(e.provenance.seed or 0 for e in session.library.entries()) == [0, 1, 2]
    alone = session.tune(words, seed=0, **MOMENT)
    assert alone.final.array.tobytes() == tuned[1].final.array.tobytes()


def test_the_same_call_again_gives_the_same_runs(
    session: Session, cohorts: list[list[int]], spotfw_tiny_tasks: tuple[Task, ...]
) -> None:
    words = spotfw_tiny_tasks[1]
    session.tune(words, seed=1, keep=False, **MOMENT)
    first = session.tune(words, seeds=(0, 1), keep=False, **MOMENT)
    again = session.tune(words, seeds=(0, 1), keep=False, **MOMENT)
    assert cohorts == [[1], [0]]
    assert [t.folder for t in first] == [t.folder for t in again]
    assert not session.library.entries()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": []}, "one or more"),
        ({"seeds": [1, 1]}, "different"),
        ({"seeds": [0, 1], "seed": 2}, "Both seed 2"),
        ({"seeds": [-1]}, "of 0 or more"),
    ],
)
def test_seeds_that_make_no_sense(
    session: Session,
    cohorts: list[list[int]],
    spotfw_tiny_tasks: tuple[Task, ...],
    options: dict[str, Any],
    message: str,
) -> None:
    with pytest.raises(WrongUse, match=message):
        session.tune(spotfw_tiny_tasks[1], **options, **MOMENT)
    assert cohorts == []


def test_a_seed_that_fails_fails_alone(
    session: Session,
    spotfw_tiny_tasks: tuple[Task, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    words, update = spotfw_tiny_tasks[1], NumpyModel.update

    def diverging(
        model: NumpyModel, request: TuneRequest, state: TuningState
    ) -> tuple[TuningState, float]:
        made, loss = update(model, request, state)
        return made, float("nan") if request.settings.seed == 1 else loss

    out = str(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(NumpyModel, "update", diverging)
        with pytest.raises(SomeSeedsFailed, match="Seed 1: The loss is nan") as raised:
            session.tune(words, seeds=[0, 1, 2], out=out, **MOMENT)
        assert raised.value.tuned.seeds == (0, 2) and list(raised.value.errors) == [1]
        assert sorted(e.provenance.seed or 0 for e in session.library.entries()) == [0, 2]
        with pytest.raises(SpotError, match="nan at step 1") as only:
            session.tune(words, seeds=[1], out=str(tmp_path / "other"), **MOMENT)
        assert not isinstance(only.value, SomeSeedsFailed)
    tuned = session.tune(words, seeds=[0, 1, 2], out=out, resume=True, **MOMENT)
    assert len(tuned) == 3


def test_too_many_for_the_engine_are_tuned_in_halves(
    session: Session,
    cohorts: list[list[int]],
    spotfw_tiny_tasks: tuple[Task, ...],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tune = NumpyModel.tune

    def bounded(model: NumpyModel, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        for progress in tune(model, requests):
            if progress.step == 3 and len(requests) > 2:
                raise MemoryError("no memory is left")
            yield progress

    monkeypatch.setattr(NumpyModel, "tune", bounded)
    words = spotfw_tiny_tasks[1]
    tuned = session.tune(words, seeds=range(5), keep=False, **MOMENT)
    assert [len(cohort) for cohort in cohorts] == [5, 3, 2, 1, 2]
    assert "5 tunings side by side failed (MemoryError: no memory is left)" in caplog.text
    monkeypatch.undo()
    again = session.tune(words, seeds=range(5), keep=False, **MOMENT)
    assert [t.final.array.tobytes() for t in again] == [t.final.array.tobytes() for t in tuned]


def test_what_fails_alone_too_is_an_error(
    session: Session, spotfw_tiny_tasks: tuple[Task, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: NumpyModel, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        raise MemoryError("no memory is left")
        yield

    monkeypatch.setattr(NumpyModel, "tune", broken)
    with pytest.raises((MemoryError, SpotError), match="no memory is left"):
        session.tune(spotfw_tiny_tasks[1], seeds=[0, 1, 2], **MOMENT)


def test_prompts_on_one_split_are_scored_by_one_call(
    session: Session, spotfw_tiny_tasks: tuple[Task, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = spotfw_tiny_tasks[1]
    prompts = [None, *(t.best for t in session.tune(words, seeds=[0, 1], keep=False, **MOMENT))]
    alone = [session.evaluate(prompt, words, max_eval_examples=5) for prompt in prompts]
    calls: list[int] = []
    evaluate = NumpyModel.evaluate

    def counting(model: NumpyModel, given: Any, *more: Any) -> Any:
        calls.append(len(given))
        return evaluate(model, given, *more)

    monkeypatch.setattr(NumpyModel, "evaluate", counting)
    assert session.evaluate_all(prompts, words, max_eval_examples=5) == alone
    # Without a prompt the limits are the paper's, and not those that the others were tuned with.
    assert calls == [1, 2]
