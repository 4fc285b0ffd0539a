"""What a task file may say, and the messages about what is wrong in it."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from spotfw.errors import UnknownName, WrongUse
from spotfw.tasks.scoring import metric_functions
from spotfw.tasks.tables.answers import METRICS, REFUSED
from spotfw.tasks.tables.source import load_task_file
from tests.places import ROOT

GOOD = """
name = "reviews"
family = "sentiment"
inputs = "review: {text}"
label_column = "label"
labels = ["negative", "positive"]
[splits]
train = "train.jsonl"
validation = ["a.csv", "b.csv"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "task.toml"
    path.write_text(text)
    return path


def test_a_task_is_listed_without_its_data(tmp_path):
    (task,) = load_task_file(write(tmp_path, GOOD))
    assert (task.name, task.family, task.type) == ("reviews", "sentiment", "classification")
    assert task.labels == ("negative", "positive")
    assert task.metrics == ("accuracy",)
    assert task.splits == {"train": None, "validation": None}
    assert task.origin == str(tmp_path / "task.toml")


def test_loading_a_task_file_imports_no_tensorflow(tmp_path):
    path = write(tmp_path, GOOD)
    code = (
        "import sys; from spotfw.tasks.tables.source import load_task_file as f;"
        f"f({str(path)!r}); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_several_tasks_in_a_file(tmp_path):
    first = GOOD.replace("[splits]", "[task.splits]")
    second = first.replace("reviews", "others")
    tasks = load_task_file(write(tmp_path, f"[[task]]{first}[[task]]{second}"))
    assert [t.name for t in tasks] == ["reviews", "others"]


def test_two_tasks_of_one_name(tmp_path):
    table = "[[task]]" + GOOD.replace("[splits]", "[task.splits]")
    with pytest.raises(WrongUse, match="Two tasks are named 'reviews'"):
        load_task_file(write(tmp_path, table + table))


def test_label_table_gives_words_in_order_without_doubles(tmp_path):
    table = 'labels = {"-1" = "bad", "0" = "bad", "1" = "good"}'
    text = GOOD.replace('labels = ["negative", "positive"]', table)
    (task,) = load_task_file(write(tmp_path, text))
    assert task.labels == ("bad", "good")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("family =", "famliy =", r"unknown key 'famliy'. Did you mean 'family'"),
        ('name = "reviews"', "", r"'name' is missing"),
        ('"reviews"', '"my reviews"', r"'name' is 'my reviews'"),
        ('"reviews"', "3", r"'name' must be text in quotes, but is 3"),
        ('"sentiment"', '" "', r"'family' is empty"),
        ("{text}", "{text", r"'inputs' is 'review: \{text', which cannot be read"),
        ("{text}", "{}", r"empty braces"),
        ("{text}", "{text!r}", r"more than a column's name"),
        ("{text}", "text", r"names no column"),
        ("{text}", "{label}", r"the answer's column"),
        ('label_column = "label"', "", r"'label_column' is missing"),
        ('["negative", "positive"]', "[0, 1]", r"must hold words in quotes, but holds 0"),
        ('["negative", "positive"]', '["a", "a"]', r"names a label twice"),
        ('["negative", "positive"]', '["a"]', r"at least two"),
        (
            '["negative", "positive"]',
            '["1", "2"]',
            r'\{"1" = "1", "2" = "2"\} where .* as they are, \{"0" = "1", "1" = "2"\}',
        ),
        ('["negative", "positive"]', '"a"', r"a list of words or a table"),
        ('["negative", "positive"]', '["a", ""]', r"must hold words"),
        ("label_column", 'targets = "{text}"\nlabel_column', r"must be '\{label\}'"),
        ("label_column", 'type = "regression"\nlabel_column', r"does not go with"),
        ("label_column", 'answers_column = "a"\nlabel_column', r"this task has labels"),
        ("label_column", "strict = 1\nlabel_column", r"'strict' must be true or false"),
        ("label_column", "round_to = true\nlabel_column", r"'round_to' must be a number"),
        ("label_column", "round_to = -1\nlabel_column", r"'round_to' must be 0"),
        ("label_column", 'columns = ["a", "a"]\nlabel_column', r"names something twice"),
        ("label_column", "columns = [1]\nlabel_column", r"holds 1"),
        ("label_column", 'format = "xml"\nlabel_column', r"one of \['csv', 'jsonl', 'tsv'\]"),
        ('"train.jsonl"', '"train.txt"', r"whose suffix says nothing"),
        ('"train.jsonl"', "[]", r"no file or list of files"),
        ('"train.jsonl"', "3", r"no file or list of files"),
        ("[splits]", "[Splits]", r"unknown key 'Splits'. Did you mean 'splits'"),
        ("name =", "name", r"not valid TOML"),
    ],
)
def test_what_is_wrong_is_reported_with_file_and_key(tmp_path, old, new, message):
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(WrongUse, match=message) as caught:
        load_task_file(path)
    assert str(path) in str(caught.value)


def test_splits_are_needed(tmp_path):
    with pytest.raises(WrongUse, match="'splits' is missing"):
        load_task_file(write(tmp_path, GOOD[: GOOD.index("[splits]")]))


def test_classification_needs_labels(tmp_path):
    text = GOOD.replace('labels = ["negative", "positive"]', 'type = "classification"')
    with pytest.raises(WrongUse, match="lists its labels"):
        load_task_file(write(tmp_path, text))


def test_no_such_file(tmp_path):
    with pytest.raises(WrongUse, match=r"nothing\.toml cannot be read"):
        load_task_file(tmp_path / "nothing.toml")


def test_not_utf8(tmp_path):
    path = tmp_path / "task.toml"
    path.write_bytes(GOOD.replace("reviews", "Kritiken \xfc").encode("latin-1"))
    with pytest.raises(WrongUse, match="not UTF-8"):
        load_task_file(path)


def test_mixed_with_task_list(tmp_path):
    with pytest.raises(WrongUse, match=r"mixes \[\[task\]\]"):
        load_task_file(write(tmp_path, 'name = "a"\n[[task]]\nname = "b"\n'))


def metrics(names: list[str]) -> str:
    return GOOD.replace("label_column", f"metrics = {json.dumps(names)}\nlabel_column")


def test_unknown_metric(tmp_path):
    with pytest.raises(UnknownName, match=r"'acuracy'\. Did you mean 'accuracy'"):
        load_task_file(write(tmp_path, metrics(["acuracy"])))


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_metric_says_why(tmp_path, name):
    with pytest.raises(WrongUse, match=f"{name}.*cannot be used"):
        load_task_file(write(tmp_path, metrics([name])))


def test_metric_that_does_not_fit_the_answers(tmp_path):
    with pytest.raises(WrongUse, match=r"'bleu'.*does not score answers of the kind 'label'"):
        load_task_file(write(tmp_path, metrics(["bleu"])))


def test_binary_f1_needs_two_labels(tmp_path):
    text = metrics(["f1_score_with_invalid"]).replace('"positive"', '"positive", "neutral"')
    with pytest.raises(WrongUse, match="mean_multiclass_f1"):
        load_task_file(write(tmp_path, text))


@pytest.mark.mesh
def test_every_metric_of_t5_is_offered_or_refused():
    from spotfw.tasks.seqio.compat import t5

    theirs = t5.evaluation.metrics

    public = {
        name
        for name, value in vars(theirs).items()
        if inspect.isfunction(value) and value.__module__ == theirs.__name__ and name[0] != "_"
    }
    assert public == {*METRICS, *REFUSED} - {"matthews_corrcoef"}
    assert len(metric_functions(sorted(METRICS), 3)) == len(METRICS)


def test_the_tasks_of_the_benchmarks_can_be_read():
    folder = ROOT / "benchmarks" / "real_tasks"
    names = [task.name for path in sorted(folder.glob("*.toml")) for task in load_task_file(path)]
    assert {"customer_reviews", "glue_mrpc", "glue_rte", "glue_sst2", "super_glue_cb"} <= {*names}
    assert len(names) == len(set(names))


def test_a_misspelt_type_is_reported_although_there_are_labels(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text(GOOD.replace("name =", 'type = "clasification"\nname =', 1))
    with pytest.raises(WrongUse, match=r"'clasification'.*Did you mean 'classification'"):
        load_task_file(path)
