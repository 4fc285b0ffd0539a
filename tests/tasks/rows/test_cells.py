"""What a cell means: the table of docs/tasks.md, held to the code row by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spotfw.errors import SpotError, WrongUse
from spotfw.tasks.rows.cells import is_number, label_keys, refuse_listed, whole
from spotfw.tasks.rows.kinds import WrongCell
from spotfw.tasks.tables.source import read_task_rows
from tests.places import ROOT

KINDS = {
    "text": 'inputs = "{q}"\ntargets = "{cell}"',
    "input": 'inputs = "{cell}"\ntargets = "{q}"',
    "label": 'inputs = "{q}"\nlabel_column = "cell"\nlabels = ["no", "yes"]',
    "number": 'inputs = "{q}"\nlabel_column = "cell"\ntype = "regression"',
    "answers": 'inputs = "{q}"\nanswers_column = "cell"',
}


def documented() -> list[tuple[str, ...]]:
    page = (ROOT / "docs" / "tasks.md").read_text(encoding="utf-8")
    table = page.split("### What a cell means")[1].split("\n\n")[2]
    return [
        tuple(part.strip() for part in line.strip("|").split(" | "))
        for line in table.splitlines()[2:]
    ]


def read(folder: Path, kind: str, cell: str, form: str, toml: str = "") -> tuple[str, ...] | None:
    """What is learned of a row with this cell; None where it cannot be used."""
    if form == "JSON":
        data, good = f'{{"q": "what?", "cell": {cell}}}\n', '{"q": "who?", "cell": "0"}\n'
    else:
        data, good = f'q,cell\nwhat?,"{cell}"\n', "who?,0\n"
    suffix = {"JSON": "jsonl", "CSV": "csv"}[form]
    (folder / f"rows.{suffix}").write_text(data + good, encoding="utf-8")
    (folder / "t.toml").write_text(
        f'name = "t"\n{toml or KINDS[kind]}\n[splits]\ntrain = "rows.{suffix}"\n', encoding="utf-8"
    )
    row = read_task_rows(folder / "t.toml", "train").usable[0]
    if row.inputs == "who?" or row.inputs == "0":
        return None
    if kind == "input":
        return (row.inputs,)
    return row.answers or (row.targets,)


@pytest.mark.parametrize(("written", "form", "text", "label", "number", "answers"), documented())
def test_a_cell_means_what_the_page_says(tmp_path, written, form, text, label, number, answers):
    cell = written[1:-1]
    for kind, says in (
        ("input", text),
        ("label", label),
        ("number", number),
        ("answers", answers),
    ):
        expected = None if says == "-" else tuple(part.strip()[1:-1] for part in says.split(","))
        if kind == "input" and expected:
            expected = (says[1:-1],)
        assert read(tmp_path, kind, cell, form) == expected, kind


@pytest.mark.parametrize(
    ("labels", "cell", "word"),
    [
        ('["true", "false"]', "true", "true"),
        ('["True", "False"]', "false", "False"),
        ('["false", "true"]', "true", "true"),
        ('["false", "true"]', "1", "true"),
        ('["true", "false"]', "1", None),
        ('["no", "yes"]', "true", None),
        ('{"1" = "yes", "0" = "no"}', "true", None),
        ('{"true" = "yes", "false" = "no"}', "true", "yes"),
        ('{"true" = "yes", "false" = "no"}', '"true"', "yes"),
        ('{"1.0" = "low", "2.0" = "high"}', "1", "low"),
        ('{"1.0" = "low", "2.0" = "high"}', "1.0", "low"),
        ('{"1" = "low", "2" = "high"}', '"2.0"', "high"),
        ('{"0.5" = "low", "1.5" = "high"}', "1.5", "high"),
    ],
)
def test_labels_are_called_by_name(tmp_path, labels, cell, word):
    toml = f'inputs = "{{q}}"\nlabel_column = "cell"\nlabels = {labels}'
    rows = f'{{"q": "what?", "cell": {cell}}}\n'
    (tmp_path / "r.jsonl").write_text(rows)
    (tmp_path / "t.toml").write_text(f'name = "t"\n{toml}\n[splits]\ntrain = "r.jsonl"\n')
    if word is None:
        with pytest.raises(SpotError, match=r"the label .* is not among .*write labels = "):
            read_task_rows(tmp_path / "t.toml", "train")
    else:
        (row,) = read_task_rows(tmp_path / "t.toml", "train").usable
        assert row.targets == word


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ('["1.0", "2.0"]', "labels that are numbers themselves"),
        ('["0.5", "1.5"]', "labels that are numbers themselves"),
        ('{"1" = "a", "1.0" = "b"}', "1.0 and 1, one number, different words"),
    ],
)
def test_labels_that_are_numbers_are_told_apart_or_refused(tmp_path, labels, what):
    path = tmp_path / "t.toml"
    path.write_text(
        f'name = "t"\ninputs = "{{q}}"\nlabel_column = "c"\nlabels = {labels}\n'
        '[splits]\ntrain = "r.jsonl"\n'
    )
    with pytest.raises(WrongUse, match=what):
        read_task_rows(path, "train")


def test_a_label_in_other_capitals_gets_a_hint(tmp_path):
    rows = [{"q": "a", "cell": "Yes"}, {"q": "b", "cell": "yes"}]
    (tmp_path / "r.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "t.toml").write_text(f'name = "t"\n{KINDS["label"]}\n[splits]\ntrain = "r.jsonl"\n')
    (bad,) = read_task_rows(tmp_path / "t.toml", "train").unusable
    assert bad.reason == "the label 'Yes' is not among no, yes; did you mean 'yes'"


@pytest.mark.parametrize(
    "cell",
    [
        "['a', 'b']",
        '["it\'s"]',
        "['a' 'b']",
        "['a'\n 'b']",
        "[]",
        "[1, 2]",
        "[1. 2.5]",
        "('a', 'b')",
        "{'text': ['a'], 'answer_start': [1]}",
        "{'text': array(['a'], dtype=object)}",
        "array(['a'], dtype=object)",
        "{'a', 'b'}",
        "[None]",
        "[nan, 1.5]",
        "[True, False]",
    ],
)
def test_lists_that_a_program_wrote_as_text(cell):
    with pytest.raises(WrongCell, match="write JSON lines"):
        refuse_listed(cell, "answers")


@pytest.mark.parametrize("cell", ["[deleted]", "[MASK] it", "a [b]", "(see above)", "{x}", "'a'"])
def test_texts_with_brackets_are_texts(cell):
    refuse_listed(cell, "answers")


@pytest.mark.parametrize("cell", ["['" + "'" * 10**6, "('" + "'," * 10**6, "1" * 10**6 + "x"])
def test_a_cell_of_a_mebibyte_takes_no_time_beyond_its_length(cell):
    """Backtracking over quotation marks or figures would take hours."""
    refuse_listed(cell, "answers")
    assert not is_number(cell)
    assert label_keys(cell)


def test_in_csv_a_list_is_no_free_text_either(tmp_path):
    assert read(tmp_path, "text", "['a', 'b']", "CSV") is None
    assert read(tmp_path, "text", "\"['a', 'b']\"", "JSON") == ("['a', 'b']",)


def test_a_missing_cell_of_an_optional_column_is_nothing(tmp_path):
    toml = 'inputs = "{q}|{cell}"\ntargets = "{q}"\noptional_columns = ["cell"]'
    for cell in ("NaN", "null", '"nan"', '""'):
        (tmp_path / "r.jsonl").write_text(f'{{"q": "a", "cell": {cell}}}\n')
        (tmp_path / "t.toml").write_text(f'name = "t"\n{toml}\n[splits]\ntrain = "r.jsonl"\n')
        assert read_task_rows(tmp_path / "t.toml", "train").usable[0].inputs == "a|"


def test_whole_numbers():
    assert [whole(n) for n in ("1.0", "-0.0", "01.0", "1.5", "10.", "a")] == [
        *("1", "0", "01.0", "1.5", "10", "a")
    ]
    assert label_keys(True) == ("true", "True", "TRUE")
    assert label_keys(float("nan")) == label_keys(None) == ()
    assert [is_number(n) for n in ("1", "-.5", "1e3", "1_0", "nan", "\u0661", "")] == [
        *(True, True, True, False, False, False, False)
    ]
