"""Only the prompt moves, deterministically, whatever else is asked of the model meanwhile."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import Array, TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task

SETTINGS = {
    "steps": 8,
    "batch_size": 8,
    "prompt_length": 4,
    "checkpoint_every": 4,
    "max_input_length": 16,
    "max_target_length": 4,
    "seed": 0,
}


def start_of(length: int) -> TuningState:
    """Step 0 of a prompt of seeded noise."""
    prompt = np.random.default_rng(5).standard_normal((length, 16)).astype(np.float32)
    return TuningState(step=0, prompt=prompt)


def reports(
    engine: Any, task: Any, start: TuningState | None = None, **changes: Any
) -> Iterator[TuneProgress]:
    """What is reported of a request by itself; the error that ended it is raised."""
    for report in engine.tune([request(task, start, **changes)]):
        if report.error is not None:
            raise report.error
        yield report


def request(task: Any, start: TuningState | None = None, **changes: Any) -> TuneRequest:
    settings = TuningSettings.from_dict(SETTINGS | changes)
    begin = start or start_of(settings.prompt_length)
    return TuneRequest(task=task, settings=settings, start=begin)


def checkpoints(engine: Any, task: Any, *args: Any, **changes: Any) -> list[TuningState]:
    return [r.state for r in reports(engine, task, *args, **changes) if r.state is not None]


def final(engine: Any, task: Any, **changes: Any) -> bytes:
    """The last prompt's bits."""
    return checkpoints(engine, task, **changes)[-1].prompt.tobytes()


def bits(state: TuningState) -> dict[str, bytes | int]:
    slots = {name: value.tobytes() for name, value in state.slots.items()}
    return {"step": state.step, "prompt": state.prompt.tobytes(), **slots}


def random_prompt(length: int = 4) -> Array:
    return np.random.default_rng(9).standard_normal((length, 16)).astype(np.float32)


def test_the_loss_falls(tiny_engine: Any, tiny_task: Task) -> None:
    given = {"steps": 60, "checkpoint_every": 20, "dropout": 0.0}
    start = TuningState(step=0, prompt=tiny_engine.embeddings[[10, 20, 30, 40]])
    losses: dict[int, list[float]] = {}
    for report in reports(tiny_engine, tiny_task, start, **given):
        losses.setdefault(-(-report.step // 20), []).append(report.loss)
    assert np.mean(losses[3]) < np.mean(losses[1]) - 0.2


def test_only_the_prompt_moves(tiny_engine: Any, tiny_task: Task, tiny_model: Path) -> None:
    from spotfw.backends.mesh.folders.checkpoint import Checkpoint

    state = checkpoints(tiny_engine, tiny_task)[-1]
    assert np.abs(state.prompt - start_of(4).prompt).max() > 0.1
    stored = Checkpoint(str(tiny_model))
    held = tiny_engine.read_variables()
    assert set(held) == set(stored.variables)
    for name, value in held.items():
        assert value.tobytes() == stored.read(name).tobytes(), name


def test_a_checkpoint_holds_one_slot_the_size_of_the_prompt(
    tiny_engine: Any, tiny_task: Task
) -> None:
    """So T5 Base's state, prompt and slots [100, 768] in float32, is 0.6 MB."""
    state = checkpoints(tiny_engine, tiny_task, steps=1)[0]
    assert [value.shape for value in state.slots.values()] == [state.prompt.shape]
    base = (1 + len(state.slots)) * 100 * 768 * state.prompt.itemsize
    assert base < 1_500_000


def test_the_state_of_t5_base_fits_its_limit_on_the_disk(tmp_path: Path) -> None:
    from spotfw.prompts import SoftPrompt
    from spotfw.recipe.run_folder import RunFolder, Scored

    array = np.ones((100, 768), np.float32)
    history = [Scored(step=n, loss=1.0, score=50.0, metrics={"accuracy": 50.0}) for n in range(525)]
    state = TuningState(step=262_144, prompt=array, slots={"v": array})
    RunFolder(str(tmp_path)).save(state, SoftPrompt(array), history)
    assert (tmp_path / "state.safetensors").stat().st_size < 1_500_000


def test_the_same_again_is_the_same_bit_for_bit(tiny_engine: Any, tiny_task: Task) -> None:
    first, again = (list(map(bits, checkpoints(tiny_engine, tiny_task))) for _ in range(2))
    assert first == again


def test_seed_dropout_and_rate_matter(tiny_engine: Any, tiny_task: Task) -> None:
    ways: list[dict[str, Any]] = [
        {},
        {"seed": 1},
        {"dropout": 0.0},
        {"learning_rate": 0.1},
        {"weight_decay": 0.1},
        {"weight_decay": 0.1, "scale_weight_decay": True},
        {"decay_rate": 0.5},
        {"batch_size": 4},
    ]
    assert len({final(tiny_engine, tiny_task, **way) for way in ways}) == len(ways)


@pytest.mark.slow
def test_dropout_draws_anew_at_each_step(tiny_engine: Any, tiny_task: Task) -> None:
    """With the rate near 0 and one batch of all the data, only dropout moves the loss."""
    still = {"learning_rate": 1e-9, "batch_size": 40, "checkpoint_every": 1, "steps": 3}
    with_dropout, without = (
        [r.loss for r in reports(tiny_engine, tiny_task, dropout=dropout, **still)]
        for dropout in (0.1, 0.0)
    )
    assert len(set(with_dropout)) == 3
    assert np.ptp(without) < 1e-4 < np.ptp(with_dropout)


def test_resumed_from_any_checkpoint_it_ends_the_same(tiny_engine: Any, tiny_task: Task) -> None:
    undisturbed = checkpoints(tiny_engine, tiny_task, checkpoint_every=2)
    for state in undisturbed[:-1]:
        # Something else happens on the model in between, as in another process.
        list(reports(tiny_engine, tiny_task, seed=7, steps=2))
        rest = checkpoints(tiny_engine, tiny_task, state, checkpoint_every=2)
        expected = undisturbed[undisturbed.index(state) + 1 :]
        assert list(map(bits, rest)) == list(map(bits, expected))


def test_scoring_another_prompt_between_reports_changes_nothing(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = bits(checkpoints(tiny_engine, tiny_task)[-1])
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 0.0)
    settings = TuningSettings.from_dict(SETTINGS)
    last = None
    for report in reports(tiny_engine, tiny_task):
        tiny_engine.evaluate([random_prompt()], tiny_task, "validation", settings)
        last = report.state
    assert last is not None
    assert bits(last) == undisturbed


def test_two_tunings_taking_turns_change_nothing_in_each_other(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [bits(checkpoints(tiny_engine, tiny_task, seed=seed)[-1]) for seed in (1, 2)]
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 0.0)
    first, second = (reports(tiny_engine, tiny_task, seed=seed) for seed in (1, 2))
    pairs = list(zip(first, second, strict=True))
    assert len(pairs) == 8
    assert [bits(report.state) for report in pairs[-1]] == alone  # type: ignore[arg-type]


def test_whatever_is_asked_of_the_model_between_any_two_steps_changes_nothing(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers given in between are those given alone, too."""
    settings = TuningSettings.from_dict(SETTINGS)
    lines = ["review: the film was good", "review: the room was cold"]

    def asked() -> list[Any]:
        return [
            tiny_engine.predict(3 * random_prompt(), lines, settings),
            tiny_engine.predict(None, lines, settings),
            tiny_engine.activations(random_prompt()).tobytes(),
            tiny_engine.evaluate([random_prompt(), None], tiny_task, "validation", settings),
            final(tiny_engine, tiny_task, seed=3, steps=2, dropout=0.2),
        ]

    alone, undisturbed = asked(), list(map(bits, checkpoints(tiny_engine, tiny_task)))
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 0.0)
    kept = []
    for report in reports(tiny_engine, tiny_task):
        assert asked() == alone
        kept += [] if report.state is None else [bits(report.state)]
    assert kept == undisturbed


def test_two_tunings_from_checkpoints_taking_turns_end_as_alone(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each in its own rhythm, one of them going on from its third step."""
    middle = checkpoints(tiny_engine, tiny_task, seed=2, checkpoint_every=3)[0]
    ways = ((None, {"seed": 1, "checkpoint_every": 2}), (middle, {"seed": 2, "batch_size": 4}))
    alone = [list(map(bits, checkpoints(tiny_engine, tiny_task, s, **w))) for s, w in ways]
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 0.0)
    mixed: list[list[Any]] = [[], []]
    for pair in itertools.zip_longest(*(reports(tiny_engine, tiny_task, s, **w) for s, w in ways)):
        for kept, report in zip(mixed, pair, strict=True):
            kept += [] if report is None or report.state is None else [bits(report.state)]
    assert mixed == alone


def test_the_state_leaves_the_session_at_checkpoints_only(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought: list[bool] = []
    fetch = type(tiny_engine.runtime).fetch

    def counted(runtime: Any, prompt: Any) -> None:
        brought.append(prompt.updated)
        fetch(runtime, prompt)

    monkeypatch.setattr(type(tiny_engine.runtime), "fetch", counted)
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 0.0)
    assert len(list(reports(tiny_engine, tiny_task))) == 8
    assert brought == [True, True]


def test_several_requests_give_what_each_gives_alone(tiny_engine: Any, tiny_task: Task) -> None:
    ways: list[dict[str, Any]] = [{"seed": 1}, {"seed": 2, "prompt_length": 6}, {"steps": 5}]
    alone = [list(map(bits, checkpoints(tiny_engine, tiny_task, **way))) for way in ways]
    together: dict[int, list[Any]] = {}
    for report in tiny_engine.tune([request(tiny_task, **way) for way in ways]):
        if report.state is not None:
            together.setdefault(report.request, []).append(bits(report.state))
    assert together == dict(enumerate(alone))


def test_a_request_that_fails_or_is_wanted_no_more_leaves_the_others(
    tiny_engine: Any, tiny_task: Task
) -> None:
    wanted = iter([True, True, False])
    wide = TuningState(step=0, prompt=np.zeros((4, 8), np.float32))
    requests = [
        request(tiny_task, wide),
        request(tiny_task, learning_rate=3e38, checkpoint_every=1, steps=20),
        attrs.evolve(request(tiny_task, checkpoint_every=1), wanted=lambda: next(wanted)),
        request(tiny_task),
    ]
    by_request: dict[int, list[TuneProgress]] = {}
    for report in tiny_engine.tune(requests):
        by_request.setdefault(report.request, []).append(report)
    assert "another model" in str(by_request[0][-1].error)
    assert "--learning-rate" in str(by_request[1][-1].error)
    assert all(r.error is None for rs in by_request.values() for r in rs[:-1])
    assert [r.step for r in by_request[2]] == [1, 2]
    state = by_request[3][-1].state
    assert state is not None and state.prompt.tobytes() == final(tiny_engine, tiny_task)


def test_two_lengths_live_side_by_side(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 1e9)
    alone = final(tiny_engine, tiny_task)
    short, long = (reports(tiny_engine, tiny_task, prompt_length=n) for n in (4, 6))
    mixed = [(a.state, b.state) for a, b in zip(short, long, strict=True)][-1]
    assert mixed[0] is not None and mixed[0].prompt.tobytes() == alone
    assert mixed[1] is not None and mixed[1].prompt.shape == (6, 16)


def test_going_between_tasks_rebuilds_nothing(
    tiny_engine: Any, tiny_task: Task, tiny_task_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spotfw.backends.mesh import programs
    from spotfw.tasks.tables.source import load_task_file

    (other,) = load_task_file(tiny_task_file)  # equal, but another object with other data
    settings = TuningSettings.from_dict(SETTINGS)

    def work(task: Task) -> tuple[bytes, Any]:
        evaluations = tiny_engine.evaluate([random_prompt()], task, "validation", settings)
        return final(tiny_engine, task), evaluations

    first = work(tiny_task)
    built: list[str] = []
    for kind in ("update", "decode", "score"):
        plan = programs.PLANS[kind]

        def counted(*args: Any, _plan: Any = plan, _kind: str = kind) -> Any:
            built.append(_kind)
            return _plan(*args)

        monkeypatch.setitem(programs.PLANS, kind, counted)
    operations = len(tiny_engine.runtime.graph.get_operations())
    assert work(other) == first
    assert work(tiny_task) == first
    assert built == []
    assert len(tiny_engine.runtime.graph.get_operations()) == operations


def test_a_mixture_draws_from_its_members(
    tiny_engine: Any, tiny_task: Task, tmp_path: Path
) -> None:
    from spotfw.tasks.tables.source import load_task_file

    path = write_task(tmp_path, [{"text": "the play was good", "label": "positive"}] * 3)
    (other,) = load_task_file(path)
    ways = {
        name: final(tiny_engine, task, steps=3)
        for name, task in {
            "one": tiny_task,
            "both": Mixture(name="both", tasks=(tiny_task, other)),
            "mostly the other": Mixture(name="m", tasks=(tiny_task, other), rates=(0.01, 0.99)),
        }.items()
    }
    assert len(set(ways.values())) == 3
    again = Mixture(name="both", tasks=(tiny_task, other))
    assert final(tiny_engine, again, steps=3) == ways["both"]


# ---- what cannot go on


def write_task(folder: Path, rows: list[dict[str, str]]) -> Path:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "task.toml").write_text(
        'name = "other"\ninputs = "review: {text}"\nlabel_column = "label"\n'
        'labels = ["negative", "positive"]\n[splits]\n'
        'train = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    return folder / "task.toml"


def load(path: Path) -> Task:
    from spotfw.tasks.tables.source import load_task_file

    (task,) = load_task_file(path)
    return task


def paragraph(error: pytest.ExceptionInfo[SpotError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_loss_that_is_no_number_ends_the_run_at_its_step(
    tiny_engine: Any, tiny_task: Task
) -> None:
    kept: list[TuningState] = []
    huge = {"learning_rate": 3e38, "checkpoint_every": 1, "steps": 20}
    with pytest.raises(SpotError) as error:
        for report in reports(tiny_engine, tiny_task, **huge):
            assert report.state is not None
            kept.append(report.state)
    text = paragraph(error)
    assert f"step {len(kept) + 1} of tiny_reviews" in text
    assert "tiny_reviews row " in text and "--learning-rate" in text
    assert all(np.isfinite(state.prompt).all() for state in kept)
    # The model is none the worse for it.
    assert np.isfinite(checkpoints(tiny_engine, tiny_task)[-1].prompt).all()


def test_an_empty_split_is_reported(tiny_engine: Any, tmp_path: Path) -> None:
    with pytest.raises(SpotError, match=r"train.*rows\.jsonl|rows\.jsonl.*train|empty") as error:
        list(reports(tiny_engine, load(write_task(tmp_path, []))))
    paragraph(error)


def test_texts_that_are_all_cut_away_are_reported(tiny_engine: Any, tmp_path: Path) -> None:
    path = write_task(tmp_path, [{"text": "the play was good", "label": "positive"}])
    with pytest.raises(SpotError, match="no token of their text remains") as error:
        list(reports(tiny_engine, load(path), max_input_length=1))
    paragraph(error)
    # Nothing is left of its labels either: they are refused before any row is read.
    with pytest.raises(SpotError, match="cut to the same tokens"):
        list(reports(tiny_engine, load(path), max_target_length=1))


def test_an_unknown_label_is_reported_with_its_line(tiny_engine: Any, tmp_path: Path) -> None:
    rows = [{"text": "the play was good", "label": "positive"}, {"text": "so", "label": "neutral"}]
    path = write_task(tmp_path, rows)
    path.write_text("strict = true\n" + path.read_text())
    with pytest.raises(SpotError, match="neutral") as error:
        list(reports(tiny_engine, load(path)))
    assert "rows.jsonl" in paragraph(error) and "2" in paragraph(error)


def test_optimizer_slots_of_another_shape_are_reported(tiny_engine: Any, tiny_task: Task) -> None:
    state = checkpoints(tiny_engine, tiny_task, steps=1)[0]
    wrong = TuningState(
        step=1, prompt=state.prompt, slots={k: np.zeros((3, 3), np.float32) for k in state.slots}
    )
    with pytest.raises(SpotError, match="another model or prompt length"):
        list(reports(tiny_engine, tiny_task, wrong))
