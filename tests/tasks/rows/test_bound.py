"""Rows of bound folders: whatever stands in a file, each row is used or named."""

from __future__ import annotations

import json
import logging
from contextlib import suppress

import hypothesis
import pytest
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.tasks.rows.account import Account
from spotfw.tasks.rows.bound import (
    BoundRow,
    Schema,
    UnlabelledRow,
    check_file,
    find_file,
    read_file,
)
from spotfw.tasks.rows.kinds import KINDS, WrongCell
from spotfw.tasks.rows.opening import NotRows
from spotfw.tasks.rows.records import UnusableRow

NLI = Schema(
    columns={"premise": str, "hypothesis": "str", "label": "label", "idx": "int32?"},
    labels=("yes", "maybe", "no"),
)
GOOD = {"premise": "It rains.", "hypothesis": "It is wet.", "label": 0, "idx": 3}


def written(path, *lines):
    """A file of these lines: bytes as they are, anything else as JSON."""
    as_bytes = (x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines)
    path.write_bytes(b"\n".join(as_bytes) + b"\n")
    return path


def reason(tmp_path, line, schema=NLI):
    """Why a line, between two good rows, cannot be used."""
    path = written(tmp_path / "train.jsonl", GOOD, line, GOOD)
    first, unusable, last = read_file(path, schema)
    assert isinstance(first, BoundRow) and isinstance(last, BoundRow)
    assert isinstance(unusable, UnusableRow)
    assert (unusable.file, unusable.line) == (path, 2)
    return unusable.reason


def test_good_rows_come_as_they_are(tmp_path):
    path = written(tmp_path / "train.jsonl", GOOD, {**GOOD, "label": 2, "more": [1]})
    rows = list(read_file(path, NLI))
    assert [r.cells for r in rows] == [GOOD, {**GOOD, "label": 2, "more": [1]}]
    assert [r.line for r in rows] == [1, 2]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"premise": None}, "'premise' is no text but None"),
        ({"premise": 3}, "'premise' is no text but 3"),
        ({"premise": ["It rains."]}, "'premise' is no text but ['It rains.']"),
        ({"premise": ""}, "'premise' is blank"),
        ({"premise": " \t\n\u00a0"}, "'premise' is blank"),
        ({"premise": "a\0b"}, "'premise' holds a NUL character"),
        ({"premise": "\ud800"}, "'premise' is not UTF-8 (byte 1 of the cell)"),
        ({"label": 3}, "the label 3 of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": -2}, "the label -2 of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": "yes"}, "the label 'yes' of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": "not " * 9}, f"the label {'not ' * 9!r} of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": True}, "the label True of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": 1.0}, "the label 1.0 of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"label": None}, "the label None of 'label' is not 0 yes, 1 maybe, 2 no"),
        ({"idx": "3"}, "'idx' is no whole number but '3'"),
        ({"idx": 2**31}, "'idx' is too large a number: 2147483648"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, change, why):
    assert reason(tmp_path, GOOD | change) == why


@pytest.mark.parametrize("column", ["premise", "hypothesis", "label"])
def test_a_missing_column_is_named(tmp_path, column):
    assert reason(tmp_path, {k: v for k, v in GOOD.items() if k != column}) == (
        f"no column {column!r}"
    )


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"premise": "caf\xe9"}', "not UTF-8 (byte 17)"),
        (b'{"premise"}', "not valid JSON (Expecting ':' delimiter, column 11)"),
        (b"[1, 2]", "not a JSON object"),
        (b"\x00\x01", "not valid JSON (Expecting value, column 1)"),
        (b"[" * 100_000, "not readable as JSON (RecursionError)"),
        (
            b'{"premise": "' + b"x" * 10_000_000 + b'"}',
            "the line is longer than 1,048,576 bytes",
        ),
    ],
    ids=["not-utf-8", "not-json", "a-list", "binary", "deep", "ten-megabytes"],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, line, why):
    assert reason(tmp_path, line) == why


def test_rows_without_a_label_are_told_apart(tmp_path):
    path = written(tmp_path / "train.jsonl", {**GOOD, "label": -1}, {**GOOD, "premise": ""})
    assert list(read_file(path, NLI)) == [
        UnlabelledRow(path, 1),
        UnusableRow(path, 2, "'premise' is blank"),
    ]
    # A spoilt row is not excused by having no label.
    assert reason(tmp_path, {**GOOD, "premise": "", "label": -1}) == "'premise' is blank"


def test_optional_columns_may_be_absent_null_or_blank(tmp_path):
    bare = {k: v for k, v in GOOD.items() if k != "idx"}
    path = written(tmp_path / "train.jsonl", bare, {**bare, "idx": None}, {**bare, "idx": ""})
    assert all(isinstance(row, BoundRow) for row in read_file(path, NLI))


def test_columns_inside_dictionaries(tmp_path):
    schema = Schema(columns={"answers.text": "list[str]+", "idx.question": "int32"})
    good = {"answers": {"text": ["a"]}, "idx": {"question": 1}}
    path = written(tmp_path / "train.jsonl", good, {**good, "answers": {"text": []}})
    first, second = read_file(path, schema)
    assert isinstance(first, BoundRow)
    assert second.reason == "'answers.text' is an empty list"
    path = written(tmp_path / "train.jsonl", {**good, "answers": ["a"]}, {**good, "idx": 4})
    assert [row.reason for row in read_file(path, schema)] == [
        "no column 'answers.text'",
        "no column 'idx.question'",
    ]


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@hypothesis.given(kind=st.sampled_from(sorted(KINDS)), value=_ANYTHING)
def test_any_value_is_taken_or_refused_in_words(kind, value):
    try:
        KINDS[kind](value, "x")
    except WrongCell as why:
        assert str(why).startswith("'x")
        assert len(str(why)) < 100
        str(why).encode()


@hypothesis.given(lines=st.lists(st.binary(max_size=40), max_size=6))
def test_every_line_of_any_file_is_used_or_named(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("any") / "train.jsonl"
    path.write_bytes(b"\n".join(line.replace(b"\n", b"") for line in lines))
    full = [line for line in path.read_bytes().split(b"\n") if line.removeprefix(b"\xef\xbb\xbf")]
    with suppress(NotRows):  # a JSON array is refused as a whole
        assert len(list(read_file(path, NLI))) <= len(full)


def test_the_wrong_data_set_is_reported_with_the_columns_missing(tmp_path):
    path = written(tmp_path / "train.jsonl", *[{"sentence": "x", "label": 0}] * 30)
    with pytest.raises(SpotError) as raised:
        check_file(path, NLI, "glue_mnli")
    message = str(raised.value)
    assert "30 of its first 30 rows" in message
    assert "no column 'premise'" in message
    assert "The first row has sentence, label" in message
    assert "spotfw tasks bind glue_mnli FOLDER" in message
    assert "\n" not in message


def test_the_wrong_labels_are_reported_when_they_are_most_rows(tmp_path):
    rows = [GOOD] * 4 + [{**GOOD, "label": 7}] * 6
    with pytest.raises(SpotError, match=r"6 of its first 10 rows.*the label 7.*\(6\).*line 5"):
        check_file(written(tmp_path / "train.jsonl", *rows), NLI, "glue_mnli")
    check_file(written(tmp_path / "train.jsonl", *rows[:7]), NLI, "glue_mnli")


def test_a_file_of_unlabelled_rows_is_reported(tmp_path):
    path = written(tmp_path / "test.jsonl", *[{**GOOD, "label": -1}] * 3)
    with pytest.raises(SpotError, match="has no labels: its first 3 rows"):
        check_file(path, NLI, "glue_mnli")


def test_an_empty_file_is_reported(tmp_path):
    (tmp_path / "train.jsonl").write_text("\n\n")
    with pytest.raises(SpotError, match="holds no rows"):
        check_file(tmp_path / "train.jsonl", NLI, "glue_mnli")


def test_what_cannot_be_opened_is_reported(tmp_path):
    with pytest.raises(SpotError, match="cannot be read: No such file"):
        list(read_file(tmp_path / "train.jsonl", NLI))


def test_a_split_s_file_under_several_names(tmp_path):
    assert find_file(tmp_path, "validation_matched", "validation") is None
    (tmp_path / "validation.jsonl").write_text("")
    assert find_file(tmp_path, "validation_matched", "validation").name == "validation.jsonl"
    (tmp_path / "validation_matched.jsonl").write_text("")
    file = find_file(tmp_path, "validation_matched", "validation")
    assert file.name == "validation_matched.jsonl"


def test_the_account_names_what_is_left_out(tmp_path, caplog):
    bad = [{**GOOD, "premise": ""}] * 25
    path = written(tmp_path / "train.jsonl", GOOD, *bad, {**GOOD, "label": -1}, *[GOOD] * 24)
    account = Account("toy", "train", NLI.labels)
    with caplog.at_level(logging.WARNING):
        for row in account.keep(read_file(path, NLI)):
            account.seen.add(NLI.labels[row.cells["label"]])
    assert (account.usable, account.unlabelled, len(account.unusable)) == (25, 1, 25)
    assert [row.line for row in account.unusable] == list(range(2, 27))
    unusable, unlabelled, unseen = caplog.messages
    assert "25 of 51 rows cannot be used" in unusable
    assert unusable.count("'premise' is blank") == 20
    assert unusable.endswith("; and 5 more.")
    assert "1 of 51 rows have the label -1" in unlabelled
    assert "no row with the label 'maybe' or 'no'" in unseen


def test_an_account_that_is_mostly_of_unusable_rows_is_refused(tmp_path):
    bad = [{**GOOD, "premise": ""}] * 3
    path = written(tmp_path / "train.jsonl", GOOD, *bad, {**GOOD, "label": -1}, GOOD)
    account = Account("toy", "train", NLI.labels)
    with pytest.raises(SpotError, match=r"fewer than half.*3 of 6 rows cannot be used.*:2: "):
        list(account.keep(read_file(path, NLI)))
    half = written(tmp_path / "half.jsonl", GOOD, *bad, {**GOOD, "label": -1}, GOOD, GOOD)
    assert len(list(Account("toy", "train", NLI.labels).keep(read_file(half, NLI)))) == 3


def test_the_account_tells_once_and_also_when_reading_stops_early(tmp_path, caplog):
    path = written(tmp_path / "train.jsonl", {**GOOD, "premise": ""}, GOOD, GOOD)
    for _ in range(2):
        reading = Account("toy", "train", NLI.labels).keep(read_file(path, NLI))
        next(reading)
        reading.close()
    assert len(caplog.messages) == 1
    assert "train.jsonl:1: 'premise' is blank" in caplog.messages[0]
