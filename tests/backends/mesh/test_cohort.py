"""Members of a cohort end as they end alone, and share nothing but the frozen weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.config import TuningSettings
from spotfw.contracts import TuneProgress, TuneRequest, TuningState
from spotfw.errors import SpotError, WrongUse
from spotfw.tasks import Task

#: A batch of 8 with targets of 2 tokens fills the processor's vectors: results are exact.
SETTINGS = TuningSettings(
    steps=6,
    batch_size=8,
    prompt_length=4,
    checkpoint_every=3,
    max_input_length=40,
    max_target_length=4,
    dropout=0.1,
)


@pytest.fixture(autouse=True)
def _no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports come at checkpoints alone."""
    monkeypatch.setattr("spotfw.backends.cohorts._REPORT_SECONDS", 1e9)


def request(task: Task, start: TuningState | None = None, **changes: Any) -> TuneRequest:
    settings = attrs.evolve(SETTINGS, **changes)
    if start is None:
        random = np.random.default_rng(settings.seed)
        prompt = random.standard_normal((settings.prompt_length, 16)).astype(np.float32)
        start = TuningState(step=0, prompt=prompt)
    return TuneRequest(task=task, settings=settings, start=start)


def reported(
    engine: Any, requests: Sequence[TuneRequest], rows: int | None
) -> Iterator[TuneProgress]:
    """What is reported of requests, at most `rows` of them updated at once."""
    from spotfw.backends.mesh.tuning import tune_in_cohorts

    return tune_in_cohorts(engine.runtime, engine.splits, requests, engine._sizes, rows)


def tuned(
    engine: Any, requests: Sequence[TuneRequest], rows: int | None
) -> dict[int, list[TuneProgress]]:
    """The reports of each request."""
    reports: dict[int, list[TuneProgress]] = {index: [] for index in range(len(requests))}
    for report in reported(engine, requests, rows):
        reports[report.request].append(report)
    return reports


def states(reports: Sequence[TuneProgress]) -> list[Any]:
    return [
        (s.step, s.prompt.tobytes(), *(v.tobytes() for v in s.slots.values()))
        for r in reports
        if (s := r.state) is not None
    ]


@pytest.fixture(scope="module")
def ragged(tmp_path_factory: pytest.TempPathFactory) -> Task:
    """A task whose batches are padded to 16 or 32 tokens."""
    from spotfw.tasks.tables.source import load_task_file

    folder: Path = tmp_path_factory.mktemp("ragged")
    rows = [
        (f"{'the film was good and ' * (2 if n % 10 == 0 else 1)}{n}", n % 2) for n in range(40)
    ]
    text = "".join(f'{{"text": "{t}", "label": "{("no", "yes")[v]}"}}\n' for t, v in rows)
    (folder / "rows.jsonl").write_text(text)
    (folder / "task.toml").write_text(
        'name = "ragged"\ninputs = "{text}"\nlabel_column = "label"\nlabels = ["no", "yes"]\n'
        '[splits]\ntrain = "rows.jsonl"\nvalidation = "rows.jsonl"\n'
    )
    (task,) = load_task_file(folder / "task.toml")
    return task


def test_together_they_end_as_alone_bit_for_bit(tiny_engine: Any, tiny_task: Task) -> None:
    """Seeds, rates, lengths of run and a start in the middle of one of their own."""
    whole = tuned(tiny_engine, [request(tiny_task, seed=4)], 1)[0]
    middle = next(report.state for report in whole if report.state is not None)
    requests = [
        request(tiny_task, seed=1),
        request(tiny_task, seed=2, learning_rate=0.1, weight_decay=0.1, decay_rate=0.6),
        request(tiny_task, seed=3, steps=4, checkpoint_every=1),
        request(tiny_task, middle, seed=4),
        request(tiny_task, seed=5, prompt_length=3),
    ]
    alone = [tuned(tiny_engine, [asked], 1)[0] for asked in requests]
    assert [r.step for r in alone[3] if r.state] == [6]
    for rows in (3, 4):
        together = tuned(tiny_engine, requests, rows)
        for index, reports in enumerate(alone):
            assert states(together[index]) == states(reports)
            assert [r.loss for r in together[index] if r.state] == [
                r.loss for r in reports if r.state
            ]
            assert sum(r.tokens for r in together[index]) == sum(r.tokens for r in reports)
            assert sum(r.examples for r in together[index]) == sum(r.examples for r in reports)


def test_batches_of_unlike_lengths_are_not_padded_to_each_other(
    tiny_engine: Any, ragged: Task
) -> None:
    requests = [request(ragged, seed=seed) for seed in range(2)]
    data = [tiny_engine.splits.training(ragged, asked.settings) for asked in requests]
    lengths = [
        [d.batch(step, asked.settings)[0].shape for step in range(6)]
        for d, asked in zip(data, requests, strict=True)
    ]
    assert lengths[0] != lengths[1]
    together = tuned(tiny_engine, requests, 2)
    for index, asked in enumerate(requests):
        assert states(together[index]) == states(tuned(tiny_engine, [asked], 1)[0])


def test_a_member_without_numbers_leaves_alone(tiny_engine: Any, tiny_task: Task) -> None:
    requests = [
        request(tiny_task, seed=1, learning_rate=3e38),
        request(tiny_task, seed=2),
        request(tiny_task, seed=3),
    ]
    reports = tuned(tiny_engine, requests, 3)
    (last,) = [r for r in reports[0] if r.error is not None]
    assert last is reports[0][-1]
    assert isinstance(last.error, SpotError) and "--learning-rate" in str(last.error)
    for index in (1, 2):
        assert states(reports[index]) == states(tuned(tiny_engine, [requests[index]], 1)[0])


def test_a_member_that_is_wanted_no_more_leaves_alone(tiny_engine: Any, tiny_task: Task) -> None:
    seen: list[int] = []
    requests = [
        attrs.evolve(request(tiny_task, seed=1, steps=9), wanted=lambda: len(seen) < 1),
        request(tiny_task, seed=2),
    ]
    reports: dict[int, list[TuneProgress]] = {0: [], 1: []}
    for report in reported(tiny_engine, requests, 2):
        reports[report.request].append(report)
        if report.request == 0 and report.state is not None:
            seen.append(report.step)
    assert seen == [3]
    assert states(reports[1]) == states(tuned(tiny_engine, [requests[1]], 1)[0])


def test_interrupted_and_taken_up_again_all_end_the_same(tiny_engine: Any, tiny_task: Task) -> None:
    """With other members beside them than before."""
    requests = [request(tiny_task, seed=seed) for seed in range(3)]
    undisturbed = [tuned(tiny_engine, [asked], 1)[0] for asked in requests]
    kept: dict[int, TuningState] = {}
    for report in reported(tiny_engine, requests, 3):
        if report.state is not None:
            kept[report.request] = report.state
        if len(kept) == 3:
            break
    again = [attrs.evolve(requests[index], start=kept[index]) for index in (2, 0)]
    for reports, index in zip(tuned(tiny_engine, again, 2).values(), (2, 0), strict=True):
        assert states(reports) == states(undisturbed[index])[-1:]


def test_an_error_of_the_engine_ends_the_members_of_the_cohort(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = type(tiny_engine.runtime).run

    def fails(runtime: Any, program: Any, fetch: Any, **given: Any) -> Any:
        if given["prompts"].array.shape[1] == 4:
            raise MemoryError("no room")
        return run(runtime, program, fetch, **given)

    monkeypatch.setattr(type(tiny_engine.runtime), "run", fails)
    requests = [request(tiny_task, prompt_length=length) for length in (4, 3, 4)]
    reports = tuned(tiny_engine, requests, 2)
    assert [isinstance(reports[i][-1].error, MemoryError) for i in range(3)] == [True, False, True]


def test_ctrl_c_goes_through(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **more: Any) -> Any:
        raise KeyboardInterrupt

    expected = states(tuned(tiny_engine, [request(tiny_task)], 1)[0])
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(tiny_engine.runtime), "run", interrupted)
        tuned(tiny_engine, [request(tiny_task, seed=n) for n in range(2)], 2)
    assert states(tuned(tiny_engine, [request(tiny_task)], 1)[0]) == expected


# ---- whose turn it is


def member(name: str, shape: tuple[int, int], done: int) -> Any:
    """A member with `done` updates, whose next batch has this shape."""
    from spotfw.backends.cohorts import MemberState
    from spotfw.backends.mesh.cohort import Member

    prompt = np.zeros((4, 16), np.float32)
    start = TuningState(step=0, prompt=prompt)
    inputs, targets = (np.zeros((8, length), np.int32) for length in shape)
    return Member(
        name=name,
        request=TuneRequest(task=None, settings=SETTINGS, start=start),  # type: ignore[arg-type]
        data=None,  # type: ignore[arg-type]
        state=MemberState(step=0, prompt=prompt, moment=prompt),
        step=done,
        batch=(inputs, targets),
    )


def names(*given: Any) -> list[str]:
    from spotfw.backends.mesh.cohort import turn

    return [member.name for member in turn(*given)]


def test_the_commonest_shape_has_its_turn() -> None:
    members = [member("a", (16, 2), 0), member("b", (32, 2), 3), member("c", (32, 2), 3)]
    assert names(members, 2, {"a"}) == ["b", "c"]


def test_the_seated_stay_until_they_are_ahead() -> None:
    waiting = [member(name, (16, 2), 0) for name in "ab"]
    assert names([*waiting, member("c", (16, 2), 9)], 1, {"c"}) == ["c"]
    assert names([*waiting, member("c", (16, 2), 16)], 1, {"c"}) == ["a"]


def test_nobody_falls_far_behind() -> None:
    others = [member(name, (32, 2), 32) for name in "bcd"]
    assert names([member("a", (16, 2), 0), *others], 3, {"b", "c", "d"}) == ["a"]


# ---- how many at once


def test_small_models_have_large_cohorts(tiny_engine: Any, tiny_task: Task) -> None:
    sizes = tiny_engine._sizes
    few = [request(tiny_task)]
    assert sizes.largest_cohort(few) > 8
    many = request(tiny_task, batch_size=64, max_input_length=512, prompt_length=100)
    assert 1 <= sizes.largest_cohort([*few, many]) < sizes.largest_cohort(few)


def test_a_cohort_needs_enough_to_do(
    tiny_engine: Any, tiny_task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its programs would take longer to build than they save."""
    members: list[int] = []
    program = type(tiny_engine.runtime).program

    def counted(runtime: Any, kind: str, shapes: Any) -> Any:
        members.append(shapes.members)
        return program(runtime, kind, shapes)

    monkeypatch.setattr(type(tiny_engine.runtime), "program", counted)
    few = [request(tiny_task, seed=seed) for seed in range(3)]
    tuned(tiny_engine, few, None)
    assert set(members) == {1}
    monkeypatch.setattr("spotfw.backends.mesh.tuning._WORTH", 18)
    members.clear()
    tuned(tiny_engine, few, None)
    assert set(members) == {3}


@pytest.mark.parametrize(
    ("members", "most", "rows"), [(3, 6, 3), (16, 6, 4), (12, 6, 6), (7, 1, 1), (7, 2, 2)]
)
def test_few_rows_stay_empty(members: int, most: int, rows: int) -> None:
    from spotfw.backends.mesh.tuning import even_rows

    assert even_rows(members, most) == rows


def test_t5_small_is_counted_as_it_was_measured() -> None:
    """2.7 GB for a batch of 16, 64 + 100 input tokens and targets of 4."""
    from spotfw.backends.mesh.folders.hf_names import T5Dimensions, variables
    from spotfw.backends.mesh.memory import Sizes

    dims = T5Dimensions(
        d_model=512,
        d_ff=1024,
        d_kv=64,
        num_heads=6,
        encoder_layers=8,
        decoder_layers=8,
        vocabulary_size=32128,
    )
    sizes = Sizes.of({v.mesh: v.shape for v in variables(dims)}, 32128)
    assert 2.2e9 < sizes.bytes_of_member(16, 164, 4) < 3.2e9


def test_the_option_bounds_it(tiny_model: Path) -> None:
    from spotfw.backends.mesh.engine import open_model

    with pytest.raises(WrongUse, match="cohort"):
        open_model(str(tiny_model), cohort=0)
