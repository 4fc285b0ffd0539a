"""Several tunings by one call of the engine: each as if it were alone, whatever befalls others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw import files
from spotfw.config import TuningSettings
from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import BrokenPart, SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import SoftPrompt
from spotfw.recipe.tuning import Report, TunedPrompt, Tuning, tune_all
from spotfw.tasks import Mixture, Task
from spotfw.testing import NumpyModel

SETTINGS = TuningSettings(
    steps=9,
    batch_size=4,
    prompt_length=2,
    checkpoint_every=3,
    embedding_step=4,
    max_input_length=16,
    eval_batch_size=20,
)


class Counting(NumpyModel):
    """Counts its calls and its updates.

    Args:
      diverges: (task, step) of an update that gives no number.
    """

    def __init__(self, diverges: tuple[str, int] | None = None) -> None:
        super().__init__()
        self.diverges = diverges
        self.calls = 0
        self.updates: list[tuple[str, int]] = []

    def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
        self.calls += 1
        return super().tune(requests)

    def update(self, request: TuneRequest, state: TuningState) -> tuple[TuningState, float]:
        made, loss = super().update(request, state)
        self.updates.append((request.task.name, made.step))
        return made, float("nan") if self.updates[-1] == self.diverges else loss


@pytest.fixture
def plugins() -> Plugins:
    return Plugins(entry_points=False)


@pytest.fixture
def asked(spotfw_tiny_tasks: tuple[Task, ...], tmp_path: Path) -> list[Tuning]:
    """Three tunings: other tasks, steps, lengths, seeds, and ways to start."""
    reviews, words, _ = spotfw_tiny_tasks
    start = SoftPrompt(np.ones((3, NumpyModel.width), np.float32))
    return [
        Tuning(task=reviews, settings=SETTINGS, out=str(tmp_path / "reviews")),
        Tuning(
            task=words,
            settings=attrs.evolve(SETTINGS, steps=5, checkpoint_every=2, seed=4),
            out=str(tmp_path / "words"),
            initializer="text:good",
        ),
        Tuning(
            task=Mixture(name="both", tasks=(reviews, words)),
            settings=attrs.evolve(SETTINGS, prompt_length=3, dropout=0.0),
            out=str(tmp_path / "both"),
            start=start,
        ),
    ]


def elsewhere(tuning: Tuning, folder: Path) -> Tuning:
    return attrs.evolve(tuning, out=str(folder / Path(tuning.out).name))


def tune(tunings: Sequence[Tuning], plugins: Plugins, model: Any = None) -> list[Any]:
    return list(tune_all(model or Counting(), tunings, plugins=plugins))


def bits(tuned: Any) -> dict[str, Any]:
    """All of a result but for the time it took and where it lies."""
    assert isinstance(tuned, TunedPrompt), tuned
    return {
        "best": tuned.best.array.tobytes(),
        "embedding": tuned.embedding.array.tobytes(),
        "final": tuned.final.array.tobytes(),
        "history": [attrs.evolve(h, seconds=0.0, cpu_seconds=0.0) for h in tuned.history],
    }


def alone(asked: Sequence[Tuning], plugins: Plugins, folder: Path) -> list[dict[str, Any]]:
    return [bits(tune([elsewhere(t, folder)], plugins)[0]) for t in asked]


def test_each_gives_what_it_gives_alone(
    asked: list[Tuning], plugins: Plugins, tmp_path: Path
) -> None:
    model = Counting()
    together = tune(asked, plugins, model)
    assert model.calls == 1
    assert {name for name, _ in model.updates[:3]} == {"tiny_reviews", "tiny_words", "both"}
    assert list(map(bits, together)) == alone(asked, plugins, tmp_path / "alone")
    for tuning in asked:
        together_in, alone_in = Path(tuning.out), tmp_path / "alone" / Path(tuning.out).name
        assert (together_in / "run.json").read_text() == (alone_in / "run.json").read_text()
        # The state has the times that checkpoints took.
        prompts = [p for p in together_in.rglob("*.safetensors") if p.name != "state.safetensors"]
        assert len(prompts) >= 5
        for path in prompts:
            assert path.read_bytes() == (alone_in / path.relative_to(together_in)).read_bytes(), (
                path
            )


def test_each_goes_on_from_where_it_stood(
    asked: list[Tuning], plugins: Plugins, tmp_path: Path
) -> None:
    """One is at the beginning, one in the middle, one done."""
    shorter = attrs.evolve(asked[0].settings, steps=6)
    tune([attrs.evolve(asked[0], settings=shorter)], plugins)
    tune([asked[1]], plugins)
    model = Counting()
    together = tune([attrs.evolve(t, resume=True) for t in asked], plugins, model)
    assert list(map(bits, together)) == alone(asked, plugins, tmp_path / "alone")
    steps = {name: [s for n, s in model.updates if n == name] for name, _ in model.updates}
    assert steps == {"tiny_reviews": [7, 8, 9], "both": list(range(1, 10))}


class Tracker:
    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Any]] = []

    @spotfw.hookimpl
    def spotfw_run_started(self, run: dict[str, Any]) -> None:
        self.heard.append((run["task"], "started", None))

    @spotfw.hookimpl
    def spotfw_checkpoint_saved(self, run: dict[str, Any], step: int) -> None:
        self.heard.append((run["task"], "saved", step))

    @spotfw.hookimpl
    def spotfw_run_finished(self, run: dict[str, Any]) -> None:
        self.heard.append((run["task"], "finished", None))

    @spotfw.hookimpl
    def spotfw_run_failed(self, run: dict[str, Any], error: BaseException) -> None:
        self.heard.append((run["task"], "failed", type(error).__name__))

    def of(self, task: str) -> list[Any]:
        return [(what, value) for name, what, value in self.heard if name == task]


@pytest.fixture
def tracker(plugins: Plugins) -> Tracker:
    tracker = Tracker()
    plugins.register(tracker, "tracker")
    return tracker


def test_each_is_heard_of_by_itself(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker
) -> None:
    reports: dict[str, list[int]] = {"a": [], "b": []}

    def observed(tuning: Tuning, name: str) -> Tuning:
        return attrs.evolve(tuning, observer=lambda report: reports[name].append(report.step))

    tune([observed(asked[0], "a"), observed(asked[1], "b")], plugins)
    assert reports == {"a": list(range(1, 10)), "b": list(range(1, 6))}
    saved = [("saved", 3), ("saved", 6), ("saved", 9)]
    assert tracker.of("tiny_reviews") == [("started", None), *saved, ("finished", None)]
    assert tracker.of("tiny_words")[-2:] == [("saved", 5), ("finished", None)]
    # It ends when it is done, not when all are.
    end = tracker.heard.index(("tiny_words", "finished", None))
    assert end < tracker.heard.index(("tiny_reviews", "saved", 6))


def test_one_that_diverges_takes_no_other_with_it(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker, tmp_path: Path
) -> None:
    model = Counting(diverges=("tiny_reviews", 5))
    first, *others = tune(asked, plugins, model)
    assert isinstance(first, SpotError) and "nan at step 5 of tiny_reviews" in str(first)
    expected = alone(asked, plugins, tmp_path / "alone")
    assert list(map(bits, others)) == expected[1:]
    failed = [("started", None), ("saved", 3), ("failed", "SpotError")]
    assert tracker.of("tiny_reviews")[:3] == failed
    # What was saved stays, and goes on once it is mended.
    resumed = tune([attrs.evolve(asked[0], resume=True)], plugins)
    assert bits(resumed[0]) == expected[0]


def test_one_that_cannot_begin_takes_no_other_with_it(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker, tmp_path: Path
) -> None:
    tune([asked[1]], plugins)
    tracker.heard.clear()
    bad = attrs.evolve(asked[0], initializer="sampled_vocap")
    wide = attrs.evolve(asked[2], start=SoftPrompt(np.ones((3, 5), np.float32)))
    same = attrs.evolve(asked[0], out=str(tmp_path / "fine"))
    outcomes = tune([bad, asked[1], wide, same], plugins)
    assert "sampled_vocab" in str(outcomes[0])
    assert isinstance(outcomes[1], WrongUse) and "--resume" in str(outcomes[1])
    assert "width" in str(outcomes[2])
    assert bits(outcomes[3]) == alone(asked[:1], plugins, tmp_path / "alone")[0]
    assert not (tmp_path / "reviews" / "run.json").exists()
    assert {task for task, _, _ in tracker.heard} == {"tiny_reviews"}


def test_two_cannot_have_one_folder(asked: list[Tuning], plugins: Plugins) -> None:
    twice = [asked[0], attrs.evolve(asked[1], out=asked[0].out)]
    first, second = tune(twice, plugins)
    assert isinstance(first, TunedPrompt)
    assert isinstance(second, SpotError) and asked[0].out in str(second)


def test_one_whose_checkpoint_cannot_be_saved_is_not_tuned_on(
    asked: list[Tuning], plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write_atomically

    def full(path: Any, data: bytes) -> None:
        if "reviews" in str(path) and "step-000006" in str(path):
            raise SpotError(f"Could not write {path}: the disk is full.")
        write(path, data)

    model = Counting()
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", full)
        first, *others = tune(asked, plugins, model)
    assert "disk is full" in str(first)
    assert max(step for name, step in model.updates if name == "tiny_reviews") == 6
    expected = alone(asked, plugins, tmp_path / "alone")
    assert list(map(bits, others)) == expected[1:]
    assert bits(tune([attrs.evolve(asked[0], resume=True)], plugins)[0]) == expected[0]


def test_an_observer_that_raises_ends_its_own_run(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker
) -> None:
    def raising(report: Report) -> None:
        raise RuntimeError("the terminal is gone")

    first, second = tune([attrs.evolve(asked[0], observer=raising), asked[1]], plugins)
    assert isinstance(first, RuntimeError) and isinstance(second, TunedPrompt)
    assert tracker.of("tiny_reviews") == [("started", None), ("failed", "RuntimeError")]


@pytest.mark.parametrize("at", [1, 3, 4, 5, 8])
def test_interrupted_all_end_and_all_go_on(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker, tmp_path: Path, at: int
) -> None:
    def stop(report: Report) -> None:
        if report.step == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune([attrs.evolve(asked[0], observer=stop), *asked[1:]], plugins)
    for task in ("tiny_reviews", "both"):
        assert tracker.of(task)[-1] == ("failed", "KeyboardInterrupt")
    resumed = tune([attrs.evolve(t, resume=True) for t in asked], plugins)
    assert list(map(bits, resumed)) == alone(asked, plugins, tmp_path / "alone")


def test_what_the_engine_raises_ends_all_that_had_not_ended(
    asked: list[Tuning], plugins: Plugins, tracker: Tracker
) -> None:
    class Breaking(Counting):
        def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
            for progress in super().tune(requests):
                if progress.step == 7:
                    raise MemoryError("no memory is left")
                yield progress

    first, second, third = tune(asked, plugins, Breaking())
    assert isinstance(first, MemoryError) and first is third
    assert isinstance(second, TunedPrompt)
    assert tracker.of("tiny_words")[-1] == ("finished", None)
    assert tracker.of("both")[-1] == ("failed", "MemoryError")


def test_an_engine_that_ends_without_a_checkpoint_is_reported(
    asked: list[Tuning], plugins: Plugins
) -> None:
    class Idle(Counting):
        def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
            yield from ()

    (outcome,) = tune(asked[:1], plugins, Idle())
    assert isinstance(outcome, BrokenPart) and "without a checkpoint" in str(outcome)


def test_an_engine_that_asks_nobody_is_right_too(
    asked: list[Tuning], plugins: Plugins, tmp_path: Path
) -> None:
    class Deaf(Counting):
        def tune(self, requests: Sequence[TuneRequest]) -> Iterator[TuneProgress]:
            return super().tune([attrs.evolve(r, wanted=lambda: True) for r in requests])

    def raising(report: Report) -> None:
        raise RuntimeError

    first, second = tune([attrs.evolve(asked[0], observer=raising), asked[1]], plugins, Deaf())
    assert isinstance(first, RuntimeError)
    assert bits(second) == alone(asked[1:2], plugins, tmp_path / "alone")[0]


def test_no_second_counts_twice(
    asked: list[Tuning], plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"now": 0.0}
    read = SimpleNamespace(monotonic=lambda: clock["now"], process_time=lambda: 2 * clock["now"])
    monkeypatch.setattr("spotfw.recipe.side_by_side.time", read)

    class Slow(Counting):
        def update(self, request: TuneRequest, state: TuningState) -> tuple[TuningState, float]:
            clock["now"] += 0.25 if request.task.name == "tiny_reviews" else 0.125
            return super().update(request, state)

    together = tune(asked, plugins, Slow())
    spent = [sum(entry.seconds for entry in tuned.history) for tuned in together]
    assert sum(spent) == pytest.approx(clock["now"], abs=0.01)
    # Of a step that all take together, each has its share: one of three, then of two.
    three, two = (0.25 + 0.125 + 0.125) / 3, (0.25 + 0.125) / 2
    assert spent == pytest.approx([5 * three + 4 * two, 5 * three, 5 * three + 4 * two], abs=0.01)
    cpu = [sum(entry.cpu_seconds for entry in tuned.history) for tuned in together]
    assert cpu == pytest.approx([2 * seconds for seconds in spent], abs=0.01)


def test_none_at_all(plugins: Plugins) -> None:
    model = Counting()
    assert tune([], plugins, model) == [] and model.calls == 0
