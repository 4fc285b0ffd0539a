"""Rows of all formats, and every way a row can be of no use."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError, UnknownName
from spotfw.tasks.rows.opening import NotRows
from spotfw.tasks.rows.records import LONGEST_LINE, csv_records, json_records
from spotfw.tasks.tables.source import read_task_rows

LABELLED = """
name = "reviews"
inputs = "review: {text}"
label_column = "label"
labels = ["negative", "positive"]
"""


def rows_of(folder: Path, data: bytes | str, suffix: str = "jsonl", toml: str = LABELLED) -> Any:
    content = data if isinstance(data, bytes) else data.encode()
    (folder / f"train.{suffix}").write_bytes(content)
    path = folder / "task.toml"
    path.write_text(f'{toml}\n[splits]\ntrain = "train.{suffix}"\n')
    return read_task_rows(path, "train")


def reasons(rows: Any) -> dict[int, str]:
    return {row.line: row.reason for row in rows.unusable}


GOOD = '{"text": "fine", "label": 1}\n'


def test_elements_of_lists(tmp_path):
    toml = 'name = "choices"\ninputs = "{opts.0} or {opts.1}?"\ntargets = "{answer}"\n'
    lines = '{"opts": ["a", "b"], "answer": "a"}\n{"opts": ["a"], "answer": "a"}\n'
    rows = rows_of(tmp_path, lines, toml=toml)
    assert [row.inputs for row in rows.usable] == ["a or b?"]
    assert reasons(rows) == {2: "no column 'opts.1'"}


def test_json_lines(tmp_path):
    rows = rows_of(tmp_path, GOOD + '\n{"text": "bad", "label": "negative", "more": [1]}')
    assert [(r.inputs, r.targets, r.line) for r in rows.usable] == [
        ("review: fine", "positive", 1),
        ("review: bad", "negative", 3),
    ]
    assert rows.unusable == ()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "x", "label": 2}', "label 2 is not among negative, positive"),
        (b'{"text": "x", "label": -1}', "label -1 is not among"),
        (b'{"text": "x", "label": null}', "label None is not among"),
        (b'{"text": "x", "label": [1]}', r"label \[1\] is not among"),
        (b'{"text": "x", "label": 0.5}', "label 0.5 is not among"),
        (b'{"text": "x", "label": "POSITIVE"}', "label 'POSITIVE' is not among"),
        (b'{"text": "x"}', "no column 'label'"),
        (b'{"label": 1}', "no column 'text'"),
        (b'{"text": null, "label": 1}', "'text' is null"),
        (b'{"text": "  ", "label": 1}', "'text' is blank"),
        (b'{"text": ["a"], "label": 1}', "'text' is a list"),
        (b'{"text": {"a": 1}, "label": 1}', "'text' is a table"),
        (b'{"text": "a\\u0000b", "label": 1}', "NUL"),
        (b'{"text": "\\ud800", "label": 1}', "not UTF-8"),
        (b'{"text": "\xff", "label": 1}', r"not UTF-8 \(byte 11\)"),
        (b'{"text": "x", "label": 1', "not valid JSON"),
        (b'{"text": "x",, "label": 1}', "not valid JSON"),
        (b"[1, 2]", "not a JSON object"),
        (b"3", "not a JSON object"),
        (b"[" * 100_000, "not readable as JSON"),
        (b'{"text": ' + b"9" * 10_000 + b', "label": 1}', "not readable as JSON"),
        (b'{"text": "' + b"x" * 10 * 2**20 + b'", "label": 1}', "longer than 1,048,576 bytes"),
        (b"\x00", "not valid JSON"),
    ],
)
def test_a_json_line_of_no_use_is_named(tmp_path, line, reason):
    rows = rows_of(tmp_path, GOOD.encode() + line + b"\n" + GOOD.encode())
    assert [r.line for r in rows.usable] == [1, 3]
    (bad,) = rows.unusable
    assert (bad.file.name, bad.line) == ("train.jsonl", 2)
    assert re.search(reason, bad.reason)
    assert str(bad).startswith(f"{tmp_path / 'train.jsonl'}:2: ")


@pytest.mark.parametrize(
    ("value", "word"),
    [("1", "b"), ("1.0", "b"), ('"1.0"', "b"), ("0.0", "a"), ('"1"', "b"), ('" b "', "b")],
)
def test_ways_to_write_a_label(tmp_path, value, word):
    toml = LABELLED.replace('["negative", "positive"]', '["a", "b"]')
    rows = rows_of(tmp_path, f'{{"text": "x", "label": {value}}}', toml=toml)
    assert rows.usable[0].targets == word


def test_csv_with_quotes_breaks_and_a_mark_of_byte_order(tmp_path):
    data = '\ufefftext,label\r\n"a, ""b""\nc",positive\r\n\r\nd,0\r\n'
    rows = rows_of(tmp_path, data, "csv")
    assert [(r.inputs, r.targets, r.line) for r in rows.usable] == [
        ('review: a, "b"\nc', "positive", 2),
        ("review: d", "negative", 5),
    ]


def test_tsv_takes_quotation_marks_as_they_are(tmp_path):
    rows = rows_of(tmp_path, 'label\ttext\n1\t"a" b"\n0\t"open\n', "tsv")
    assert [r.inputs for r in rows.usable] == ['review: "a" b"', 'review: "open']


def test_csv_without_a_line_of_names(tmp_path):
    toml = LABELLED + 'columns = ["label", "text"]'
    rows = rows_of(tmp_path, "1,a\n0,b\n", "csv", toml)
    assert [(r.targets, r.line) for r in rows.usable] == [("positive", 1), ("negative", 2)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"only one cell", "1 cells where there are 2 columns"),
        (b"a,1,b", "3 cells where there are 2 columns"),
        (b"a,7", "label '7' is not among"),
        (b"a,", "label '' is not among"),
        (b",1", "'text' is blank"),
        (b"\xff,1", "'text' is not UTF-8"),
        (b'"a"b,1', "not valid CSV"),
        (b'"never closed,1', "not valid CSV"),
        (b"x" * 10 * 2**20 + b",1", "longer than"),
        (b"x" * 200_000 + b",1", "field larger than field limit"),
    ],
)
def test_a_csv_line_of_no_use_is_named_and_costs_no_other(tmp_path, line, reason):
    rows = rows_of(tmp_path, b"text,label\na,1\n" + line + b"\nb,1\nc,0\n", "csv")
    assert [r.line for r in rows.usable] == [2, 4, 5]
    assert list(reasons(rows)) == [3]
    assert reason in reasons(rows)[3]


def test_nul_in_csv_is_named(tmp_path):
    rows = rows_of(tmp_path, b"text,label\na\x00b,1\nb,1\n", "csv")
    assert [r.line for r in rows.usable] == [3]
    assert "NUL" in reasons(rows)[2]


def test_csv_without_the_columns_needed(tmp_path):
    with pytest.raises(SpotError, match=r"has no column text\. Its first line names: sentence"):
        rows_of(tmp_path, "sentence,label\na,1\n", "csv")


def test_csv_that_names_a_column_twice(tmp_path):
    with pytest.raises(SpotError, match="names a column twice"):
        rows_of(tmp_path, "text,text,label\na,b,1\n", "csv")


@pytest.mark.parametrize("data", [b"", b"\n\n", b'{"text": "x"}\n', "{}".encode("utf-16")])
def test_a_split_without_a_usable_row(tmp_path, data):
    with pytest.raises(SpotError, match="is empty: no row of"):
        rows_of(tmp_path, data)


def test_strict_makes_them_fatal(tmp_path):
    with pytest.raises(SpotError, match=r"says strict\. 1 of 2 rows.*train\.jsonl:2"):
        rows_of(tmp_path, GOOD + "{}\n", toml=LABELLED + "strict = true")


def test_a_fault_of_many_rows_is_reported_once(tmp_path):
    with pytest.raises(SpotError) as caught:
        rows_of(tmp_path, "{}\n" * 50)
    assert "50 of 50 rows" in str(caught.value)
    assert str(caught.value).count("no column") == 1
    assert "train.jsonl:1: no column" in str(caught.value)
    assert "(lines 2, 3, 4, 5, 6 and 44 more too)" in str(caught.value)


def test_a_message_lists_twenty_faults(tmp_path):
    with pytest.raises(SpotError) as caught:
        rows_of(tmp_path, "".join(f'{{"label": "x{i}"}}\n' for i in range(50)))
    assert "50 of 50 rows" in str(caught.value)
    assert "train.jsonl:20:" in str(caught.value)
    assert "train.jsonl:21:" not in str(caught.value)
    assert "and 30 more" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text(LABELLED + '[splits]\ntrain = "nowhere/train.csv"')
    with pytest.raises(SpotError, match=r"nowhere/train\.csv of task 'reviews' cannot be read"):
        read_task_rows(path, "train")
    with pytest.raises(UnknownName, match="split of task 'reviews' named 'dev'"):
        read_task_rows(path, "dev")


def test_several_files_make_a_split(tmp_path):
    (tmp_path / "a.jsonl").write_text(GOOD)
    (tmp_path / "b.csv").write_text("text,label\nb,9\nc,0\n")
    path = tmp_path / "task.toml"
    path.write_text(LABELLED + '[splits]\ntrain = ["a.jsonl", "b.csv"]')
    rows = read_task_rows(path, "train")
    assert [r.inputs for r in rows.usable] == ["review: fine", "review: c"]
    assert [(r.file.name, r.line) for r in rows.unusable] == [("b.csv", 2)]


def test_optional_columns_may_be_blank_or_absent(tmp_path):
    toml = LABELLED.replace("{text}", "{title} {text}") + 'optional_columns = ["title"]'
    data = '{"text": "a", "label": 1}\n{"title": null, "text": "b", "label": 1}\n'
    rows = rows_of(tmp_path, data + '{"title": "T", "text": "c", "label": 1}\n', toml=toml)
    assert [r.inputs for r in rows.usable] == ["review:  a", "review:  b", "review: T c"]


def test_template_keeps_braces_and_writes_numbers(tmp_path):
    toml = LABELLED.replace("{text}", "{{{n}}} {flag}")
    rows = rows_of(tmp_path, '{"n": 3.5, "flag": true, "label": 0}', toml=toml)
    assert rows.usable[0].inputs == "review: {3.5} true"


FREE = 'name = "summaries"\ninputs = "{article}"\ntargets = "{summary}"\n'


def test_free_text(tmp_path):
    data = '{"article": "long", "summary": "short"}\n{"article": "long", "summary": ""}\n'
    rows = rows_of(tmp_path, data, toml=FREE)
    assert [r.targets for r in rows.usable] == ["short"]
    assert reasons(rows) == {2: "'summary' is blank"}


ANSWERS = 'name = "qa"\ninputs = "{q}"\nanswers_column = "answers.text"\n'


def test_questions_with_several_answers(tmp_path):
    lines = [
        {"q": "a", "answers": {"text": ["x", "y", "x"]}},
        {"q": "b", "answers": {"text": "z"}},
        {"q": "c", "answers": {"text": []}},
        {"q": "d", "answers": []},
    ]
    rows = rows_of(tmp_path, "\n".join(map(json.dumps, lines)), toml=ANSWERS)
    assert [(r.targets, r.answers) for r in rows.usable] == [("x", ("x", "y")), ("z", ("z",))]
    assert list(reasons(rows)) == [3, 4]


NUMBER = 'name = "sim"\ntype = "regression"\ninputs = "{a} {b}"\nlabel_column = "score"\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [(4.75, "4.8"), (2.5, "2.4"), (0, "0.0"), ('"3.1"', "3.2"), (5.0, "5.0"), (-1, "-1.0")],
)
def test_numbers_are_written_as_t5_does(tmp_path, value, text):
    rows = rows_of(tmp_path, f'{{"a": "x", "b": "y", "score": {value}}}', toml=NUMBER)
    assert rows.usable[0].targets == text


def test_numbers_can_be_left_as_they_are(tmp_path):
    line = '{"a": "x", "b": "y", "score": 3.14159}'
    assert rows_of(tmp_path, line, toml=NUMBER + "round_to = 0").usable[0].targets == "3.14159"
    assert rows_of(tmp_path, line, toml=NUMBER + "round_to = 0.05").usable[0].targets == "3.15"


@pytest.mark.parametrize("value", ['"high"', "null", "NaN", "1e999", "true", "[1]"])
def test_what_is_no_number_is_named(tmp_path, value):
    line = '{"a": "x", "b": "y", "score": 1}\n'
    rows = rows_of(tmp_path, line + line.replace("1}", f"{value}}}"), toml=NUMBER)
    assert "'score' is no number" in reasons(rows)[2]


@pytest.mark.mesh
def test_rounding_equals_t5s_own():
    import numpy as np

    from spotfw.tasks.seqio.compat import t5, tf
    from spotfw.tasks.tables.definition import TableDefinition
    from spotfw.tasks.tables.rows import _rounded
    from spotfw.tasks.tables.template import parse_template

    values = np.round(np.arange(0, 5.001, 0.01), 2).astype(np.float32)
    empty = [""] * len(values)
    data = {"sentence1": empty, "sentence2": empty, "label": values, "idx": [0] * len(values)}
    stsb = t5.data.preprocessors.stsb(tf.data.Dataset.from_tensor_slices(data))
    theirs = [example["targets"].decode() for example in stsb.as_numpy_iterator()]
    definition = TableDefinition(
        name="sim",
        file=Path("task.toml"),
        inputs=parse_template("{a}"),
        targets=parse_template("{label}"),
        kind="number",
        type="regression",
        metrics=(),
        splits={},
        label_column="score",
        round_to=0.2,
    )
    assert [_rounded(definition, {"score": float(v)}) for v in values] == theirs


@given(st.binary(max_size=400))
def test_no_bytes_stop_the_reading(data):
    with suppress(NotRows):  # as a whole it is no file of rows, which is said
        for record in json_records(io.BytesIO(data)):
            assert isinstance(record[1], (dict, str))
    for tabs in (False, True):
        with suppress(NotRows):
            list(
                csv_records(
                    io.BytesIO(data), tabs=tabs, columns=("a", "b"), check_header=lambda cells: None
                )
            )


cells = st.text(
    st.characters(
        blacklist_categories=["Cs"], blacklist_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    )
)


@given(st.lists(st.tuples(cells.filter(bool), cells), max_size=8))
def test_written_csv_reads_back(table):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("a", "b"), *table])
    records = csv_records(
        io.BytesIO(stream.getvalue().encode()),
        tabs=False,
        columns=(),
        check_header=lambda cells: None,
    )
    assert [cells for _, cells in records] == [{"a": a, "b": b} for a, b in table]


def test_the_longest_line_is_read():
    line = b'{"a": "' + b"x" * (LONGEST_LINE - 10) + b'"}\n'
    ((number, record),) = json_records(io.BytesIO(line))
    assert number == 1
    assert isinstance(record, dict)
