"""The recipe over the model in plain NumPy: checkpoints, results, resuming, hooks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

import spotfw
from spotfw import files
from spotfw.config import TuningSettings
from spotfw.contracts import (
    Array,
    Evaluation,
    FrozenModel,
    InitContext,
    TuneRequest,
    TuningState,
)
from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import Provenance, SoftPrompt, load_prompt
from spotfw.recipe.tuning import Report, TunedPrompt, tune
from spotfw.tasks import Example, Mixture, Task
from spotfw.testing import NumpyModel
from spotfw.testing.tiny_tasks import reviews

WIDTH = NumpyModel.width
FINGERPRINT = NumpyModel().fingerprint


class Killed(BaseException):
    """Stands for kill -9: nothing may catch it and tidy up."""


class Stepper(NumpyModel):
    """The model in NumPy, with the scores that a test gives it.

    Args:
      scores: validation score by (step, task) or step; 0 where it is not given.
      diverges: the step whose loss is NaN.
    """

    def __init__(
        self, scores: Mapping[Any, float] | None = None, diverges: int | None = None
    ) -> None:
        super().__init__("stepper")
        self.scores = scores or {}
        self.diverges = diverges
        self.updates = 0
        self._steps: dict[bytes, int] = {}

    def step_of(self, prompt: SoftPrompt) -> int:
        """How many updates made a prompt."""
        return self._steps[prompt.array.tobytes()]

    def update(self, request: TuneRequest, state: TuningState) -> tuple[TuningState, float]:
        self.updates += 1
        made, loss = super().update(request, state)
        self._steps[made.prompt.tobytes()] = made.step
        return made, math.nan if made.step == self.diverges else loss

    def evaluate(
        self, prompts: Sequence[Array | None], task: Task, split: str, settings: TuningSettings
    ) -> list[Evaluation]:
        assert split == "validation"
        evaluations = []
        for prompt in prompts:
            assert prompt is not None
            step = self._steps[prompt.tobytes()]
            score = self.scores.get((step, task.name), self.scores.get(step, 0.0))
            metrics = {"accuracy": score - 1, "f1": score + 1}
            evaluations.append(Evaluation(metrics=metrics, score=score, examples=4))
        return evaluations


def rows(split: str) -> list[Example]:
    assert split == "train", "the scores are given"
    return [Example(inputs=text, targets=label) for text, label in reviews()]


TASK = Task(name="reviews", family="sentiment", type="classification", examples=rows)
SETTINGS = TuningSettings(
    steps=10, batch_size=4, prompt_length=2, checkpoint_every=3, embedding_step=4
)


@pytest.fixture
def plugins() -> Plugins:
    return Plugins(entry_points=False)


def run(out: Path, model: FrozenModel, plugins: Plugins, **changes: Any) -> TunedPrompt:
    """Tunes `TASK` in a folder; settings and arguments of `tune` may differ."""
    names = {field.name for field in attrs.fields(TuningSettings)}
    settings = attrs.evolve(SETTINGS, **{k: v for k, v in changes.items() if k in names})
    arguments = {k: v for k, v in changes.items() if k not in names}
    task = arguments.pop("task", TASK)
    return tune(model, task, settings, plugins=plugins, out=str(out), **arguments)


def bits(tuned: TunedPrompt) -> dict[str, Any]:
    """All of a result but for the time it took."""
    return {
        "best": tuned.best.array.tobytes(),
        "embedding": tuned.embedding.array.tobytes(),
        "final": tuned.final.array.tobytes(),
        "history": [attrs.evolve(h, seconds=0.0, cpu_seconds=0.0) for h in tuned.history],
        "score": tuned.score,
    }


def test_a_checkpoint_every_so_many_steps_and_after_the_last(
    tmp_path: Path, plugins: Plugins
) -> None:
    losses: list[float] = []
    model = Stepper({3: 10.0, 6: 30.0, 9: 20.0, 10: 15.0})
    tuned = run(tmp_path, model, plugins, observer=lambda report: losses.append(report.loss))
    assert [h.step for h in tuned.history] == [3, 6, 9, 10]
    assert [h.score for h in tuned.history] == [10.0, 30.0, 20.0, 15.0]
    assert tuned.history[1].metrics == {"accuracy": 29.0, "f1": 31.0}
    # The mean loss since the checkpoint before.
    assert tuned.history[1].loss == pytest.approx(sum(losses[3:6]) / 3)
    assert tuned.score == 30.0
    kept = sorted(p.name for p in (tmp_path / "checkpoints").iterdir())
    assert kept == [f"step-{n:06d}.safetensors" for n in (3, 6, 9, 10)]


def test_the_best_checkpoint_is_the_earliest_of_the_highest(
    tmp_path: Path, plugins: Plugins
) -> None:
    model = Stepper({3: 10.0, 6: 30.0, 9: 30.0, 10: 30.0})
    tuned = run(tmp_path, model, plugins)
    assert tuned.best.provenance.step == 6
    assert model.step_of(tuned.best) == 6
    assert load_prompt(tmp_path / "best.safetensors") == tuned.best


@pytest.mark.parametrize(
    ("embedding_step", "chosen"), [(1, 3), (3, 3), (4, 6), (6, 6), (10, 10), (10_000, 10)]
)
def test_the_embedding_is_the_first_checkpoint_from_its_step_on(
    tmp_path: Path, plugins: Plugins, embedding_step: int, chosen: int
) -> None:
    tuned = run(tmp_path, Stepper(), plugins, embedding_step=embedding_step)
    assert tuned.embedding.provenance.step == chosen
    assert load_prompt(tmp_path / "embedding.safetensors") == tuned.embedding


def test_where_a_prompt_comes_from_is_kept(tmp_path: Path, plugins: Plugins) -> None:
    tuned = run(tmp_path, Stepper({10: 5.0}), plugins, initializer="text:good", seed=3)
    origin = tuned.final.provenance
    assert (origin.task, origin.family, origin.seed, origin.step) == ("reviews", "sentiment", 3, 10)
    assert (origin.model, origin.fingerprint) == ("stepper", FINGERPRINT)
    assert (origin.score, origin.started_from) == (5.0, "text:good")
    assert TuningSettings.from_dict(dict(origin.settings)).seed == 3
    assert "spotfw" in origin.versions
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["settings"]["steps"] == 10


def test_a_mixture_is_scored_by_its_members_mean(tmp_path: Path, plugins: Plugins) -> None:
    other = attrs.evolve(TASK, name="films")
    mixture = Mixture(name="both", tasks=(TASK, other))
    scores = {(10, "reviews"): 40.0, (10, "films"): 10.0}
    tuned = run(tmp_path, Stepper(scores), plugins, task=mixture, steps=10, checkpoint_every=10)
    assert tuned.score == 25.0
    assert tuned.history[0].metrics == {
        "reviews/accuracy": 39.0,
        "reviews/f1": 41.0,
        "films/accuracy": 9.0,
        "films/f1": 11.0,
    }


SCORES = {3: 10.0, 6: 30.0, 9: 30.0, 10: 12.0}
#: run.json, a prompt and a state for each of 4 checkpoints, embedding and best.
WRITES = 1 + 2 * 4 + 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("writes", range(WRITES))
def test_killed_at_any_write_and_resumed_it_is_the_undisturbed_run(
    tmp_path: Path, plugins: Plugins, monkeypatch: pytest.MonkeyPatch, writes: int, after: bool
) -> None:
    undisturbed = run(tmp_path / "a", Stepper(SCORES), plugins)
    left = writes
    write = files.write_atomically

    def killed(path: Any, data: bytes) -> None:
        nonlocal left
        if left == 0:
            if after:
                write(path, data)
            raise Killed
        left -= 1
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", killed)
        with pytest.raises(Killed):
            run(tmp_path / "b", Stepper(SCORES), plugins)
    resumed = run(tmp_path / "b", Stepper(SCORES), plugins, resume=True)
    assert bits(resumed) == bits(undisturbed)
    assert (tmp_path / "b" / "best.safetensors").read_bytes() == (
        tmp_path / "a" / "best.safetensors"
    ).read_bytes()


def test_killed_at_each_checkpoint_in_turn_it_is_the_undisturbed_run(
    tmp_path: Path, plugins: Plugins
) -> None:
    undisturbed = run(tmp_path / "a", Stepper(SCORES), plugins)
    left = [4, 8, 10]

    def stop(report: Report) -> None:
        if left and report.step == left[0]:
            del left[0]
            raise Killed

    while left:
        with pytest.raises(Killed):
            run(tmp_path / "b", Stepper(SCORES), plugins, resume=True, observer=stop)
    model = Stepper(SCORES)
    assert bits(run(tmp_path / "b", model, plugins, resume=True)) == bits(undisturbed)
    assert model.updates == 0  # the kill at step 10 came after its checkpoint


def test_more_steps_go_on_from_the_last_checkpoint(tmp_path: Path, plugins: Plugins) -> None:
    longer = run(tmp_path / "a", Stepper(SCORES), plugins, steps=12)
    run(tmp_path / "b", Stepper(SCORES), plugins, steps=9)
    model = Stepper(SCORES)
    extended = run(tmp_path / "b", model, plugins, steps=12, resume=True)
    assert model.updates == 3
    assert extended.final.array.tobytes() == longer.final.array.tobytes()


def test_fewer_steps_than_done_are_refused(tmp_path: Path, plugins: Plugins) -> None:
    run(tmp_path, Stepper(), plugins)
    with pytest.raises(WrongUse, match="has done 10 steps"):
        run(tmp_path, Stepper(), plugins, steps=6, resume=True)


def test_resuming_a_finished_run_gives_it_again(tmp_path: Path, plugins: Plugins) -> None:
    first = run(tmp_path, Stepper(SCORES), plugins)
    model = Stepper(SCORES)
    assert bits(run(tmp_path, model, plugins, resume=True)) == bits(first)
    assert model.updates == 0


def test_resuming_with_other_settings_names_them(tmp_path: Path, plugins: Plugins) -> None:
    run(tmp_path, Stepper(), plugins)
    with pytest.raises(WrongUse, match=r"learning_rate 0\.3, now 0\.1; seed 0, now 7"):
        run(tmp_path, Stepper(), plugins, learning_rate=0.1, seed=7, resume=True)
    with pytest.raises(WrongUse, match="task 'reviews', now 'films'"):
        run(tmp_path, Stepper(), plugins, task=attrs.evolve(TASK, name="films"), resume=True)


def test_a_diverged_run_keeps_its_last_checkpoint(tmp_path: Path, plugins: Plugins) -> None:
    model = Stepper(SCORES, diverges=8)
    with pytest.raises(SpotError, match="nan at step 8"):
        run(tmp_path, model, plugins)
    kept = load_prompt(tmp_path / "checkpoints" / "step-000006.safetensors")
    assert model.step_of(kept) == 6
    # Whatever made it diverge may be mended; then it goes on.
    mended = Stepper(SCORES)
    assert mended.step_of(run(tmp_path, mended, plugins, resume=True).final) == 10


def test_a_full_disk_is_reported_and_the_run_goes_on_once_there_is_room(
    tmp_path: Path, plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = run(tmp_path / "a", Stepper(SCORES), plugins)
    write, done = files.write_atomically, 0

    def full(path: Any, data: bytes) -> None:
        nonlocal done
        done += 1
        if done > 5:
            raise SpotError(f"Could not write {path}: the disk is full.")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", full)
        with pytest.raises(SpotError, match="disk is full"):
            run(tmp_path / "b", Stepper(SCORES), plugins)
    assert bits(run(tmp_path / "b", Stepper(SCORES), plugins, resume=True)) == bits(undisturbed)


# ---- what it starts from


def test_a_prompt_to_start_from_is_what_the_first_update_sees(
    tmp_path: Path, plugins: Plugins
) -> None:
    start = SoftPrompt(np.full((2, WIDTH), 100, np.float32))
    tuned = run(tmp_path / "a", Stepper(), plugins, start=start, steps=1)
    assert tuned.final.array[1].min() > 90
    assert tuned.final.provenance.started_from is not None
    with pytest.raises(WrongUse, match="initializer"):
        other = SoftPrompt(np.zeros((2, WIDTH), np.float32))
        run(tmp_path / "a", Stepper(), plugins, start=other, steps=1, resume=True)


@pytest.mark.parametrize(
    ("shape", "fingerprint", "message"),
    [
        ((2, WIDTH + 1), None, "width"),
        ((5, WIDTH), None, "5 tokens"),
        ((2, WIDTH), "ffffffffffffffff", "another frozen model"),
    ],
)
def test_a_prompt_of_another_kind_is_refused(
    tmp_path: Path, plugins: Plugins, shape: tuple[int, int], fingerprint: str | None, message: str
) -> None:
    start = SoftPrompt(np.ones(shape, np.float32), Provenance(fingerprint=fingerprint))
    with pytest.raises(SpotError, match=message):
        run(tmp_path, Stepper(), plugins, start=start)
    file = tmp_path / "start.safetensors"
    from spotfw.prompts import save_prompt

    save_prompt(start, file)
    with pytest.raises(SpotError, match=message):
        run(tmp_path / "out", Stepper(), plugins, initializer=f"prompt:{file}")


def test_a_wrong_start_leaves_nothing_behind(tmp_path: Path, plugins: Plugins) -> None:
    """Corrected, the same command runs in the same folder."""
    with pytest.raises(UnknownName, match="sampled_vocab"):
        run(tmp_path / "out", Stepper(), plugins, initializer="sampled_vocap")
    run(tmp_path / "out", Stepper(), plugins)


def test_an_initializer_that_breaks_its_contract_is_reported(
    tmp_path: Path, plugins: Plugins
) -> None:
    class Odd:
        def __init__(self, name: str, value: Any) -> None:
            self.name, self.value = name, value

        def __call__(self, context: InitContext, rng: np.random.Generator) -> Any:
            return self.value

    parts = [
        Odd("short", np.zeros((1, WIDTH))),
        Odd("nan", np.full((2, WIDTH), np.nan)),
    ]

    class Plugin:
        @spotfw.hookimpl
        def spotfw_prompt_initializers(self) -> list[Any]:
            return parts

    plugins.register(Plugin(), "odd")
    for part in parts:
        with pytest.raises(SpotError, match=f"initializer '{part.name}'"):
            run(tmp_path / part.name, Stepper(), plugins, initializer=part.name)


def test_seeds_start_apart_and_one_seed_alike(tmp_path: Path, plugins: Plugins) -> None:
    first, again, other = (
        run(tmp_path / name, Stepper(), plugins, seed=seed, steps=1).final.array.tobytes()
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert first == again != other


# ---- who hears of it


class Tracker:
    """Remembers what hooks were called with."""

    def __init__(self, raises: str = "") -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.raises = raises

    def hear(self, hook: str, *values: Any) -> None:
        self.heard.append((hook, *values))
        if hook == self.raises:
            raise RuntimeError("tracker is down")

    @spotfw.hookimpl
    def spotfw_run_started(self, run: dict[str, Any]) -> None:
        self.hear("started", run["task"], run["settings"]["steps"])

    @spotfw.hookimpl
    def spotfw_checkpoint_saved(
        self, run: dict[str, Any], step: int, scores: dict[str, float]
    ) -> None:
        self.hear("saved", step, scores["f1"])

    @spotfw.hookimpl
    def spotfw_run_finished(self, run: dict[str, Any], scores: dict[str, float]) -> None:
        self.hear("finished", scores["score"])

    @spotfw.hookimpl
    def spotfw_run_failed(self, run: dict[str, Any], error: BaseException) -> None:
        self.hear("failed", str(error))


def test_trackers_hear_of_each_moment_once(tmp_path: Path, plugins: Plugins) -> None:
    tracker = Tracker()
    plugins.register(tracker, "tracker")
    run(tmp_path, Stepper({6: 4.0}), plugins, checkpoint_every=6)
    assert tracker.heard == [
        ("started", "reviews", 10),
        ("saved", 6, 5.0),
        ("saved", 10, 1.0),
        ("finished", 4.0),
    ]
    assert not plugins.failures


def test_a_checkpoint_is_on_the_disk_when_it_is_reported(tmp_path: Path, plugins: Plugins) -> None:
    class Reader:
        seen: list[int | None] = []  # noqa: RUF012 - one test's

        @spotfw.hookimpl
        def spotfw_checkpoint_saved(self, step: int) -> None:
            path = tmp_path / "checkpoints" / f"step-{step:06d}.safetensors"
            self.seen.append(load_prompt(path).provenance.step)

        @spotfw.hookimpl
        def spotfw_run_finished(self) -> None:
            self.seen.append(load_prompt(tmp_path / "best.safetensors").provenance.step)

    plugins.register(Reader(), "reader")
    run(tmp_path, Stepper({9: 1.0}), plugins)
    assert Reader.seen == [3, 6, 9, 10, 9]


def test_trackers_hear_of_a_failure(tmp_path: Path, plugins: Plugins) -> None:
    tracker = Tracker()
    plugins.register(tracker, "tracker")
    with pytest.raises(SpotError):
        run(tmp_path, Stepper(diverges=5), plugins)
    assert [heard[0] for heard in tracker.heard] == ["started", "saved", "failed"]
    assert "nan at step 5" in tracker.heard[-1][1]


@pytest.mark.parametrize("hook", ["started", "saved", "finished"])
def test_a_tracker_that_raises_does_not_end_the_run(
    tmp_path: Path, plugins: Plugins, hook: str
) -> None:
    broken, sound = Tracker(raises=hook), Tracker()
    plugins.register(broken, "broken")
    plugins.register(sound, "sound")
    tuned = run(tmp_path, Stepper(SCORES), plugins)
    assert tuned.score == 30.0
    assert len(sound.heard) == 6
    assert [heard[0] for heard in broken.heard].count(hook) == 1
    assert broken.heard[-1][0] == hook  # set aside from then on
    assert [f.plugin for f in plugins.failures] == ["broken"]


def test_an_observer_hears_of_progress(tmp_path: Path, plugins: Plugins) -> None:
    reports: list[Report] = []
    run(tmp_path, Stepper(SCORES), plugins, observer=reports.append)
    assert [r.step for r in reports] == list(range(1, 11))
    assert [r.score for r in reports if r.score is not None] == [10.0, 30.0, 30.0, 12.0]
    assert [r.best for r in reports][-3:] == [30.0, 30.0, 30.0]
    assert {(r.task, r.steps) for r in reports} == {("reviews", 10)}


# ---- TensorBoard


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard shows of a folder: (step, value) by tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in tags}


@pytest.mark.slow  # the reader loads TensorFlow
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_the_run_and_its_resumption(tmp_path: Path, plugins: Plugins) -> None:
    def stop(report: Report) -> None:
        if report.step == 8:
            raise Killed

    losses: list[float] = []
    run(tmp_path / "other", Stepper(SCORES), plugins, observer=lambda r: losses.append(r.loss))
    with pytest.raises(Killed):
        run(tmp_path / "run", Stepper(SCORES), plugins, observer=stop)
    before = scalars(tmp_path / "run")
    assert before["validation/score"] == [(3, 10.0), (6, 30.0)]
    assert [step for step, _ in before["train/loss"]] == list(range(1, 9))
    run(tmp_path / "run", Stepper(SCORES), plugins, resume=True)
    shown = scalars(tmp_path / "run")
    assert set(shown) == {
        "train/loss",
        "train/learning_rate",
        "train/prompt_norm",
        "train/examples_per_second",
        "train/tokens_per_second",
        "validation/accuracy",
        "validation/f1",
        "validation/score",
    }
    # Steps 7 and 8 were done twice, and are shown once.
    assert [step for step, _ in shown["train/loss"]] == list(range(1, 11))
    assert shown["train/loss"][7][1] == pytest.approx(losses[7])
    assert shown["validation/score"] == [(3, 10.0), (6, 30.0), (9, 30.0), (10, 12.0)]
    prompt = load_prompt(tmp_path / "run" / "checkpoints" / "step-000009.safetensors")
    assert dict(shown["train/prompt_norm"])[9] == pytest.approx(np.linalg.norm(prompt.array))
    assert shown["train/learning_rate"][0][1] == pytest.approx(0.3)


def test_curves_that_cannot_be_written_do_not_end_the_run(
    tmp_path: Path,
    plugins: Plugins,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from tensorboard.summary.writer import record_writer

    def full(self: Any, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(record_writer.RecordWriter, "write", full)
    assert run(tmp_path, Stepper(SCORES), plugins).score == 30.0
    warnings = [r.message for r in caplog.records if "TensorBoard" in r.message]
    assert len(warnings) == 1 and "No space left" in warnings[0]


def test_a_task_without_a_split_needed_is_refused_before_anything_is_tuned(
    tmp_path: Path, plugins: Plugins
) -> None:
    model = Stepper()
    task = attrs.evolve(TASK, splits={"train": 10})
    with pytest.raises(UnknownName, match="validation"):
        run(tmp_path / "run", model, plugins, task=task)
    assert not model.updates
    assert not (tmp_path / "run").exists()
