"""A stranger's file of labelled texts becomes a task, or it is said why not."""

from __future__ import annotations

import csv
import json
import os
import random
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.tasks.file_columns import Columns
from spotfw.tasks.tables.columns import choose_columns
from spotfw.tasks.tables.own_data import split_by_content, write_own_task
from spotfw.tasks.tables.source import load_task_file, read_task_rows


def rows(count: int, labels: tuple[str, ...] = ("Very good", "bad")) -> list[dict[str, Any]]:
    return [
        {"review": f"text {number}", "stars": labels[number % len(labels)], "id": number}
        for number in range(count)
    ]


def write(path: Path, content: list[dict[str, Any]]) -> Path:
    if path.suffix == ".csv":
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, list(content[0]))
            writer.writeheader()
            writer.writerows(content)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return path


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_becomes_a_task_with_its_parts(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"My shop{suffix}", rows(300))
    own = write_own_task(source, ["review"], "stars", tmp_path / "out")
    assert own.rows == {"train": 180, "validation": 60, "test": 60}
    assert own.labels == {"Very good": 150, "bad": 150}
    (task,) = load_task_file(own.task_file)
    assert (task.name, task.labels) == ("my_shop", ("Very good", "bad"))
    texts: dict[str, str] = {}
    for split, count in own.rows.items():
        usable = read_task_rows(own.task_file, split).usable
        assert len(usable) == count
        assert sum(row.targets == "bad" for row in usable) * 2 == count
        assert not texts.keys() & {row.inputs for row in usable}
        texts |= {row.inputs: row.targets for row in usable}
    assert texts == {f"review: {row['review']}": row["stars"] for row in rows(300)}
    assert "split by content" in own.describe()


def test_again_is_the_same_and_order_does_not_matter(tmp_path: Path) -> None:
    content = rows(50)
    first = write_own_task(write(tmp_path / "a.csv", content), ["review"], "stars", tmp_path)
    random.Random(3).shuffle(content)
    again = write_own_task(write(tmp_path / "a.csv", content), ["review"], "stars", tmp_path)
    assert again.task_file == first.task_file
    content.append({"review": "another", "stars": "bad", "id": 99})
    more = write_own_task(write(tmp_path / "a.csv", content), ["review"], "stars", tmp_path)
    assert more.task_file != first.task_file


def test_several_columns_and_cells_that_are_no_text(tmp_path: Path) -> None:
    content = [{"q": f"is {n} even?", "n": n, "even": n % 2 == 0} for n in range(20)]
    own = write_own_task(write(tmp_path / "n.jsonl", content), ["q", "n"], "even", tmp_path)
    assert own.labels == {"true": 10, "false": 10}
    inputs = {row.inputs for row in read_task_rows(own.task_file, "train").usable}
    assert inputs < {f"q: is {n} even? n: {n}" for n in range(20)}


def test_odd_labels_and_columns_survive_the_toml(tmp_path: Path) -> None:
    labels = ('say "no"', "a\\b", "grün {x}", "tab\there")
    content = [{"my {text}": f"t{n}", "l": labels[n % 4]} for n in range(40)]
    own = write_own_task(write(tmp_path / "x.jsonl", content), ["my {text}"], "l", tmp_path)
    (task,) = load_task_file(own.task_file)
    assert set(task.labels) == {" ".join(label.split()) for label in labels}
    row = read_task_rows(own.task_file, "train").usable[0]
    assert row.inputs.startswith("my {text}: t")


def test_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    content = rows(20)
    content[3]["review"] = "  "
    content[5]["stars"] = None
    content[7]["review"] = ["a", "list"]
    own = write_own_task(write(tmp_path / "a.jsonl", content), ["review"], "stars", tmp_path)
    assert [row.line for row in own.unusable] == [4, 6, 8]
    assert (
        "3 rows cannot be used: line 4: 'review' is blank; line 6: 'stars' is null"
        in own.describe()
    )


@pytest.mark.parametrize(
    ("content", "columns", "said"),
    [
        (rows(9), ("review", "stars"), "has 9 rows that can be used"),
        (rows(30, ("good",)), ("review", "stars"), "Every row .* has the label 'good'"),
        (rows(300), ("review", "id"), "300 different values"),
        ([*rows(20), {"review": "x", "stars": "rare", "id": 1}], ("review", "stars"), "one row"),
        ([{"review": None, "stars": "a"}] * 20 + rows(12), ("review", "stars"), "Most rows"),
    ],
    ids=["few", "one class", "many classes", "rare", "unusable"],
)
def test_what_cannot_be_learned_is_reported(
    tmp_path: Path, content: list[dict[str, Any]], columns: tuple[str, str], said: str
) -> None:
    source = write(tmp_path / "a.jsonl", content)
    with pytest.raises(SpotError, match=said):
        write_own_task(source, [columns[0]], columns[1], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_missing_value_as_data_frames_write_it_is_no_text(tmp_path: Path, suffix: str) -> None:
    content = rows(40)
    content[3]["review"], content[8]["stars"] = "nan", "NaN"
    own = write_own_task(write(tmp_path / f"a{suffix}", content), ["review"], "stars", tmp_path)
    assert sum(own.rows.values()) == 38 and set(own.labels) == {"Very good", "bad"}
    first = 2 if suffix == ".csv" else 1
    assert [(row.line, row.reason.split(",")[0]) for row in own.unusable] == [
        (3 + first, "'review' is 'nan'"),
        (8 + first, "'stars' is 'NaN'"),
    ]
    usable = [read_task_rows(own.task_file, split).usable for split in own.rows]
    assert sum(map(len, usable)) == 38


def test_a_pipe_is_no_data_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(SpotError, match=r"a\.csv cannot be read: it is a named pipe, not a file"):
        write_own_task(tmp_path / "a.csv", ["review"], "stars", tmp_path)


def test_columns_and_files_that_are_not_there(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", rows(20))
    with pytest.raises(UnknownName, match=r"'reviews'.*Did you mean 'review'"):
        write_own_task(source, ["reviews"], "stars", tmp_path)
    with pytest.raises(SpotError, match="cannot be read"):
        write_own_task(tmp_path / "no.csv", ["review"], "stars", tmp_path)
    with pytest.raises(WrongUse, match=r"\.csv, \.tsv or \.jsonl"):
        (tmp_path / "a.xlsx").write_bytes(b"PK")
        write_own_task(tmp_path / "a.xlsx", ["review"], "stars", tmp_path)
    (tmp_path / "b.csv").write_text("review;stars\na;b\n")
    with pytest.raises(SpotError, match="semicolons"):
        write_own_task(tmp_path / "b.csv", ["review"], "stars", tmp_path)


@hypothesis.given(st.lists(st.tuples(st.text(max_size=3), st.sampled_from("abc")), max_size=60))
def test_no_text_stands_in_two_parts_and_none_is_lost(pairs: list[tuple[str, str]]) -> None:
    parts = split_by_content(pairs)
    assert sorted(p for part in parts.values() for p in part) == sorted(pairs)
    texts = [{text for text, _ in part} for part in parts.values()]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_labels_mean_the_same_in_csv_and_json(tmp_path: Path) -> None:
    numbers = write_own_task(
        write(tmp_path / "a.csv", rows(30, ("1", "1.0", "0"))), ["review"], "stars", tmp_path
    )
    assert numbers.labels == {"1": 20, "0": 10}
    same = [{**r, "stars": v} for r, v in zip(rows(30), [1, 1.0, 0] * 10, strict=True)]
    as_json = write_own_task(write(tmp_path / "a.jsonl", same), ["review"], "stars", tmp_path)
    assert as_json.labels == numbers.labels and as_json.task_file == numbers.task_file
    (task,) = load_task_file(numbers.task_file)
    assert task.labels == ("1", "0")


def test_leading_zeros_are_another_label(tmp_path: Path) -> None:
    own = write_own_task(
        write(tmp_path / "a.csv", rows(30, ("01", "1"))), ["review"], "stars", tmp_path
    )
    assert own.labels == {"01": 15, "1": 15}


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_lists_are_no_labels(tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / f"a{suffix}", rows(30, ("['a']", "['b', 'c']")))
    with pytest.raises(SpotError, match=r"0 rows that can be used.* list or table"):
        write_own_task(source, ["review"], "stars", tmp_path)


def test_labels_that_differ_in_capitals_only_are_told(tmp_path: Path) -> None:
    source = write(tmp_path / "a.csv", rows(30, ("Yes", "yes", "no")))
    own = write_own_task(source, ["review"], "stars", tmp_path)
    assert own.labels == {"Yes": 10, "yes": 10, "no": 10}
    assert "capitals only are learned as different ones: 'Yes' and 'yes'." in own.describe()
    assert (
        "capitals"
        not in write_own_task(
            write(tmp_path / "b.csv", rows(30)), ["review"], "stars", tmp_path
        ).describe()
    )


@pytest.mark.parametrize(("mark", "word"), [("\t", "tabs"), ("|", "upright bars"), (";", "semi")])
def test_another_separator_is_named(tmp_path: Path, mark: str, word: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"review{mark}stars\n" + f"a text{mark}good\n" * 20)
    with pytest.raises(SpotError, match=f"has {word}"):
        write_own_task(path, ["review"], "stars", tmp_path)


def test_a_file_without_names_is_no_file_of_one_row_less(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "".join(f"this is text number {n},{'ham' if n % 2 else 'spam'}\n" for n in range(30))
    )
    with pytest.raises(WrongUse, match=r"seems to be a row .* 'spam' names a column"):
        choose_columns(path)
    # Named by hand, a column may be called as one of its labels is.
    path.write_text("review,spam\n" + path.read_text())
    assert choose_columns(path, ["review"], "spam").label == "spam"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"review,stars\n", "has no rows"),
        (b"", "has no rows"),
        (b"\x00\x01PK\x03", "is no text"),
        (b"review,stars\n1\n2\n", "No row of .* can be read: line 2: 1 cells"),
        (b"review,stars\n" + b"so good a thing,yes\nso bad one,no\n" * 2, "It has 4 rows, too few"),
    ],
)
def test_a_file_with_too_little_in_it_says_so(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(SpotError, match=message) as error:
        choose_columns(path)
    assert "none" not in str(error.value)


def test_a_text_with_two_labels_is_said(tmp_path: Path) -> None:
    content = [*rows(20), {"review": "text 0", "stars": "bad", "id": 20}]
    own = write_own_task(write(tmp_path / "a.csv", content), ["review"], "stars", tmp_path)
    assert "1 text stands there with more than one label, such as 'text 0' (Very good, bad)" in (
        own.describe()
    )


def test_a_label_of_a_single_row_is_named_with_its_line(tmp_path: Path) -> None:
    content = rows(20, ("billing", "delivery"))
    content[6]["stars"] = "Billing"
    with pytest.raises(SpotError) as error:
        write_own_task(write(tmp_path / "a.csv", content), ["review"], "stars", tmp_path / "out")
    assert "line 8: 'Billing' (did you mean 'billing'?)" in str(error.value)


def test_the_task_knows_the_columns_of_the_file_it_was_made_of(tmp_path: Path) -> None:
    content = [{'my "text"': f"t{n} of it", "n": n, "l": "ab"[n % 2]} for n in range(40)]
    own = write_own_task(write(tmp_path / "x.jsonl", content), ['my "text"', "n"], "l", tmp_path)
    (task,) = load_task_file(own.task_file)
    assert task.file_columns == Columns(('my "text"', "n"), "l")
    few = write(tmp_path / "few.jsonl", [{**row, "other": "x y z"} for row in content[:3]])
    assert choose_columns(few, learned=task.file_columns).texts == ('my "text"', "n")
    assert choose_columns(few, label_column="n", learned=task.file_columns).label == "n"
    texts = [{**row, "review": f"it is {row['review']}"} for row in rows(40)]
    other = write(tmp_path / "other.csv", texts)
    chosen = choose_columns(other, learned=task.file_columns)
    assert (chosen.texts, chosen.label) == (("review",), "stars")


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {"texts": "a", "label": "b"},
        {"texts": [], "label": ""},
        {"texts": ["a"], "label": 1},
    ],
)
def test_columns_that_a_file_of_anyone_says_wrongly(values: Any) -> None:
    assert Columns.from_dict(values) is None
