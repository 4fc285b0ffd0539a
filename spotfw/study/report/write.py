"""Writes a study's report: the page, the tables and the figures beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from spotfw import files
from spotfw.errors import SpotError
from spotfw.study.findings.arithmetic import models
from spotfw.study.findings.coverage import Coverage, coverage
from spotfw.study.findings.tables import Table
from spotfw.study.grid.declaration import Study
from spotfw.study.report.drawing import Drawing, file_name
from spotfw.study.report.lines import size_figure
from spotfw.study.report.page import page
from spotfw.study.report.results import Results, figure_count, results
from spotfw.study.rows import Row, Similarity

#: The report's place in a study's folder.
REPORT = "report"

#: Last names of models' folders that do not tell one model from another.
_KINDS = ("mesh", "huggingface", "model")


@attrs.frozen(kw_only=True)
class Report:
    """What was written.

    Attributes:
      page: path of index.html.
      tables, figures: paths of their files.
      left_out: figures that could not be made: name -> why.
      covered: how much of the study is done.
      results: of each model.
    """

    page: str
    tables: tuple[str, ...]
    figures: tuple[str, ...]
    left_out: dict[str, str]
    covered: tuple[Coverage, ...]
    results: tuple[Results, ...]


def write_report(
    study: Study,
    folder: str,
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Writes ``report/`` into a study's folder; files of an earlier report are replaced.

    Args:
      study: what was asked for.
      folder: the study's.
      rows, similarities: what there is of it; a part will do.
      progress: called with the figures made so far and in all.

    Raises:
      SpotError: there are no rows, or a file cannot be written.
    """
    if not rows:
        raise SpotError(
            f"The study in {folder} has no finished or failed cell yet, so that there is nothing "
            "to report. Run it with `spotfw study run`, or name its folder with --out."
        )
    names = models(rows)
    total, done = 1 + figure_count(similarities, len(names)), 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    by_model = [results(study, rows, similarities, name, tick, folder) for name in names]
    if len(names) > 1:
        by_model = [
            _with_own_names(model, name)
            for model, name in zip(by_model, names_for_files(names), strict=True)
        ]
    by_size = size_figure(rows)
    tick()
    covered = coverage(study, rows)
    base = files.join(folder, REPORT)
    drawings = [by_size, *(drawing for model in by_model for drawing in model.drawings())]
    written: list[str] = []
    for drawing in drawings:
        for kind, data in (("svg", drawing.svg), ("png", drawing.png)):
            if data is not None:
                written.append(files.join(base, "figures", f"{drawing.name}.{kind}"))
                files.write_atomically(written[-1], data)
    tables: list[str] = []
    for table in (table for model in by_model for table in model.tables()):
        for kind, text in (("csv", table.to_csv()), ("md", table.to_markdown())):
            tables.append(files.join(base, "tables", f"{table.name}.{kind}"))
            files.write_atomically(tables[-1], text.encode())
    place = files.join(base, "index.html")
    files.write_atomically(place, page(study, rows, covered, by_model, by_size).encode())
    return Report(
        page=place,
        tables=tuple(tables),
        figures=tuple(written),
        left_out={d.name: d.why for d in drawings if d.why is not None},
        covered=tuple(covered),
        results=tuple(by_model),
    )


def names_for_files(models: Sequence[str]) -> list[str]:
    """A name for the files of each model, of its own among them.

    A folder's last name; the one above where the last says only what kind of folder it is; more of
    the path, and at last a number, where others share it.
    """
    split = [list(filter(None, model.split("/"))) or [model] for model in models]
    bare = [parts[:-1] if len(parts) > 1 and parts[-1] in _KINDS else parts for parts in split]
    for paths in (bare, split):
        for count in range(1, max(map(len, paths)) + 1):
            endings = [file_name("/".join(parts[-count:])) for parts in paths]
            if len({ending.casefold() for ending in endings}) == len(endings):
                return endings
    return [f"{place}-{file_name(parts[-1])}" for place, parts in enumerate(split, 1)]


def _with_own_names(results: Results, name: str) -> Results:
    """A model's tables and figures under names of their own, where there are several models."""
    ending = f"-{name}"

    def table(given: Table) -> Table:
        return attrs.evolve(
            given, name=f"{given.name}{ending}", title=f"{given.title} ({results.model})"
        )

    def drawing(given: Drawing) -> Drawing:
        return attrs.evolve(
            given, name=f"{given.name}{ending}", title=f"{given.title} ({results.model})"
        )

    return attrs.evolve(
        results,
        methods=table(results.methods),
        selection=table(results.selection),
        transfers=table(results.transfers),
        gains=table(results.gains),
        by_task=table(results.by_task),
        parameters=table(results.parameters),
        retrieval=table(results.retrieval),
        correlation=table(results.correlation),
        rankings={target: table(ranking) for target, ranking in results.rankings.items()},
        by_k=drawing(results.by_k),
        curves=drawing(results.curves),
        heatmaps=tuple(map(drawing, results.heatmaps)),
        scatters=tuple(map(drawing, results.scatters)),
    )
