"""Encodings of files of rows, and files that as a whole hold none."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.tasks.rows import opening
from spotfw.tasks.rows.records import LONGEST_LINE
from spotfw.tasks.tables.source import read_task_rows

ROWS = [{"text": "schön", "label": "positive"}, {"text": "häßlich", "label": "negative"}]
JSONL = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)
CSV = "text,label\nschön,positive\nhäßlich,negative\n"


def rows_of(folder: Path, data: bytes, suffix: str = "jsonl") -> Any:
    (folder / f"train.{suffix}").write_bytes(data)
    path = folder / "task.toml"
    path.write_text(
        'name = "t"\ninputs = "{text}"\nlabel_column = "label"\n'
        f'labels = ["negative", "positive"]\n[splits]\ntrain = "train.{suffix}"\n'
    )
    return read_task_rows(path, "train")


@pytest.mark.parametrize("suffix", ["jsonl", "csv"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-be"]
)
def test_a_mark_of_byte_order_is_followed(tmp_path, encoding, suffix):
    text = JSONL if suffix == "jsonl" else CSV
    mark = "\ufeff" if encoding.endswith("be") else ""
    rows = rows_of(tmp_path, (mark + text).encode(encoding), suffix)
    assert [row.inputs for row in rows.usable] == ["schön", "häßlich"]
    assert not rows.unusable


def test_utf_16_across_the_pieces_that_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "_CHUNK", 7)
    many = "".join(f'{{"text": "\U0001f600 {i}", "label": 1}}\n' for i in range(50))
    rows = rows_of(tmp_path, many.encode("utf-16"))
    assert [row.inputs for row in rows.usable] == [f"\U0001f600 {i}" for i in range(50)]


def test_utf_16_without_a_mark_is_refused_with_the_command(tmp_path):
    for encoding, name in (("utf-16-le", "UTF-16LE"), ("utf-16-be", "UTF-16BE")):
        with pytest.raises(
            SpotError, match=rf"is not UTF-8.*iconv -f {name} -t UTF-8 .*train\.csv"
        ):
            rows_of(tmp_path, CSV.encode(encoding), "csv")


def test_utf_16_that_breaks_off(tmp_path):
    with pytest.raises(SpotError, match=r"train\.csv begins as UTF-16 and is none near byte"):
        rows_of(tmp_path, CSV.encode("utf-16")[:-1], "csv")


@pytest.mark.parametrize(
    ("suffix", "place"), [("jsonl", r":1: not UTF-8 \(byte 14\)"), ("csv", r":2: .*\(byte 4 of")]
)
def test_latin_1_is_refused_with_line_byte_and_command(tmp_path, suffix, place):
    data = (JSONL if suffix == "jsonl" else CSV).encode("latin-1")
    with pytest.raises(SpotError) as caught:
        rows_of(tmp_path, data, suffix)
    message = str(caught.value)
    assert "2 of 2 rows cannot be used" in message
    assert re.search(place, message)
    assert f"iconv -f WINDOWS-1252 -t UTF-8 {tmp_path / f'train.{suffix}'}" in message


def test_names_of_columns_in_latin_1(tmp_path):
    with pytest.raises(SpotError, match=r"is not UTF-8: line 1, which names its columns.*iconv"):
        rows_of(tmp_path, "größe,text,label\na,b,positive\n".encode("latin-1"), "csv")


@pytest.mark.parametrize("layout", [{}, {"indent": 1}, {"separators": (",\n", ": ")}])
def test_a_json_array_is_refused_and_the_command_makes_lines_of_it(tmp_path, layout):
    data = json.dumps(ROWS * 50, **layout).encode()
    with pytest.raises(SpotError, match="is a JSON array of rows, not JSON lines") as caught:
        rows_of(tmp_path, data)
    code = str(caught.value).split('python -c "')[1].split('"')[0]
    file = tmp_path / "train.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert len(rows_of(tmp_path, done.stdout.encode()).usable) == 100


def test_an_array_in_a_line_that_is_too_long(tmp_path):
    data = json.dumps([{"text": "x" * LONGEST_LINE, "label": 1}]).encode()
    with pytest.raises(SpotError, match="is a JSON array of rows"):
        rows_of(tmp_path, b"\n" + data)


def test_a_json_object_over_several_lines(tmp_path):
    with pytest.raises(SpotError, match=r"rows cannot be used: .*:1: not valid JSON"):
        rows_of(tmp_path, json.dumps({"data": ROWS}, indent=2).encode())


def test_lines_that_are_lists_are_no_objects(tmp_path):
    with pytest.raises(SpotError, match=r"2 of 2 rows cannot be used.*not a JSON object"):
        rows_of(tmp_path, b'["a", "positive"]\n["b", "negative"]\n')


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (gzip.compress(JSONL.encode(), mtime=0), "compressed by gzip"),
        (b"PK\x03\x04" + bytes(30), "a zip archive"),
        (b"PAR1" + bytes(30), "a Parquet file"),
    ],
    ids=["gzip", "zip", "parquet"],
)
def test_what_is_no_text_is_named(tmp_path, data, what):
    for suffix in ("jsonl", "csv"):
        with pytest.raises(SpotError, match=f"train.{suffix} is {what}.*, not text. Save its rows"):
            rows_of(tmp_path, data, suffix)


def test_semicolons(tmp_path):
    with pytest.raises(SpotError, match="has semicolons between its columns"):
        rows_of(tmp_path, b"text;label\na;positive\n", "csv")


@given(st.lists(st.integers(0, 1), min_size=1, max_size=12))
def test_a_split_needs_half_of_its_rows(tmp_path_factory, good):
    lines = [b'{"text": "a", "label": %d}' % (1 if usable else 7) for usable in good]
    folder = tmp_path_factory.mktemp("half")
    if 2 * sum(good) >= len(good):
        assert len(rows_of(folder, b"\n".join(lines)).usable) == sum(good)
    else:
        with pytest.raises(SpotError, match=f"{len(good) - sum(good)} of {len(good)} rows"):
            rows_of(folder, b"\n".join(lines))
