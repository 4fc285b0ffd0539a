"""Studies: the declaration, the ledger of cells, and the tables made of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import attrs

from benchmarks.campaigns import mutate
from benchmarks.campaigns.commands import cli
from benchmarks.campaigns.verdict import Format, Shown, WrongValue

_TOML = """\
name = "small"
model = "tiny"
sources = ["tiny_reviews.toml", "tiny_things.toml"]
targets = ["tiny_words.toml"]
seeds = [0, 1]
metrics = ["average_token_cosine"]
strategies = ["best_of_top_k", "top_k_weighted_average"]
ks = [1, 2]
oracle = true

[settings]
steps = 4
batch_size = 8
prompt_length = 4
checkpoint_every = 2
embedding_step = 2
learning_rate = 0.3

[mixture]
steps = 2

[benchmarks]
Words = ["tiny_words.toml"]

[[generic]]
name = "both"
tasks = ["tiny_reviews.toml", "tiny_things.toml"]
rates = [1.0, 2.0]

[open]
threads = 1
"""


@attrs.frozen
class Sound:
    """A study's declaration, and its folder with every cell done."""

    folder: Path
    rows: Any
    cells: tuple[str, ...]


def _prepare(folder: Path) -> Sound:
    from spotfw.study import plan, read_study
    from spotfw.study.grid import ledger
    from spotfw.study.rows import read_rows
    from spotfw.study.work.running import write_tables
    from spotfw.testing.tiny_tasks import write_tiny_tasks

    write_tiny_tasks(folder)
    (folder / "tiny").mkdir()
    (folder / "study.toml").write_text(_TOML.replace('"tiny"', f'"{folder / "tiny"}"'))
    study = read_study(folder / "study.toml")
    out = str(folder / "out")
    laid = plan(study, out)
    ledger.begin(out, study, laid.resolved)
    records = {}
    for number, cell in enumerate(laid.cells):
        records[cell.id] = ledger.record(out, cell, _result(cell, number))
    write_tables(laid, records)
    return Sound(folder, read_rows(out), tuple(cell.id for cell in laid.cells))


def _result(cell: Any, number: int) -> dict[str, Any]:
    if cell.kind == "similarities":
        sides = [
            {"task": "a", "family": "f", "seed": 0, "role": "source", "id": "x", "file": "y"},
            {"task": "b", "family": "f", "seed": 1, "role": "target", "id": "z", "file": "w"},
        ]
        return {"embeddings": sides, "pairs": [[0, 1, 0.5], [1, 0, 0.5]], "partial": False}
    run = {"folder": f"runs/r{number}", "steps": 4, "wall_seconds": 1.0, "cpu_seconds": 2.0}
    return {
        "parameters": 1000,
        "family": "sentiment",
        "source_id": f"{number:016x}",
        "step": 4,
        "steps": 4,
        "score": 60.0 + number,
        "scores": {"accuracy": 60.0 + number},
        "chosen": "tiny_reviews" if cell.kind == "strategy" else None,
        "candidates": 1,
        "folder": run["folder"],
        "embedding": f"runs/r{number}/embedding.safetensors",
        "final": f"runs/r{number}/best.safetensors",
        "runs": [run],
        "versions": json.dumps({"spotfw": "0.1.0"}),
    }


def _place(case: Path, sound: Sound) -> None:
    shutil.copytree(sound.folder, case, dirs_exist_ok=True)
    path = case / "study.toml"
    path.write_text(path.read_text().replace(str(sound.folder), str(case)))
    # The copy's model is another folder; its cells are those of the original.
    (case / "study.toml").write_text((sound.folder / "study.toml").read_text())


def _declared(random: Random, case: Path, sound: Sound) -> str:
    path = case / "study.toml"
    if random.random() < 0.1:
        return mutate.other_thing(random, path)
    data, what = mutate.toml_text(random, path.read_text())
    path.write_bytes(data)
    return what


def _take_declared(case: Path, _: Any) -> Shown:
    shown = cli("study", "plan", case / "study.toml", "--out", case / "new", "--json")
    if shown.status == 0:
        printed = cli("study", "plan", case / "study.toml", "--out", case / "new")
        return Shown(printed.status, printed.out, printed.err)
    return shown


def _cell(random: Random, case: Path, sound: Sound) -> str:
    name = random.choice((*(f"cells/{cell}.json" for cell in sound.cells), "study.json"))
    path = case / "out" / name
    if random.random() < 0.15:
        return mutate.pick(random, path, path.read_bytes())
    document = json.loads(path.read_text())
    if "result" in document and random.random() < 0.5:
        text, what = mutate.json_text(random, document["result"])
        kept = json.dumps({**document, "result": "HERE"}).encode()
        data = kept.replace(b'"HERE"', text)
    else:
        data, what = mutate.json_text(random, document)
    path.write_bytes(data)
    return f"{name[:40]}: {what}"


def _take_cell(case: Path, sound: Sound) -> Shown:
    """As `study report` goes on: plan, rows and similarities anew from the cells, the page."""
    from spotfw.study import plan, read_study
    from spotfw.study.grid import ledger
    from spotfw.study.work import results

    study = read_study(case / "study.toml")
    shown = cli("study", "plan", case / "study.toml", "--out", case / "out")
    laid = plan(study, str(case / "out"))
    ledger.begin(laid.folder, study, laid.resolved)
    rows = results.rows_of(laid, laid.records)
    results.similarities_of(laid, laid.records)
    for row in rows:
        if row.error is None and ledger.is_done(laid.records.get(_id(laid, row))):
            for field, kinds in (("score", (int, float)), ("step", (int,)), ("steps", (int,))):
                value = getattr(row, field)
                if not isinstance(value, kinds) or isinstance(value, bool):
                    raise WrongValue(f"a finished cell whose {field} is a {type(value).__name__}")
    from spotfw.study.work.running import write_tables

    write_tables(laid, laid.records)
    return shown


def _id(laid: Any, row: Any) -> str:
    wanted = ("kind", "task", "seed", "source", "source_seed", "strategy", "metric", "k")
    for cell in laid.cells:
        if all(cell.facts[w] == getattr(row, w) for w in wanted if w != "source"):
            return str(cell.id)
    return ""


def _table(random: Random, case: Path, sound: Sound) -> str:
    name = random.choice(("rows.csv", "rows.parquet", "similarities.csv", "similarities.parquet"))
    path = case / "out" / name
    data = path.read_bytes()
    if name.endswith(".csv") and random.random() < 0.6:
        rows = data.decode().split("\r\n")
        spot = random.randrange(len(rows) - 1)
        cells = rows[spot].split(",")
        cells[random.randrange(len(cells))] = str(
            random.choice((*mutate.TEXTS, *mutate.NUMBERS, "9" * 5000, '"', '"""'))
        )
        rows[spot] = ",".join(cells)
        path.write_bytes("\r\n".join(rows).encode("utf-8", "surrogatepass"))
        return f"{name}: a cell of line {spot + 1}"
    return mutate.pick(random, path, data)


def _take_table(case: Path, sound: Sound) -> None:
    from spotfw.errors import SpotError
    from spotfw.study.rows import read_rows, read_similarities

    out = case / "out"
    refused: SpotError | None = None
    for read, name in ((read_rows, "rows"), (read_similarities, "similarities")):
        for suffix in ("csv", "parquet"):
            try:
                for row in read(str(out / f"{name}.{suffix}")):
                    _kinds(row)
            except SpotError as error:
                refused = error
    if refused is not None:
        raise refused


def _kinds(row: Any) -> None:
    """A row's values are of the kinds its class says."""
    for field in attrs.fields(type(row)):
        value, kind = getattr(row, field.name), str(field.type)
        if value is None and "None" in kind:
            continue
        wanted = (
            (str,)
            if kind.startswith("str")
            else (int,)
            if kind.startswith("int")
            else (int, float)
            if kind.startswith("float")
            else (object,)
        )
        if not isinstance(value, wanted) or (isinstance(value, bool) and object not in wanted):
            raise WrongValue(f"a row whose {field.name} is a {type(value).__name__}")


FORMATS = (
    Format(
        name="study declaration",
        prepare=_prepare,
        place=_place,
        change=_declared,
        take=_take_declared,
    ),
    Format(
        name="study cells",
        prepare=_prepare,
        place=_place,
        change=_cell,
        take=_take_cell,
        share=1.5,
    ),
    Format(
        name="study tables",
        prepare=_prepare,
        place=_place,
        change=_table,
        take=_take_table,
        share=0.7,
    ),
)
