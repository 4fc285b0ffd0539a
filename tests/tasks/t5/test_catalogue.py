"""t5's tasks over bound folders: t5's names, t5's text, t5's scores."""

from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from spotfw.errors import SpotError, UnknownName
from spotfw.plugins import Plugins
from spotfw.tasks import bindings
from spotfw.tasks.examples import read_examples
from spotfw.tasks.rows.bound import UnlabelledRow
from spotfw.tasks.scores import score
from spotfw.tasks.t5 import genres
from spotfw.tasks.t5.catalogue import ENTRIES, T5Tasks, find_entry, to_task
from spotfw.tasks.t5.registry import SeqioRegistry
from spotfw.tasks.t5.rows import open_rows, usable_rows
from spotfw.tasks.vocabulary import ByteVocabulary

_SPEC = importlib.util.spec_from_file_location(
    "t5_golden", Path(__file__).with_name("t5_golden.py")
)
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)
GOLDEN = _MODULE.GOLDEN

SHORT = [entry.also[0] for entry in ENTRIES]


@pytest.fixture
def bind(tmp_path, monkeypatch):
    """Binds rows by split to a task: ``bind("glue_rte", train=[...])``."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def make(name, **splits):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for split, rows in splits.items():
            text = "\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows)
            (folder / f"{split}.jsonl").write_text(text)
        bindings.bind(name, folder)
        return folder

    return make


def read(task, split, limit=None):
    """Examples of a split on bytes, nothing cut."""
    return read_examples(task, split, ByteVocabulary(), 10_000, 10_000, limit, for_scoring=True)


def texts(examples):
    """(inputs, targets) before tokenisation."""
    return [(example.inputs, example.targets) for example in examples.raw()]


def test_listing_imports_no_tensorflow():
    code = (
        "import sys; from spotfw.plugins import Plugins; p = Plugins(entry_points=False);"
        "names = [t.name for t in p.tasks()]; assert 'glue_mnli_v002' in names;"
        "assert p.task('glue_mnli').name == 'glue_mnli_v002';"
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_task_of_appendix_b_that_t5_has_is_listed_once():
    tasks = [t for t in T5Tasks().tasks() if t.name != genres.NAME]
    assert len(tasks) == len({t.name for t in tasks}) == 22
    counts = Counter(group for t in tasks for group in t.groups)
    assert counts["appendix B"] == 22
    assert (counts["GLUE"], counts["SuperGLUE"], counts["translation"]) == (8, 8, 3)
    assert (counts["study source"], counts["study target"]) == (8, 9)
    every = [name for e in ENTRIES for name in (e.name, *e.also)]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("task", T5Tasks().tasks(), ids=lambda t: t.name)
def test_every_fact_is_given(task):
    assert task.licence and task.citation and task.description
    assert task.data.startswith("tfds ") and ":" in task.data
    assert all(rows for rows in task.splits.values())
    assert {"train", "validation"} <= set(task.splits)
    assert task.metrics


def test_short_names_find_t5_s_tasks():
    plugins = Plugins(entry_points=False)
    for entry in ENTRIES:
        for name in (entry.name, *entry.also):
            assert plugins.task(name).name == entry.name
    assert T5Tasks().find("glue_nothing") is None
    assert SeqioRegistry().find("glue_mnli") is None  # so that nothing heavy is loaded


@pytest.mark.mesh
def test_facts_agree_with_what_t5_registers():
    from spotfw.tasks.seqio.registered import registered_task
    from spotfw.tasks.t5.others import _labels, _metric_name

    for entry in ENTRIES:
        task = registered_task(entry.registered or entry.name)
        assert task.source.tfds_dataset.name == entry.tfds
        labels = _labels(task.postprocessor)
        features = task.source.tfds_dataset.builder.info.features
        if "label" in features and entry.type == "classification":
            assert entry.labels == tuple(features["label"].names)
        assert not labels or entry.labels == labels
        known = {c.partition(".")[0] for c in entry.columns}
        assert known == set(features), entry.name
        if entry.name != "super_glue_multirc_v102":  # its metrics have no names of their own
            registered = tuple(_metric_name(fn) for fn in task.metric_fns)
            assert (registered or ("bleu",)) == entry.metrics  # t5 gives C4 none


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_examples(name, bind):
    golden = GOLDEN[name]
    bind(name, train=[row for row, _, _ in golden], validation=[row for row, _, _ in golden])
    task = to_task(find_entry(name))
    task.check(["train", "validation"])
    for split in ("train", "validation"):
        assert texts(read(task, split)) == [(inputs, targets) for _, inputs, targets in golden]


def test_every_task_but_c4_has_golden_examples():
    assert set(SHORT) - set(GOLDEN) == {"c4"}
    assert all(len(rows) >= 3 for rows in GOLDEN.values())


@pytest.mark.parametrize("name", [n for n in GOLDEN if n != "super_glue_wsc"])
def test_right_answers_score_full_marks(name, bind):
    bind(name, validation=[row for row, _, _ in GOLDEN[name]])
    examples = read(to_task(find_entry(name)), "validation")
    scores = score(examples, [targets for _, _, targets in GOLDEN[name]])
    assert scores
    assert all(value == pytest.approx(100) for value in scores.values())


def test_record_has_an_example_for_each_answer_and_scores_the_best(bind):
    row = {**GOLDEN["super_glue_record"][0][0], "answers": ["Bo", "Al"]}
    bind("super_glue_record", validation=[row])
    examples = read(to_task(find_entry("super_glue_record")), "validation")
    assert [targets for _, targets in texts(examples)] == ["Bo", "Al"]
    assert score(examples, ["Al", "Al"]) == {"em": 100.0, "f1": 100.0}
    assert score(examples, ["no", "no"])["em"] == 0


def test_multirc_scores_f1_over_answers_and_exact_match_over_questions(bind):
    row = GOLDEN["super_glue_multirc"][0][0]
    rows = [
        {**row, "label": label, "idx": {"paragraph": 0, "question": question, "answer": number}}
        for number, (question, label) in enumerate([(0, 1), (0, 0), (1, 1), (1, 1)])
    ]
    bind("super_glue_multirc", validation=rows)
    examples = read(to_task(find_entry("super_glue_multirc")), "validation")
    # three right, two of them said to be; one question of two is wholly right
    scores = score(examples, ["True", "False", "True", "False"])
    assert scores["f1"] == pytest.approx(100 * 2 * 1 * (2 / 3) / (1 + 2 / 3))
    assert scores["exact_match"] == 50


def test_wsc_trains_on_right_referents_and_scores_all(bind):
    rows = [row for row, _, _ in GOLDEN["super_glue_wsc"]]
    rows.append({**rows[0], "span1_text": "Ann", "label": 0})
    bind("super_glue_wsc", train=rows, validation=rows)
    task = to_task(find_entry("super_glue_wsc"))
    assert [t for _, t in texts(read(task, "train"))] == ["Bea", "The box", "Jim"]
    examples = read(task, "validation")
    assert [t for _, t in texts(examples)] == ["Bea", "The box", "Jim", "Ann"]
    # The last row's referent is wrong: right is whoever does not name it.
    assert score(examples, ["Bea", "the box", "Jim", "Bea"]) == {"accuracy": 100.0}
    assert score(examples, ["Bea", "the box", "Jim", "Ann"]) == {"accuracy": 75.0}


def test_rows_at_which_t5_s_wsc_would_stop_are_named(bind, caplog):
    good = GOLDEN["super_glue_wsc"][0][0]
    bad = [{**good, "span2_index": place} for place in (0, -1, 99, 3)]
    bind("super_glue_wsc", train=[good] * 5 + bad)
    with caplog.at_level(logging.WARNING):
        assert len(read(to_task(find_entry("super_glue_wsc")), "train")) == 5
    assert "4 of 9 rows cannot be used" in caplog.text
    assert "word 3 of 'text' is not the pronoun" in caplog.text


@pytest.mark.parametrize(
    ("name", "label", "reason"),
    [
        ("super_glue_wsc", 2, "the label 2 of 'label' is not 0 False, 1 True"),
        ("glue_stsb", 77.0, "the score 77.0 of 'label' is not between 0 and 5"),
        ("glue_stsb", -0.2, "the score -0.2 of 'label' is not between 0 and 5"),
    ],
)
def test_labels_that_are_no_class_but_wrong_are_named(bind, name, label, reason):
    good = GOLDEN[name][0][0]
    wrong, unlabelled = ({**good, "label": value} for value in (label, -1))
    bind(name, train=[good, good, good, wrong, unlabelled])
    *usable, bad, without = open_rows(find_entry(name), "train")
    assert [row.cells for row in usable] == [good] * 3
    assert (bad.line, bad.reason) == (4, reason)
    assert without == UnlabelledRow(bad.file, 5)


@pytest.mark.parametrize(("name", "count"), [("super_glue_record", 5), ("super_glue_wsc", 3)])
def test_examples_are_counted_as_they_are_made(bind, name, count):
    rows = [row for row, _, _ in GOLDEN[name]]
    rows.append({**rows[0], "label": 0, "answers": ["Bo", "Bob"]})  # two answers; no referent
    bind(name, train=rows)
    task = to_task(find_entry(name))
    counted = sum(1 for _ in task.examples("train"))
    assert counted == len(read(task, "train"))
    assert counted == count


def test_an_index_may_be_blank(bind):
    rows = [{**row, "idx": ""} for row, _, _ in GOLDEN["glue_mnli"]]
    bind("glue_mnli", train=rows)
    made = texts(read(to_task(find_entry("glue_mnli")), "train"))
    assert made == [(inputs, targets) for _, inputs, targets in GOLDEN["glue_mnli"]]


@pytest.mark.mesh
def test_c4_goes_on_with_plain_text(bind):
    lines = [{"text": f"This is a longer text, number {n}, of the web."} for n in range(4)]
    bind("c4", train=lines, validation=lines)
    task = to_task(find_entry("c4"))
    task.check(["train", "validation"])
    examples = read(task, "validation")
    halves = [
        (bytes(i - 3 for i in a[:-1]).decode(), bytes(i - 3 for i in b[:-1]).decode())
        for a, b in zip(examples.inputs, examples.targets, strict=True)
    ]
    assert [a + b for a, b in halves] == [line["text"] for line in lines]
    assert all(a and b for a, b in halves)
    assert score(examples, [b for _, b in halves])["bleu"] == pytest.approx(100)
    # The same cut each time, so that what is scored stays the same.
    assert list(map(list, read(task, "validation").inputs)) == list(map(list, examples.inputs))


def test_mnli_s_one_validation_file_is_the_matched_one(bind):
    rows = [row for row, _, _ in GOLDEN["glue_mnli"]]
    folder = bind("glue_mnli", validation=rows)
    task = to_task(find_entry("glue_mnli"))
    for split in ("validation", "validation_matched"):
        assert len(read(task, split)) == 3
    with pytest.raises(SpotError, match=r"has no validation_mismatched\.jsonl"):
        read(task, "validation_mismatched")
    (folder / "validation_mismatched.jsonl").write_text(json.dumps(rows[0]))
    assert len(read(task, "validation_mismatched")) == 1
    assert len(read(task, "validation")) == 3


def test_a_split_that_is_absent_is_reported(bind):
    folder = bind("glue_rte", train=[row for row, _, _ in GOLDEN["glue_rte"]])
    task = to_task(find_entry("glue_rte"))
    task.check(["train"])
    with pytest.raises(SpotError, match=f"{folder}.*has no validation.jsonl") as raised:
        task.check(["train", "validation"])
    assert "spotfw tasks bind glue_rte FOLDER" in str(raised.value)
    with pytest.raises(UnknownName, match="no split of task 'glue_rte_v002' named 'dev'"):
        read(task, "dev")


def test_the_wrong_folder_is_reported_before_anything_is_read(bind):
    bind("glue_mnli", train=[row for row, _, _ in GOLDEN["glue_cola"]] * 3)
    task = to_task(find_entry("glue_mnli"))
    for call in (lambda: task.check(["train"]), lambda: read(task, "train")):
        with pytest.raises(SpotError, match="no column 'premise', 'hypothesis'"):
            call()


def test_bad_rows_are_named_and_the_rest_read(bind, caplog):
    golden = GOLDEN["glue_mnli"]
    good = [row for row, _, _ in golden]
    bad = ["{", {**good[0], "premise": ""}, {**good[0], "label": 9}, {"label": 1}]
    bind("glue_mnli", train=[*good[:2], *bad, {**good[0], "label": -1}, *good[:2]])
    with caplog.at_level(logging.WARNING):
        examples = read(to_task(find_entry("glue_mnli")), "train")
    assert texts(examples) == [(i, t) for _, i, t in (*golden[:2], *golden[:2])]
    assert "4 of 9 rows cannot be used" in caplog.text
    assert "1 of 9 rows have the label -1" in caplog.text
    assert "no row with the label 'contradiction'" in caplog.text


@pytest.mark.mesh
def test_absent_data_says_how_to_get_it(monkeypatch, tmp_path):
    from spotfw.tasks.seqio.compat import seqio

    monkeypatch.setattr(seqio.utils, "_TFDS_DATA_DIR_OVERRIDE", str(tmp_path))
    task = to_task(find_entry("glue_mnli"))
    with pytest.raises(SpotError) as raised:
        task.check(["train", "validation"])
    message = str(raised.value)
    assert "'glue_mnli_v002', split 'train', is not on this machine" in message
    assert "t.load('glue/mnli:1.0.0')" in message
    assert "spotfw tasks bind glue_mnli FOLDER" in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir())


def _records(path):
    """A file's rows, read by nothing of ours."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.also[0])
def test_every_real_row_is_used(entry, shared, monkeypatch):
    monkeypatch.setenv(bindings.VARIABLE, str(shared / "data"))
    index = json.loads((shared / "data" / "index.json").read_text())
    name = next((n for n in (*entry.also, bindings.folder_name(entry.tfds)) if n in index), None)
    if name is None:
        pytest.skip(f"no real rows of {entry.name} beside the repository")
    for split, count in index[name]["splits"].items():
        rows = list(usable_rows(entry, split))
        assert len(rows) == count
        if entry.labels:
            assert index[name]["label_names"] == list(entry.labels)
            records = _records(shared / "data" / name / f"{split}.jsonl")
            assert Counter(r["label"] for r in rows) == Counter(r["label"] for r in records)
