"""What is learned never stands for another task, data, model or setting."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.backends.splits import Splits
from spotfw.config import TuningSettings
from spotfw.errors import SpotError, WrongUse
from spotfw.plugins import Plugins
from spotfw.prompts import load_prompt
from spotfw.recipe.session import Session
from spotfw.tasks import Example, Task
from spotfw.tasks.content import pinned
from spotfw.tasks.vocabulary import ByteVocabulary
from spotfw.testing import NumpyBackend
from tests.settings import MOMENT as SETTINGS


@pytest.fixture
def place(tmp_path: Path, spotfw_task_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(spotfw_task_folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "model").mkdir()
    (tmp_path / "mix.toml").write_text(
        '[[mixture]]\nname = "mix"\ntasks = ["tiny_reviews.toml", "tiny_words.toml"]\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def fw(place: Path, spotfw_numpy_backend: NumpyBackend, spotfw_plugins: Plugins) -> Session:
    return Session("./model", "library", plugins=spotfw_plugins, backend="numpy")


def swap_labels(path: Path) -> None:
    text = path.read_text()
    words = {"positive": "x", "negative": "positive", "x": "negative"}
    for was, now in words.items():
        text = text.replace(f'"{was}"', f'"{now}"')
    path.write_text(text)


def edit(place: Path, what: str) -> None:
    """One change of what the task tiny_words is."""
    if what == "template":
        toml = place / "tiny_words.toml"
        toml.write_text(toml.read_text().replace("word: ", "the word: "))
    elif what == "labels":
        toml = place / "tiny_words.toml"
        toml.write_text(toml.read_text().replace('"positive"]', '"good"]'))
        for rows in place.glob("tiny_words-*.jsonl"):
            rows.write_text(rows.read_text().replace('"positive"', '"good"'))
    else:
        swap_labels(place / f"tiny_words-{what}.jsonl")


EDITS = ("template", "labels", "train", "validation")


@pytest.mark.parametrize("what", EDITS)
def test_the_same_call_after_an_edit_tunes_anew_in_one_session(
    fw: Session, place: Path, what: str
) -> None:
    first = fw.tune("tiny_words.toml", **SETTINGS)
    again = fw.tune("tiny_words.toml", **SETTINGS)
    assert again.folder == first.folder and again.history == first.history
    edit(place, what)
    other = fw.tune("tiny_words.toml", **SETTINGS)
    fresh = Session("./model", plugins=fw.plugins, backend="numpy", runs="elsewhere")
    alone = fresh.tune("tiny_words.toml", **SETTINGS)
    assert other.folder != first.folder
    assert [h.loss for h in other.history] == [h.loss for h in alone.history]
    assert [h.score for h in other.history] == [h.score for h in alone.history]


@pytest.mark.parametrize("what", EDITS)
@pytest.mark.parametrize("name", ["tiny_words.toml", "mix.toml"])
def test_a_run_does_not_go_on_with_another_task(
    fw: Session, place: Path, what: str, name: str
) -> None:
    fw.tune(name, out="run", **SETTINGS)
    best = Path("run/best.safetensors").read_bytes()
    edit(place, what)
    part = "definition" if what in ("template", "labels") else f"tiny_words-{what}.jsonl"
    for steps in (4, 8):  # a finished run too
        with pytest.raises(WrongUse, match=rf"begun with another state of .*{part} has changed"):
            fw.tune(name, out="run", resume=True, **{**SETTINGS, "steps": steps})
    with pytest.raises(WrongUse, match="holds a run already"):
        fw.tune(name, out="run", **SETTINGS)
    assert Path("run/best.safetensors").read_bytes() == best


@pytest.mark.parametrize(
    "changes",
    [{"max_eval_examples": 5}, {"max_train_examples": 9}, {"max_target_length": 3}],
)
def test_nor_with_other_limits(fw: Session, changes: dict[str, int]) -> None:
    first = fw.tune("tiny_words.toml", out="run", **SETTINGS)
    with pytest.raises(WrongUse, match=f"begun with other settings: {next(iter(changes))}"):
        fw.tune("tiny_words.toml", out="run", resume=True, **SETTINGS | changes)
    named = fw.tune("tiny_words.toml", **SETTINGS | changes)
    assert named.folder not in (first.folder, fw.tune("tiny_words.toml", **SETTINGS).folder)


def test_a_run_of_a_version_without_a_setting_goes_on_as_it_was_begun(fw: Session) -> None:
    scaled = {"scale_weight_decay": True, "weight_decay": 0.1}
    whole = fw.tune("tiny_words.toml", out="whole", **SETTINGS | scaled)
    fw.tune("tiny_words.toml", out="run", **SETTINGS | scaled | {"steps": 2})
    record = Path("run/run.json")
    values = json.loads(record.read_text())
    assert values["settings"].pop("scale_weight_decay") is True
    record.write_text(json.dumps(values))
    with pytest.raises(WrongUse, match="scale_weight_decay True, now False"):
        fw.tune(
            "tiny_words.toml",
            out="run",
            resume=True,
            **SETTINGS | scaled | {"scale_weight_decay": False},
        )
    resumed = fw.tune("tiny_words.toml", out="run", resume=True, **SETTINGS | {"weight_decay": 0.1})
    assert [h.loss for h in resumed.history] == [h.loss for h in whole.history]
    assert np.array_equal(resumed.best.array, whole.best.array)
    assert resumed.best.provenance.settings["scale_weight_decay"] is True
    other = fw.tune("tiny_words.toml", out="other", **SETTINGS | {"weight_decay": 0.1})
    assert other.history[-1].loss != whole.history[-1].loss


def test_a_transfer_that_a_version_without_a_setting_began_goes_on_as_it_was(fw: Session) -> None:
    settings = SETTINGS | {"weight_decay": 0.1}
    for name in ("tiny_reviews.toml", "tiny_things.toml"):
        fw.add(fw.tune(name, **settings))
    begun = fw.transfer("tiny_words.toml", k=1, out="t", scale_weight_decay=True, **settings)
    for record in Path("t").glob("*/run.json"):
        values = json.loads(record.read_text())
        assert values["settings"].pop("scale_weight_decay") is True
        record.write_text(json.dumps(values))
    resumed = fw.transfer("tiny_words.toml", k=2, out="t", **settings)
    assert {run.best.provenance.settings["scale_weight_decay"] for run in resumed.runs} == {True}
    assert {run.folder for run in begun.runs} < {run.folder for run in resumed.runs}
    elsewhere = fw.transfer("tiny_words.toml", k=2, out="new", **settings)
    assert {run.best.provenance.settings["scale_weight_decay"] for run in elsewhere.runs} == {False}


def test_nor_with_another_file_to_start_from(fw: Session) -> None:
    source = fw.tune("tiny_reviews.toml", out="source", **SETTINGS)
    shutil.copy("source/best.safetensors", "start.safetensors")
    fw.tune("tiny_words.toml", init="prompt:start.safetensors", out="run", **SETTINGS)
    shutil.copy("source/checkpoints/step-000002.safetensors", "start.safetensors")
    if load_prompt("start.safetensors") == source.best:
        shutil.copy("source/checkpoints/step-000004.safetensors", "start.safetensors")
    with pytest.raises(WrongUse, match=r"prompt:start.safetensors' has changed"):
        fw.tune(
            "tiny_words.toml",
            init="prompt:start.safetensors",
            out="run",
            resume=True,
            **SETTINGS,
        )


def test_an_evaluation_is_of_the_data_as_they_are(fw: Session, place: Path) -> None:
    tuned = fw.tune("tiny_words.toml", **SETTINGS)
    before = fw.evaluate(tuned.best, "tiny_words.toml", **SETTINGS)
    swap_labels(place / "tiny_words-validation.jsonl")
    after = fw.evaluate(tuned.best, "tiny_words.toml", **SETTINGS)
    assert before.score + after.score <= 100 and before.score != after.score


def test_a_transfer_after_an_edit_is_made_anew(fw: Session, place: Path) -> None:
    fw.tune("tiny_reviews.toml", **SETTINGS)
    first = fw.transfer("tiny_words.toml", k=1, **SETTINGS)
    assert fw.transfer("tiny_words.toml", k=1, **SETTINGS).best.tuned.folder == (
        first.best.tuned.folder
    )
    fw.transfer("tiny_words.toml", k=1, out="all", **SETTINGS)
    swap_labels(place / "tiny_words-train.jsonl")
    second = fw.transfer("tiny_words.toml", k=1, **SETTINGS)
    assert not {r.folder for r in first.runs} & {r.folder for r in second.runs}
    with pytest.raises(WrongUse, match="another state of the task 'tiny_words'"):
        fw.transfer("tiny_words.toml", k=1, out="all", **SETTINGS)


def test_a_task_of_python_counts_by_its_examples(fw: Session) -> None:
    def task(answers: str) -> Task:
        rows = [Example(inputs=f"w{i}", targets=answers[i % 2]) for i in range(8)]
        return Task(
            name="mine",
            family="f",
            type="generation",
            splits={"train": 8, "validation": 8},
            examples=lambda split: rows,
            score=_score,
        )

    first, again, other = (fw.tune(task(a), **SETTINGS) for a in ("ab", "ab", "ba"))
    assert again.folder == first.folder != other.folder


def _score(examples: Any, texts: Any) -> dict[str, float]:
    return {"accuracy": 50.0}


def test_prompts_and_records_say_their_task(fw: Session) -> None:
    tuned = fw.tune("tiny_words.toml", **SETTINGS)
    record = json.loads(Path(tuned.folder, "run.json").read_text())
    assert list(record["task_content"])[:2] == ["definition", "tiny_words-train.jsonl"]
    assert tuned.best.provenance.task_digest == record["task_digest"]
    (entry,) = fw.library.entries()
    assert entry.provenance.task_digest == record["task_digest"]


def test_a_run_of_the_first_version_goes_on_and_says_what_is_not_known(
    fw: Session, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fw.tune("tiny_words.toml", out="run", **SETTINGS)
    where = Path("run/run.json")
    record = json.loads(where.read_text())
    for key in ("task_digest", "task_content", "identity", "initializer_digest"):
        del record[key]
    where.write_text(json.dumps(record))
    with caplog.at_level(logging.WARNING):
        fw.tune("tiny_words.toml", out="run", resume=True, **{**SETTINGS, "steps": 6})
    said = [r.getMessage() for r in caplog.records if "0.1" in r.getMessage()]
    assert len(said) == 1 and "'tiny_words'" in said[0]


def test_data_that_change_while_they_are_read_are_reported(fw: Session, place: Path) -> None:
    path = place / "tiny_words-train.jsonl"
    task = fw.task("tiny_words.toml")
    assert isinstance(task, Task) and task.examples is not None
    read = task.examples

    def examples(split: str) -> Any:
        path.write_text(path.read_text() + "\n")
        return read(split)

    changing = pinned(attrs.evolve(task, examples=examples))
    assert isinstance(changing, Task)
    settings = TuningSettings(max_input_length=16, max_target_length=16)
    with pytest.raises(SpotError, match="changed while it was being used"):
        Splits(ByteVocabulary()).examples(changing, "train", settings)


@pytest.mark.parametrize(
    ("lost", "refusal"),
    [
        (("run.json",), "is no run's and not empty"),
        (("state.safetensors",), "is not overwritten"),
        (("state.safetensors", "best.safetensors", "embedding.safetensors"), "is not overwritten"),
        (("run.json", "state.safetensors"), "is no run's and not empty"),
        ((), "holds a run already"),
    ],
)
def test_a_plain_tune_overwrites_nothing_learned(
    fw: Session, lost: tuple[str, ...], refusal: str
) -> None:
    fw.tune("tiny_words.toml", out="run", **SETTINGS)
    for name in lost:
        Path("run", name).unlink()
    before = {p: p.read_bytes() for p in Path("run").rglob("*") if p.is_file()}
    for task in ("tiny_words.toml", "tiny_reviews.toml"):
        with pytest.raises(WrongUse, match=refusal):
            fw.tune(task, out="run", **SETTINGS)
    assert {p: p.read_bytes() for p in Path("run").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("record", ["", "[]", '{"settings": {}, "task_content": {"a": 1}}'])
def test_nor_where_the_record_is_damaged(fw: Session, record: str) -> None:
    fw.tune("tiny_words.toml", out="run", **SETTINGS)
    Path("run/run.json").write_text(record)
    for resume in (False, True):
        with pytest.raises(SpotError, match=r"run\.json is damaged"):
            fw.tune("tiny_words.toml", out="run", resume=resume, **SETTINGS)


def test_a_kill_behind_the_first_prompt_is_gone_on_from(fw: Session) -> None:
    whole = fw.tune("tiny_words.toml", out="whole", **SETTINGS)
    shutil.copytree("whole", "run")
    for name in ("state", "best", "embedding", "checkpoints/step-000004"):
        Path("run", f"{name}.safetensors").unlink()
    with pytest.raises(WrongUse, match="is not overwritten"):
        fw.tune("tiny_words.toml", out="run", **SETTINGS)
    again = fw.tune("tiny_words.toml", out="run", resume=True, **SETTINGS)
    assert again.best.array.tobytes() == whole.best.array.tobytes()
