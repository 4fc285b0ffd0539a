"""MNLI with its two validation sets told apart."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import SpotError
from spotfw.plugins import Plugins
from spotfw.tasks import Task, bindings, check_data
from spotfw.tasks.content import content_of
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.vocabulary import ByteVocabulary


def _row(text: str, label: int) -> dict[str, Any]:
    return {"premise": text, "hypothesis": "So.", "label": label, "idx": 0}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for split, rows in {
        "train": [_row("t", 0), _row("u", 1), _row("v", 2)],
        "validation_matched": [_row("a", 0), _row("b", 1), _row("c", 2)],
        "validation_mismatched": [_row("d", 0)],
    }.items():
        (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    bindings.bind("glue_mnli", tmp_path)
    return tmp_path


@pytest.fixture
def task() -> Task:
    task = Plugins(entry_points=False).task("glue_mnli_by_genre")
    assert isinstance(task, Task)
    return task


def _read(task: Task, split: str) -> Any:
    return read_examples(task, split, ByteVocabulary(), 999, 99, None, for_scoring=True)


def test_each_set_has_a_value_and_the_score_is_their_mean(folder: Path, task: Task) -> None:
    examples = _read(task, "validation")
    assert [e.inputs for e in examples.raw()] == [
        f"mnli hypothesis: So. premise: {text}" for text in "abcd"
    ]
    written = ["entailment", "entailment", "entailment", "entailment"]
    values = score(examples, written)
    assert values == {"accuracy_matched": pytest.approx(100 / 3), "accuracy_mismatched": 100.0}
    assert set(values) == set(task.metrics)
    assert score(_read(task, "validation_mismatched"), ["neutral"]) == {"accuracy_mismatched": 0.0}


def test_training_examples_and_facts_are_mnli_s(folder: Path, task: Task) -> None:
    mnli = Plugins(entry_points=False).task("glue_mnli")
    assert isinstance(mnli, Task) and task.labels == mnli.labels
    texts = [[(e.inputs, e.targets) for e in _read(t, "train").raw()] for t in (task, mnli)]
    assert texts[0] == texts[1]
    assert task.splits["train"] == mnli.splits["train"]
    assert task.splits["validation"] == 9_815 + 9_832
    ours, theirs = content_of(task), content_of(mnli)
    assert ours["definition"] != theirs["definition"]
    assert {k: v for k, v in ours.items() if k != "definition"} == {
        k: v for k, v in theirs.items() if k != "definition"
    }
    assert pickle.loads(pickle.dumps(task)) == task


def test_a_set_that_is_absent_is_named(folder: Path, task: Task) -> None:
    (folder / "validation_mismatched.jsonl").unlink()
    for ask in (lambda: check_data(task, ["validation"]), lambda: _read(task, "validation")):
        with pytest.raises(SpotError, match=r"has no validation_mismatched.jsonl"):
            ask()
