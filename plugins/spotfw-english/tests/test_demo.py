"""The demo's texts, and the demo itself in miniature."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import attrs
import pytest

import spotfw
from spotfw.plugins import default_plugins
from spotfw.study.demo import planned_steps, run_demo
from spotfw.tasks import Task
from spotfw_english.bundled import DEMO
from spotfw_english.demo_texts import SPLITS, TASKS, rows


@pytest.mark.parametrize("name", TASKS)
def test_texts_are_always_the_same_and_in_one_split_only(name: str) -> None:
    parts = {split: list(rows(name, split)) for split in SPLITS}
    assert parts == {split: list(rows(name, split)) for split in SPLITS}
    texts = [text for part in parts.values() for _, text in part]
    assert len(texts) == len(set(texts)) == sum(SPLITS.values())
    for split, part in parts.items():
        counts = Counter(label for label, _ in part)
        assert len(part) == SPLITS[split] and len(set(counts.values())) == 1
        assert not [text for _, text in part if "{" in text or "  " in text]


def test_the_tasks_are_listed_with_their_labels() -> None:
    plugins = default_plugins()
    for name in DEMO.targets:
        task = plugins.task(name)
        assert isinstance(task, Task)
        assert {e.targets for e in task.examples("train")} == set(task.labels)


def test_the_plan_counts_its_steps() -> None:
    session = spotfw.Session("english")
    # Of 4 targets: from scratch, from three prompts, from one average; 40 steps each.
    assert planned_steps(DEMO, session, (0,)) == 4 * 5 * 40


@pytest.mark.slow
def test_the_demo_starts_from_the_released_library(tmp_path: Path) -> None:
    plan = attrs.evolve(
        DEMO,
        targets=("shop_reviews",),
        target={**DEMO.target, "steps": 2, "checkpoint_every": 2, "max_eval_examples": 16},
        strategies=DEMO.strategies[:1],
    )
    session = spotfw.Session("english", runs=str(tmp_path))
    result = run_demo(session, plan, seeds=(0,))
    session.close()
    (row,) = result.rows
    assert set(row.scores) == {"from scratch", "best of top-1"}
    assert len(row.ranking) == 45 and result.sources == ()
