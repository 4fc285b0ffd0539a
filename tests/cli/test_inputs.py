"""What a prompt is run on: lines of any encoding that says itself, and rows as they are learned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotfw.cli.inputs import read_inputs
from spotfw.cli.lines import lines_of
from spotfw.errors import UnknownName, WrongUse
from spotfw.tasks.tables.source import load_task_file, read_task_rows

TASK = """
name = "t"
inputs = "review: {text} {meta.place}"
label_column = "label"
labels = ["good", "bad"]
optional_columns = ["meta.place"]
[splits]
train = "rows.jsonl"
validation = "rows.jsonl"
"""


def test_a_row_is_read_as_it_is_for_a_tuning(tmp_path: Path) -> None:
    rows = [
        {"text": "fine", "meta": {"place": True}, "label": "good"},
        {"text": 1.0, "label": "bad"},
        {"text": "two  blanks", "meta": {"place": None}, "label": "bad"},
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "t.toml").write_text(TASK)
    (task,) = load_task_file(tmp_path / "t.toml")
    learned = [row.inputs for row in read_task_rows(tmp_path / "t.toml", "train").usable]
    assert learned == ["review: fine true", "review: 1.0 ", "review: two  blanks "]
    assert list(read_inputs(str(path), task, ()).texts) == learned


def test_rows_without_input_are_named_by_their_lines(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TASK)
    (task,) = load_task_file(tmp_path / "t.toml")
    bad = tmp_path / "in.jsonl"
    bad.write_bytes(
        b'{"tex": "a"}\n{"text": "x"}\n\n{"text": null}\n[1]\n{"text": ["a"]}\n\xff\n'
        b'{"text": NaN}\n{"text": " "}\n'
    )
    lines = read_inputs(str(bad), task, ())
    assert lines.sound == ["review: x "]
    assert lines.blank == [4, 8, 9] and not lines.undecodable
    assert lines.faults == {
        1: "no column 'text'",
        5: "not a JSON object",
        6: "'text' is a list",
        7: "not UTF-8 (byte 1)",
    }
    table = tmp_path / "in.csv"
    table.write_text("id,text\n1,fine\n2,nan\n3,\n")
    lines = read_inputs(str(table), task, ())
    assert lines.texts == ("review: fine ", "", "") and lines.blank == [3, 4]
    table.write_text("id,review\n1,fine\n")
    with pytest.raises(WrongUse, match=r"several columns \(text, meta\.place\), for which"):
        read_inputs(str(table), task, ["review"])


def test_a_file_without_the_column_is_reported(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(TASK.replace(" {meta.place}", "").replace("review", "film"))
    (task,) = load_task_file(tmp_path / "t.toml")
    table = tmp_path / "in.csv"
    table.write_text("id,words\n1,fine\n")
    with pytest.raises(UnknownName, match=r"Columns: id, words\. Name one with --text-column"):
        read_inputs(str(table), task, ())
    table.write_text("id,film\n1,fine\n")  # the column that the text begins with
    assert read_inputs(str(table), task, ()).sound == ["film: fine"]


def test_rows_of_nothing_known_need_a_task(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text("id,film\n1,fine\n")
    with pytest.raises(WrongUse, match="Name the task's file with --task"):
        read_inputs(str(table), None, ())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_lines_of_an_encoding_that_says_itself(encoding: str) -> None:
    assert lines_of("caf\u00e9\ntwo\n".encode(encoding)).texts == ("caf\u00e9", "two")


def test_ends_of_lines_and_nul() -> None:
    assert lines_of(b"a\r\nb\r\n").texts == ("a", "b")
    assert lines_of(b"a\rb\r").texts == ("a", "b")
    assert lines_of(b"a\rb\nc").texts == ("a\rb", "c")
    nul = lines_of(b"a\0\nb\n")
    assert nul.sound == ["b"] and nul.undecodable == [1]
    assert lines_of(b"\xff\xfeA").undecodable == [1]
