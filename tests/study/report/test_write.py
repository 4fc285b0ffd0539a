"""The report of small made-up studies: whole, partly finished, hostile, of several models."""

from __future__ import annotations

import contextlib
import csv
import html.parser
import json
import re
from pathlib import Path
from typing import Any

import attrs
import pytest

from benchmarks.made_up_study import SOURCES, TARGETS, made_up
from spotfw.cli import run
from spotfw.errors import SpotError
from spotfw.study.grid.declaration import Study, parse_study
from spotfw.study.report.drawing import Drawing, file_name
from spotfw.study.report.write import Report, names_for_files, write_report
from spotfw.study.rows import Row, write_rows, write_similarities

FEW = {"sources": list(SOURCES)[1:5], "targets": list(TARGETS)[6:8], "seeds": [0, 1]}


class Page(html.parser.HTMLParser):
    """What stands in a page: ids, tables, figures, addresses, unclosed tags."""

    VOID = frozenset({"meta", "link", "br", "wbr", "img", "hr", "input"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tables: list[str] = []
        self.figures: list[str] = []
        self.addresses: list[str] = []
        self.scripts = 0
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag not in self.VOID:
            self.open.append(tag)
        self.scripts += tag == "script"
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "table":
            self.tables.append(values.get("data-table") or "")
        if tag == "figure":
            self.figures.append(values.get("data-figure") or "")
        self.addresses += [values[k] or "" for k in ("href", "src", "xlink:href") if k in values]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("study")
    study, rows, similarities = made_up(**FEW)
    return write_report(study, str(folder), rows, similarities)


def test_the_page_holds_every_table_and_figure(made: Report) -> None:
    text = Path(made.page).read_text("utf-8")
    page = Page(text)
    assert page.open == []
    assert {"table1", "table3", "table4", "table5", "correlation", "retrieval"} <= set(page.tables)
    assert {"ranking-1", "ranking-2", "coverage", "settings", "versions"} <= set(page.tables)
    metrics = ("average_token_cosine", "per_token_cosine")
    figures = {f"figure{n}_{m}" for n in (3, 4, 6) for m in metrics} | {"score_by_k"}
    assert set(page.figures) == figures
    assert len(page.ids) == len(set(page.ids))
    assert "the study has one model" in text and "figure1" in made.left_out


def test_the_page_needs_no_network(made: Report) -> None:
    page = Page(Path(made.page).read_text("utf-8"))
    for address in page.addresses:
        assert address.startswith(("#", "data:", "figures/", "../runs/")), address
        if address.startswith("#"):
            assert address[1:] in page.ids
        if address.startswith("figures/"):
            assert Path(made.page).with_name("figures").joinpath(address[8:]).is_file()


def test_files_stand_beside_the_page(made: Report) -> None:
    assert all(Path(place).stat().st_size for place in (*made.tables, *made.figures))
    with Path(made.page).parent.joinpath("tables", "table4.csv").open() as stream:
        lines = list(csv.reader(stream))
    assert lines[0][:3] == ["source", f"{FEW['targets'][0]}_mean", f"{FEW['targets'][0]}_std"]
    assert [line[0] for line in lines[1:]] == ["from scratch", *FEW["sources"]]


def test_failures_are_reported_with_their_errors(made: Report) -> None:
    text = Path(made.page).read_text("utf-8")
    assert "Matthews correlation of a constant prediction" in text
    assert "&lt;glue_cola&gt;" in text and "<glue_cola>" not in text
    assert next(c for c in made.covered if c.kind == "transfer").failed == 1


@pytest.mark.slow
def test_the_same_rows_give_the_same_bytes(made: Report, tmp_path: Path) -> None:
    study, rows, similarities = made_up(**FEW)
    again = write_report(study, str(tmp_path), rows, similarities)
    for old, new in zip(
        (made.page, *made.tables, *made.figures),
        (again.page, *again.tables, *again.figures),
        strict=True,
    ):
        assert Path(old).read_bytes() == Path(new).read_bytes(), old


def test_a_study_that_has_only_begun(tmp_path: Path) -> None:
    study, rows, _ = made_up(**FEW)
    report = write_report(study, str(tmp_path), [r for r in rows if r.kind == "baseline"][:1], [])
    text = Path(report.page).read_text("utf-8")
    assert "The study is not finished" in text and "No rankings: " in text
    assert Page(text).open == []
    with pytest.raises(SpotError, match="no finished or failed cell"):
        write_report(study, str(tmp_path), [], [])


def test_names_are_escaped_everywhere(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>$x$\"'&"
    study, rows, similarities = made_up(**FEW)
    target, source = FEW["targets"][0], FEW["sources"][0]
    names = {target: evil, source: f"{evil} source"}
    rows = [
        attrs.evolve(
            row,
            task=names.get(row.task, row.task),
            source=names.get(row.source or "", row.source),
            family=evil,
            folder=f'runs/"><b>{row.seed}',
            versions=json.dumps({evil: evil}),
            error=evil if row.error else None,
        )
        for row in rows
    ]
    similarities = [
        attrs.evolve(
            pair,
            metric=f"{pair.metric}/<b>",
            task_a=names.get(pair.task_a, pair.task_a),
            task_b=names.get(pair.task_b, pair.task_b),
            family_a=evil,
        )
        for pair in similarities
    ]
    study = attrs.evolve(study, name=evil)
    page = Page(
        Path(write_report(study, str(tmp_path), rows, similarities).page).read_text("utf-8")
    )
    assert page.scripts == 1 and page.open == []


@pytest.mark.slow
def test_several_models_have_figure_one_and_tables_of_their_own(tmp_path: Path) -> None:
    models = [("small", 77_000_000), ("dir/base", 250_000_000)]
    study, rows, similarities = made_up(**FEW, models=models)
    report = write_report(study, str(tmp_path), rows, similarities)
    page = Page(Path(report.page).read_text("utf-8"))
    assert "figure1" in page.figures
    # A made-up study has no runs to read curves from.
    assert set(report.left_out) == {"learning_curves-small", "learning_curves-base"}
    assert {"table3-small", "table3-base"} <= set(page.tables)
    assert len(page.ids) == len(set(page.ids))
    assert len(set(report.tables)) == len(report.tables)


def _methods(*models: tuple[str, int]) -> list[Row]:
    """Rows of a study of methods alone, as the paper's section 2."""
    rows = []
    for place, (model, size) in enumerate(models):
        scratch = Row(kind="baseline", task="t", model=model, parameters=size, score=50.0 + place)
        both = {"parameters": size, "task_parameters": size, "source": "ModelTuning"}
        rows += [
            attrs.evolve(scratch, task_parameters=2048),
            attrs.evolve(scratch, kind="generic", source="from a mixture", score=60.0 + place),
            attrs.evolve(scratch, kind="model tuning", **both, score=70.0 + place),
        ]
    return rows


def _study_of_methods(**changes: Any) -> Study:
    generic = {"name": "from a mixture", "tasks": ["a", "b"]}
    tuning = [{}, {"name": "Multi-task ModelTuning", "tasks": ["b", "c"]}]
    declared = {"targets": ["t"], "seeds": [0], "generic": [generic], "model_tuning": tuning}
    return parse_study({"name": "s", **declared, **changes})


def test_a_study_of_methods_opens_with_table_1(tmp_path: Path) -> None:
    report = write_report(
        _study_of_methods(), str(tmp_path), _methods(("playground", 1_017_600)), []
    )
    text = Path(report.page).read_text("utf-8")
    page = Page(text)
    assert page.tables[0] == "table1" and "table3" not in page.tables
    assert "What each strategy gives" not in text and ">Methods</h2>" in text
    # The tasks of both mixtures, each once.
    assert "3 source tasks, 1 target task, 1 seed" in text
    lines = Path(tmp_path, "report", "tables", "tasks.csv").read_text().splitlines()
    assert lines == [
        *("method,t", "from scratch,50.0", "SPoT from a mixture,60.0", "ModelTuning,70.0")
    ]
    assert ">1,017,600</td>" in text and ">2048</td>" in text
    # Of all weights there is nothing to say of fewer.
    assert ">1.0</td>" not in text


def test_headlines_of_several_models_stand_under_their_names(tmp_path: Path) -> None:
    models = [("playground-32/mesh", 100_000), ("playground-64/mesh", 300_000)]
    study = _study_of_methods(models=[name for name, _ in models])
    report = write_report(study, str(tmp_path), _methods(*models), [])
    text = Path(report.page).read_text("utf-8")
    assert re.findall(r"<h2>([^<]*)</h2><div class=\"tiles\"><div class=tile><b>([^<]*)", text) == [
        ("Model playground-32/mesh, 100,000 weights", "50.0"),
        ("Model playground-64/mesh, 300,000 weights", "51.0"),
    ]
    assert text.count('<div class="tiles">') == 2 and Page(text).open == []
    names = {Path(place).name for place in report.tables}
    assert {"table1-playground-32.csv", "table1-playground-64.csv"} <= names


@pytest.mark.parametrize(
    ("models", "names"),
    [
        (["small", "dir/base"], ["small", "base"]),
        (["gaps/huggingface", "adapted/model", "playground"], ["gaps", "adapted", "playground"]),
        (["a/mesh", "a/huggingface/"], ["mesh", "huggingface"]),
        (["a/x/mesh", "b/x/mesh"], ["a_x", "b_x"]),
        (["mesh", "/m/model"], ["mesh", "m"]),
        (["gs://b/m", "gs:/b//m"], ["1-m", "2-m"]),
    ],
)
def test_files_of_models_go_by_names_that_differ(models: list[str], names: list[str]) -> None:
    assert names_for_files(models) == names


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, rows, similarities = made_up(**FEW)
    place = tmp_path / "s.toml"
    place.write_text(
        f'name = "s"\nmodel = "t5_base"\nsources = {json.dumps(FEW["sources"])}\n'
        f"targets = {json.dumps(FEW['targets'])}\nseeds = [0, 1]\n"
    )
    folder = tmp_path / "out"
    assert run(["study", "report", str(place), "--out", str(folder)]) == 1
    assert "no rows of the study" in capsys.readouterr().err

    few = [row for row in rows if row.kind == "baseline"]
    # Where no pyarrow loads, the CSV is written all the same.
    with contextlib.suppress(SpotError):
        write_rows(str(folder), few)
    with contextlib.suppress(SpotError):
        write_similarities(str(folder), similarities[:0])
    assert run(["study", "report", str(place), "--out", str(folder), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert Path(document["page"]).is_file()
    assert document["cells"]["baseline"] == {"asked": 4, "done": 4, "failed": 0, "missing": 0}
    assert document["headlines"][0]["what"] == "from scratch"
    assert run(["study", "report", str(place), "--out", str(folder)]) == 0
    assert "cells not run yet: 8 source" in capsys.readouterr().err


def test_methods_beside_the_strategies_are_printed_and_in_the_headlines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, rows, _ = made_up(**FEW)
    place = tmp_path / "s.toml"
    place.write_text(
        f'name = "s"\nmodel = "t5_base"\nsources = {json.dumps(FEW["sources"])}\n'
        f"targets = {json.dumps(FEW['targets'])}\nseeds = [0, 1]\n"
    )
    few = [row for row in rows if row.kind == "baseline"]
    weights = {"kind": "model tuning", "source": "ModelTuning", "score": 99.5}
    few += [attrs.evolve(row, **weights) for row in few]
    with contextlib.suppress(SpotError):  # where no pyarrow loads
        write_rows(str(tmp_path / "out"), few)
    words = ["study", "report", str(place), "--out", str(tmp_path / "out")]
    assert run([*words, "--json"]) == 0
    by_what = {h["what"]: h for h in json.loads(capsys.readouterr().out)["headlines"]}
    assert by_what["ModelTuning"]["number"] == "99.5"
    assert by_what["ModelTuning"]["remark"] == "average of 2 targets"
    assert run(words) == 0
    shown = capsys.readouterr().out
    assert shown.index("Average score of each method") < shown.index("What each strategy gives")
    assert "ModelTuning" in shown and "99.5 ± 0.0" in shown


def test_inlined_figures_keep_to_themselves() -> None:
    svg = (
        b'<?xml version="1.0"?><svg width="10pt" height="20pt" viewBox="0 0 10 20" version="1.1">'
        b'<defs><path id="p"/></defs><use href="#p" clip-path="url(#q)" style="fill: #24292e"/>'
        b"</svg>"
    )
    text = Drawing(name="f", title="", svg=svg).inline()
    assert text.startswith("<svg ") and "10pt" not in text and "20pt" not in text
    assert re.findall(r'id="[^"]*"', text) == ['id="f-p"']
    assert 'href="#f-p"' in text and "url(#f-q)" in text and "currentColor" in text


def test_file_names() -> None:
    assert file_name("a/b c<d>") == "a_b_c_d"
    assert file_name("../..") == "unnamed"
