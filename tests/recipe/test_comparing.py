"""Runs read from their folders, and in what they differ."""

from __future__ import annotations

import json
import shutil

import pytest

import spotfw
from spotfw.errors import SpotError, WrongUse
from spotfw.recipe.comparing import differing, read_runs

SHORT = {"prompt_length": 4, "checkpoint_every": 5, "embedding_step": 5}


@pytest.fixture
def runs(tmp_path, spotfw_numpy_backend, spotfw_tiny_tasks):
    session = spotfw.Session(str(tmp_path), backend="numpy", progress=False)
    reviews, words, _ = spotfw_tiny_tasks
    first = session.tune(reviews, steps=10, out=str(tmp_path / "runs" / "a"), **SHORT)
    start = first.best
    session.tune(words, steps=5, seed=1, start=start, out=str(tmp_path / "runs" / "b"), **SHORT)
    return tmp_path / "runs", first


def test_a_folder_of_runs_stands_for_all_of_them(runs):
    folder, tuned = runs
    first, second = read_runs([str(folder)])
    assert (first.task, first.init, first.step) == ("tiny_reviews", "sampled_vocab", 10)
    assert (first.score, first.best_step) == (tuned.score, tuned.best.provenance.step)
    assert (second.task, second.step) == ("tiny_words", 5)
    assert second.init.startswith("prompt#")
    assert read_runs([str(folder / "b"), str(folder / "a")]) == [second, first]


def test_only_settings_that_differ_are_named(runs):
    assert differing(read_runs([str(runs[0])])) == ["seed", "steps"]
    assert differing(read_runs([str(runs[0] / "a")])) == []


def test_a_run_before_its_first_checkpoint_has_no_score(runs):
    (runs[0] / "a" / "state.safetensors").unlink()
    first = read_runs([str(runs[0] / "a")])[0]
    assert (first.step, first.score, first.best_step) == (0, None, None)


def test_runs_of_seeds_or_of_a_file_lie_a_folder_deeper(runs, tmp_path):
    folder = runs[0]
    shutil.copytree(folder / "a", tmp_path / "all" / "film-seeds" / "seed-0")
    shutil.copytree(folder / "b", tmp_path / "all" / "single")
    (tmp_path / "all" / "task.toml").write_text("")
    places = [run.folder for run in read_runs([str(tmp_path / "all")])]
    assert places == [str(tmp_path / "all" / name) for name in ("film-seeds/seed-0", "single")]


def test_a_folder_without_a_run_is_wrong_use(tmp_path):
    with pytest.raises(WrongUse, match=r"holds no run: it has no run\.json"):
        read_runs([str(tmp_path)])


def test_a_record_without_its_task_is_damaged(runs):
    path = runs[0] / "a" / "run.json"
    record = json.loads(path.read_text())
    del record["task"]
    path.write_text(json.dumps(record))
    with pytest.raises(SpotError, match="has no task"):
        read_runs([str(runs[0])])


def test_a_run_from_a_prompt_says_whose_it_was(runs):
    first, second = read_runs([str(runs[0])])
    assert (first.source, second.source) == ("", "tiny_reviews (seed 0)")
