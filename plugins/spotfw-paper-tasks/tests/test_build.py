"""A data set as a task: where rows come from, what happens to bad ones, what is raised when."""

from __future__ import annotations

import json
import logging
import pickle

import attrs
import pytest

import spotfw
from spotfw.errors import SpotError, UnknownName
from spotfw.tasks import Task, bindings
from spotfw.tasks.examples import read_examples as read_tokens
from spotfw.tasks.scores import score
from spotfw.tasks.vocabulary import ByteVocabulary
from spotfw_paper_tasks.build import to_task
from spotfw_paper_tasks.dataset import Dataset, Example, Split, Unusable
from spotfw_paper_tasks.examples import read_examples
from spotfw_paper_tasks.rows import plain

LABELS = ("no", "yes")


def _examples(row):
    if row["text"] == "skip":
        return
    if row["text"] == "odd":
        raise Unusable("an odd one")
    if row["text"] == "broken":
        raise KeyError("inner")
    yield Example(
        inputs=f"toy: {row['text']}", targets=LABELS[row["label"]], extra={"n": len(row["text"])}
    )


TOY = Dataset(
    name="toy_set",
    family="NLI",
    type="classification",
    groups=("NLI",),
    labels=LABELS,
    tfds="glue/sst2:1.0.0",
    splits={"train": Split(source="train", rows=10), "validation": Split(source="validation")},
    columns={"text": str, "label": "label"},
    examples=_examples,
    metrics={"accuracy": "accuracy", "mine": lambda targets, predictions: {"mine": 7.0}},
    licence="CC0",
    citation="Nobody 2020",
)


def _row(text, label=1):
    return {"text": text, "label": label}


@pytest.fixture
def bind(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def make(name="toy_set", **splits):
        for split, rows in splits.items():
            (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        bindings.bind(name, tmp_path)

    return make


def _read(dataset, split):
    return read_tokens(to_task(dataset), split, ByteVocabulary(), 99, 9, for_scoring=True)


def test_facts():
    task = to_task(TOY)
    assert task.splits == {"train": 10, "validation": None}
    assert task.metrics == ("accuracy", "mine")
    assert (task.data, task.licence, task.groups) == ("tfds glue/sst2:1.0.0", "CC0", ("NLI",))


def test_rows_of_a_bound_folder_become_examples(bind):
    bind(train=[_row("a"), _row("b", 0)], validation=[_row("c")])
    examples = _read(TOY, "train")
    assert [e.inputs for e in examples.raw()] == ["toy: a", "toy: b"]
    assert [e.targets for e in examples.raw()] == ["yes", "no"]
    assert score(examples, ["yes", "what?"]) == {"accuracy": 50.0, "mine": 7.0}


def test_the_folder_goes_by_tfds_s_name_too(bind):
    bind("glue_sst2", train=[_row("a"), _row("b", 0)])
    assert len(read_examples(TOY, "train").examples) == 2


def test_every_row_is_an_example_or_named(bind, caplog):
    texts = ["a", "b", "c", "skip", "odd", "broken", "", "d\0"]
    bind(train=[*map(_row, texts), _row("e", -1), _row("f", 5), {"label": 1}, *map(_row, "ghijk")])
    with caplog.at_level(logging.WARNING):
        read = read_examples(TOY, "train")
    assert [e.inputs[5:] for e in read.examples] == list("abcghijk")
    account = read.account
    # "skip" is used, it just gives no example
    assert (account.usable, account.unlabelled) == (9, 1)
    assert [(row.line, row.reason) for row in account.unusable] == [
        (5, "an odd one"),
        (6, "no example can be made of it (KeyError: 'inner')"),
        (7, "'text' is blank"),
        (8, "'text' holds a NUL character"),
        (10, "the label 5 of 'label' is not 0 no, 1 yes"),
        (11, "no column 'text'"),
    ]
    assert "6 of 16 rows cannot be used" in caplog.text
    assert "no row with the label 'no'" in caplog.text


def test_the_wrong_folder_and_the_absent_split_are_refused(bind):
    bind(train=[{"sentence": "x", "label": 0}] * 3)
    task = to_task(TOY)
    with pytest.raises(SpotError, match="does not hold the data set of the task 'toy_set'"):
        task.check(["train"])
    with pytest.raises(SpotError, match=r"has no validation.jsonl"):
        task.check(["validation"])
    with pytest.raises(UnknownName):
        read_examples(TOY, "test")


def test_post_processing_sees_what_scoring_needs(bind):
    def postprocess(text, example=None, is_target=False):
        return (text, example.extra["n"], is_target)

    seen = []

    def metric(targets, predictions):
        seen.extend([*targets, *predictions])
        return {"m": 1.0}

    bind(validation=[_row("abc")])
    dataset = attrs.evolve(TOY, postprocess=postprocess, metrics={"m": metric})
    assert score(_read(dataset, "validation"), ["no"]) == {"m": 1.0}
    assert seen == [("yes", 3, True), ("no", 3, False)]


def test_absent_data_is_refused_before_a_model_is_opened(tmp_path, monkeypatch):
    task = to_task(TOY)
    session = spotfw.Session(model=str(tmp_path), plugins=spotfw.plugins.Plugins())
    monkeypatch.setattr(
        type(session), "model", property(lambda self: pytest.fail("a model is opened"))
    )
    for call in (
        lambda: session.tune(task),
        lambda: session.transfer(task),
        lambda: session.evaluate(None, task),
    ):
        with pytest.raises(SpotError) as refused:
            call()
        message = str(refused.value)
        assert "'toy_set'" in message and "is not on this machine" in message
        assert "spotfw tasks bind toy_set FOLDER" in message
        assert "columns text (text), label (0 no, 1 yes)" in message
        assert "\n" not in message


def test_tasks_go_to_other_processes():
    from spotfw_paper_tasks.source import PaperTasks

    for task in PaperTasks().tasks():
        if isinstance(task, Task):
            assert pickle.loads(pickle.dumps(task)) == task
    with pytest.raises(pickle.PicklingError, match="'toy_set' is not one of"):
        pickle.dumps(to_task(TOY))


def test_what_tfds_gives_as_plain_python():
    import numpy as np

    row = {
        "a": b"caf\xc3\xa9",
        "b": np.int64(3),
        "c": np.array([b"x", b"y"]),
        "d": {"e": np.ones(2)},
    }
    assert plain(row) == {"a": "café", "b": 3, "c": ["x", "y"], "d": {"e": [1.0, 1.0]}}
    assert plain(b"\xff") == "\udcff"
