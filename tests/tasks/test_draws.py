"""Which examples a limit leaves: nested, by the labels' shares, and the same everywhere."""

from __future__ import annotations

from collections import Counter

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.backends.splits import Splits
from spotfw.config import TuningSettings
from spotfw.tasks import Example, Task
from spotfw.tasks.draws import Draw, shares
from spotfw.tasks.scoring import Scorer
from spotfw.tasks.scoring.groups import MeanOverGroups
from spotfw.tasks.vocabulary import ByteVocabulary

LABELS = ("a", "b", "c", "d")


def task_of(targets: list[str], labels: tuple[str, ...] = LABELS, score: object = None) -> Task:
    def examples(split: str) -> list[Example]:
        return [Example(inputs=f"row {i}", targets=t) for i, t in enumerate(targets)]

    return Task(
        name="toy",
        family="",
        type="",
        labels=labels,
        splits={"train": None, "validation": None},
        examples=examples,
        score=score,  # type: ignore[arg-type]
    )


def drawn(task: Task, limit: int, seed: int = 0, window: int = 2**19) -> list[Example]:
    draw = Draw(task=task, split="validation", limit=limit, seed=seed, window=window)
    assert task.examples is not None
    return draw.choose(task.examples("validation"), lambda example: example)


targets_of_rows = st.lists(st.sampled_from(LABELS), min_size=1, max_size=60)


@given(targets_of_rows, st.integers(0, 3), st.booleans())
def test_a_larger_limit_has_all_of_a_smaller_one_in_the_order_of_the_data(targets, seed, labelled):
    task = task_of(targets, LABELS if labelled else ())
    smaller: set[str] = set()
    for limit in range(1, len(targets) + 2):
        rows = [example.inputs for example in drawn(task, limit, seed)]
        assert len(rows) == min(limit, len(targets))
        assert rows == sorted(rows, key=lambda row: int(row.split()[1]))
        assert smaller <= set(rows)
        smaller = set(rows)


@given(targets_of_rows, st.integers(0, 3))
def test_each_label_has_its_share_to_within_one(targets, seed):
    task, counts = task_of(targets), Counter(targets)
    for limit in range(1, len(targets) + 1):
        taken = Counter(example.targets for example in drawn(task, limit, seed))
        for label, count in counts.items():
            assert abs(taken[label] - limit * count / len(targets)) < 1


@given(st.lists(st.integers(0, 200), min_size=1, max_size=30), st.data())
def test_shares_keep_the_quota_and_never_fall(counts, data):
    total = sum(counts)
    limit = data.draw(st.integers(0, total))
    taken = shares(counts, limit)
    assert taken.sum() == limit
    assert (taken <= np.array(counts)).all()
    if total:
        assert (np.abs(taken - limit * np.array(counts) / total) < 1).all()
    if limit:
        assert (shares(counts, limit - 1) <= taken).all()


def test_shares_by_hand():
    assert shares([50, 30, 20], 10).tolist() == [5, 3, 2]
    assert shares([98, 2], 10).tolist() == [10, 0]
    with pytest.raises(ValueError, match="a sample of 4 of 3"):
        shares([1, 2], 4)


def test_rows_added_behind_change_none_of_the_numbers_of_those_before():
    before = {example.inputs for example in drawn(task_of(["x"] * 50, ()), 20)}
    first = {f"row {place}" for place in range(50)}
    after = {example.inputs for example in drawn(task_of(["x"] * 80, ()), 20)}
    assert after & first <= before


def test_a_seed_draws_what_it_always_drew():
    rows = [int(e.inputs.split()[1]) for e in drawn(task_of(["a", "b"] * 10), 6)]
    assert rows == [0, 1, 2, 13, 15, 16]
    assert rows != [int(e.inputs.split()[1]) for e in drawn(task_of(["a", "b"] * 10), 6, seed=1)]


def test_groups_come_whole():
    targets = [f"{group} {answer}" for group in range(9) for answer in range(3)]

    def value(text, example=None, is_target=False):
        return {"group": text.split()[0], "value": text}

    task = task_of(targets, (), Scorer([MeanOverGroups(lambda t, p: {"em": 1.0})], value))
    for limit, count in ((3, 3), (4, 3), (11, 9), (27, 27), (99, 27), (2, 2), (1, 1)):
        groups = Counter(example.targets.split()[0] for example in drawn(task, limit))
        assert sum(groups.values()) == count
        assert limit < 3 or set(groups.values()) == {3}
    assert [e.inputs for e in drawn(task, 2)] == [e.inputs for e in drawn(task, 3)][:2]


def test_a_label_that_is_left_out_is_named(caplog):
    drawn(task_of(["a"] * 95 + ["b"] * 5), 4)
    (message,) = caplog.messages
    assert "limit of 4 examples (max_eval_examples) of the split 'validation'" in message
    assert (
        "leaves no example with the label 'b', though the split has some among its 100" in message
    )
    caplog.clear()
    drawn(task_of(["a"] * 50 + ["b"] * 50), 4)
    assert not caplog.messages  # 'c' and 'd' are not of this split


def test_what_lies_beyond_the_window_is_not_drawn_from_and_that_is_said(caplog):
    rows = drawn(task_of(["a"] * 40 + ["b"] * 40), 5, window=40)
    assert {e.targets for e in rows} == {"a"}
    assert "draws from its first 40 examples" in caplog.messages[0]
    assert len(drawn(task_of(["a"] * 80), 60, window=40)) == 60


def test_training_is_drawn_by_the_runs_seed_and_evaluation_by_one_for_all():
    splits, task = Splits(ByteVocabulary()), task_of(["a", "b"] * 20)
    base = TuningSettings(max_train_examples=10, max_eval_examples=10)

    def rows(split: str, **changes: int) -> list[list[int]]:
        settings = attrs.evolve(base, **changes)
        return [ids.tolist() for ids in splits.examples(task, split, settings).inputs]

    assert rows("train", seed=1) != rows("train", seed=2)
    assert rows("validation", seed=1) == rows("validation", seed=2)
    smaller = rows("train", seed=1, max_train_examples=4)
    assert all(row in rows("train", seed=1) for row in smaller)
    whole = attrs.evolve(base, max_train_examples=None)
    first, second = (
        splits.examples(task, "train", attrs.evolve(whole, seed=seed)) for seed in (1, 2)
    )
    assert first is second


def test_a_split_to_train_on_is_drawn_alike_when_it_is_read_again():
    splits, task = Splits(ByteVocabulary()), task_of(["a", "b"] * 20)
    examples = splits.examples(task, "train", TuningSettings(max_train_examples=7, seed=3))
    texts = [ByteVocabulary().decode(ids.tolist()) for ids in examples.inputs]
    assert [example.inputs for example in examples.raw()] == texts
