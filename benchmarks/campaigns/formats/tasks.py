"""Tasks of a user's own: the TOML, its rows in JSONL, CSV and TSV, folders bound to tasks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_TOML = """\
[[task]]
name = "mine"
family = "sentiment"
description = "Reviews of films"
inputs = "review: {text} of {film}"
label_column = "label"
labels = ["negative", "positive"]
metrics = ["accuracy"]
strict = false
[task.splits]
train = ["train.jsonl", "more.csv"]
validation = "validation.tsv"

[[task]]
name = "questions"
inputs = "question: {text}"
answers_column = "film"
optional_columns = ["film"]
splits = {train = "train.jsonl"}

[[task]]
name = "grades"
inputs = "{text}"
type = "regression"
label_column = "grade"
round_to = 0.2
splits = {train = "train.jsonl", test = "validation.tsv"}

[[mixture]]
name = "both"
tasks = ["mine", "questions"]
rates = [1.0, 2.0]
"""
_ROWS = [
    {
        "text": f"it was {word} number {n}",
        "film": f"the film {n}",
        "label": label,
        "grade": n / 10,
    }
    for n in range(20)
    for word, label in (("good", "positive"), ("bad", "negative"))
]
_COLUMNS = ("text", "film", "label", "grade")


def _prepare(folder: Path) -> Path:
    (folder / "t").mkdir()
    place = folder / "t"
    (place / "tasks.toml").write_text(_TOML)
    (place / "train.jsonl").write_text("\n".join(json.dumps(row) for row in _ROWS) + "\n")
    for name, mark in (("more.csv", ","), ("validation.tsv", "\t")):
        lines = [mark.join(_COLUMNS)]
        lines += [mark.join(str(row[c]) for c in _COLUMNS) for row in _ROWS]
        (place / name).write_text("\n".join(lines) + "\n")
    return place


def _place(case: Path, sound: Path) -> None:
    shutil.copytree(sound, case / "t")


def _toml(random: Random, case: Path, sound: Path) -> str:
    path = case / "t" / "tasks.toml"
    if random.random() < 0.1:
        return mutate.other_thing(random, path)
    data, what = mutate.toml_text(random, _TOML)
    path.write_bytes(data)
    return what


def _take_toml(case: Path, _: Any) -> Shown:
    from spotfw.tasks.tables.source import load_file, read_task_rows

    path = case / "t" / "tasks.toml"
    shown = cli("tasks", "show", f"{path}:mine")
    for task in load_file(path):
        splits = getattr(task, "splits", None) or ()
        for split in splits:
            for row in read_task_rows(path, split, task.name).usable:
                if mutate.SECRET in row.inputs + row.targets:
                    raise WrongValue("rows from outside of the task's folder")
    return shown


def _rows(random: Random, case: Path, sound: Path) -> str:
    name = random.choice(("train.jsonl", "more.csv", "validation.tsv"))
    path = case / "t" / name
    data = path.read_bytes()
    if random.random() < 0.2:
        return mutate.pick(random, path, data)
    lines = data.split(b"\n")
    changes = []
    for _ in range(random.choice((1, 1, 2, 5))):
        spot = random.randrange(1, len(lines) - 1)
        if name.endswith("jsonl") and random.random() < 0.7:
            lines[spot], what = mutate.json_text(random, _ROWS[spot % len(_ROWS)])
        else:
            lines[spot], what = mutate.damaged(random, lines[spot])
        changes.append(f"line {spot + 1}: {what[:60]}")
    if random.random() < 0.1:
        lines.insert(1, b'"' * random.choice((1, 2**21)))
        changes.append("quotes")
    path.write_bytes(b"\n".join(lines))
    return f"{name} {'; '.join(changes)}"


def _take_rows(case: Path, _: Any) -> Shown:
    from spotfw.errors import SpotError
    from spotfw.tasks.tables.source import read_task_rows

    path = case / "t" / "tasks.toml"
    known = {f"review: {row['text']} of {row['film']}": row["label"] for row in _ROWS}
    refused: SpotError | None = None
    text = ""
    for split in ("train", "validation"):
        try:
            rows = read_task_rows(path, split, "mine")
        except SpotError as error:
            refused = error
            continue
        text += "".join(str(row) for row in rows.unusable)[:5000]
        for row in rows.usable:
            row.inputs.encode()
            if row.targets not in ("negative", "positive"):
                raise WrongValue("an answer that is no label")
            if row.inputs in known and known[row.inputs] != row.targets:
                answer = json.dumps(row.targets)
                lines = "".join(
                    p.read_text(errors="replace") for p in (case / "t").iterdir() if p.is_file()
                )
                if answer.strip('"') not in lines:
                    raise WrongValue("another answer than the row's")
    if refused is not None:
        raise refused
    return Shown(0, text, "")


def _bound_prepare(folder: Path) -> Path:
    place = folder / "sst2"
    place.mkdir()
    for split in ("train", "validation"):
        rows = [
            {"sentence": f"it was {w} {n}", "label": label, "idx": n}
            for n in range(20)
            for w, label in (("good", 1), ("bad", 0))
        ]
        (place / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return place


def _bound_place(case: Path, sound: Path) -> None:
    shutil.copytree(sound, case / "sst2")
    kept = case / "config" / "spotfw"
    kept.mkdir(parents=True)
    (kept / "bindings.json").write_text(json.dumps({"glue_sst2": str(case / "sst2")}))


def _bound_change(random: Random, case: Path, sound: Path) -> str:
    if random.random() < 0.4:
        path = case / "config" / "spotfw" / "bindings.json"
        data = path.read_bytes()
        if random.random() < 0.3:
            return mutate.pick(random, path, data)
        text, what = mutate.json_text(random, json.loads(data))
        path.write_bytes(text)
        return f"bindings: {what}"
    path = case / "sst2" / random.choice(("train.jsonl", "validation.jsonl"))
    data = path.read_bytes()
    if random.random() < 0.3:
        return mutate.pick(random, path, data)
    lines = data.split(b"\n")
    spot = random.randrange(len(lines) - 1)
    lines[spot], what = mutate.json_text(random, json.loads(lines[spot]))
    path.write_bytes(b"\n".join(lines))
    return f"{path.name}: {what}"


def _bound_take(case: Path, _: Any) -> Shown:
    from spotfw.tasks.bindings import bindings
    from spotfw.tasks.rows.bound import Schema, find_file, read_file

    shown = cli("tasks", "show", "glue_sst2")
    bindings()
    schema = Schema(
        columns={"sentence": "str", "label": "label", "idx": "int32"}, labels=("bad", "good")
    )
    for split in ("train", "validation"):
        path = find_file(case / "sst2", split)
        for row in read_file(path, schema) if path is not None else ():
            str(row).encode()
    return shown


FORMATS = (
    Format(name="task file", prepare=_prepare, place=_place, change=_toml, take=_take_toml),
    Format(
        name="rows",
        prepare=_prepare,
        place=_place,
        change=_rows,
        take=_take_rows,
        share=1.5,
    ),
    Format(
        name="bound folder",
        prepare=_bound_prepare,
        place=_bound_place,
        change=_bound_change,
        take=_bound_take,
        share=0.7,
    ),
)
