"""Tasks from files: found by name or path, and built as seqio tasks."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.plugins import Plugins
from spotfw.tasks.tables.source import TaskFiles, load_task_file

TOML = """
name = "{name}"
inputs = "review: {{text}}"
label_column = "label"
labels = ["negative", "positive"]
[splits]
train = "train.csv"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two task files, in no folder that is looked at yet."""
    monkeypatch.delenv("SPOTFW_TASKS", raising=False)
    monkeypatch.chdir(tmp_path)
    place = tmp_path / "mine"
    place.mkdir()
    for name in ("one", "two"):
        (place / f"{name}.toml").write_text(TOML.format(name=name))
    (place / "train.csv").write_text("text,label\nfine,1\nbad,5\npoor,0\n")
    return place


def names() -> list[str]:
    return [task.name for task in TaskFiles().tasks()]


def test_no_files_no_tasks(folder):
    assert names() == []


def test_the_variable_names_folders_and_files(folder, monkeypatch):
    monkeypatch.setenv("SPOTFW_TASKS", str(folder))
    assert names() == ["one", "two"]
    (folder / "other").mkdir()
    more = folder / "other" / "three.toml"
    more.write_text(TOML.format(name="three"))
    monkeypatch.setenv("SPOTFW_TASKS", os.pathsep.join([str(more), str(folder / "two.toml")]))
    assert names() == ["three", "two"]


def test_the_working_folder_is_looked_at_where_the_variable_is_not_set(folder, monkeypatch):
    folder.rename(folder.with_name("spotfw_tasks"))
    assert names() == ["one", "two"]
    monkeypatch.setenv("SPOTFW_TASKS", "")
    assert names() == []


def test_the_variable_names_what_is_not_there(folder, monkeypatch):
    monkeypatch.setenv("SPOTFW_TASKS", "nowhere")
    with pytest.raises(WrongUse, match="SPOTFW_TASKS names nowhere"):
        names()


def test_a_bad_file_hides_no_good_one(folder, monkeypatch):
    monkeypatch.setenv("SPOTFW_TASKS", str(folder))
    (folder / "bad.toml").write_text("nome = 1")
    listing = TaskFiles().tasks()
    assert [next(listing).name, next(listing).name] == ["one", "two"]
    with pytest.raises(WrongUse, match="'nome'"):
        next(listing)


def test_a_path_is_a_name(folder):
    find = TaskFiles().find
    assert find("mine/one.toml").name == "one"
    assert find("mine/one.toml:one").name == "one"
    assert find("one") is None
    with pytest.raises(UnknownName, match="'two'"):
        find("mine/one.toml:two")
    with pytest.raises(WrongUse, match="cannot be read"):
        find("mine/three.toml")
    both = "".join(
        "[[task]]" + TOML.format(name=n).replace("[splits]", "[task.splits]") for n in "ab"
    )
    (folder / "both.toml").write_text(both)
    assert find("mine/both.toml:b").name == "b"
    with pytest.raises(WrongUse, match=r"write mine/both\.toml:NAME"):
        find("mine/both.toml")


def test_plugins_find_task_files(folder):
    assert Plugins(entry_points=False).task("mine/one.toml").name == "one"


def build(path: Path) -> Any:
    from spotfw.tasks.seqio.compat import seqio

    (task,) = load_task_file(path)
    return task.build(seqio.ByteVocabulary())


@pytest.mark.mesh
def test_builds_a_seqio_task_in_no_registry(folder, caplog):
    from spotfw.tasks.seqio.compat import seqio

    with caplog.at_level(logging.WARNING):
        task = build(folder / "one.toml")
        read = list(task.get_dataset({"inputs": 10, "targets": 4}, "train", shuffle=False))
        list(task.get_dataset(None, "train", shuffle=False))
    assert "one" not in seqio.TaskRegistry.names()
    assert list(task.splits) == ["train"]
    assert [bytes(e["inputs_pretokenized"].numpy()) for e in read] == [
        b"review: fine",
        b"review: poor",
    ]
    assert [len(e["inputs"]) for e in read] == [10, 10]
    assert all(e["inputs"][-1] == 1 and e["targets"][-1] == 1 for e in read)
    # Reported once, with file and line, though the file was read twice.
    (message,) = [r.getMessage() for r in caplog.records if r.name.startswith("spotfw")]
    assert "1 of 3 rows cannot be used" in message
    assert "train.csv:3: the label '5' is not among negative, positive" in message


@pytest.mark.mesh
def test_a_label_that_no_row_of_training_has_is_reported(folder, caplog):
    (folder / "train.csv").write_text("text,label\nfine,1\ngood,1\n")
    task = build(folder / "one.toml")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            task.get_dataset(None, "train", shuffle=False)
    (message,) = [r.getMessage() for r in caplog.records if r.name.startswith("spotfw")]
    assert message == (
        "The split 'train' of task 'one' has no row with the label 'negative', so the prompt "
        "cannot learn it."
    )


@pytest.mark.mesh
def test_scoring_survives_any_text(folder):
    task = build(folder / "one.toml")
    written = ["positive", "negative", "positively", "", "\x00", "positive "]
    got = [task.postprocess_fn(t, example={}, is_target=False) for t in written]
    assert got == [1, 0, -1, -1, -1, -1]
    (accuracy,) = task.metric_fns
    assert accuracy(targets=[1, 0, 1, 1, 1, 1], predictions=got) == {
        "accuracy": pytest.approx(100 / 3)
    }


@pytest.mark.mesh
def test_an_empty_split_is_reported_when_it_is_read(folder):
    (folder / "train.csv").write_text("text,label\n")
    task = build(folder / "one.toml")
    with pytest.raises(SpotError, match="'train' of task 'one' is empty"):
        task.get_dataset(None, "train", shuffle=False)
