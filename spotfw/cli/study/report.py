"""``spotfw study report``: tables, figures and one page of a study's results."""

from __future__ import annotations

import click

from spotfw.cli.display import note, say
from spotfw.cli.options import json_option


@click.command("report", short_help="Write tables, figures and one page of the results.")
@click.argument("study", metavar="STUDY.toml")
@click.option(
    "--out", metavar="DIR", help="The study's folder [default: ./NAME-study for NAME.toml]."
)
@json_option
def report(study: str, out: str | None, as_json: bool) -> None:
    """Write report/index.html, report/tables and report/figures into the study's folder.

    The page needs no network. A study that is not finished is reported as far as it is.

    \b
    Example:
      spotfw study run miniature.toml
      spotfw study report miniature.toml
    """
    from spotfw import files
    from spotfw.cli.display import Progress, print_json, print_table
    from spotfw.errors import SpotError
    from spotfw.plugins import default_plugins
    from spotfw.study.findings.arithmetic import models
    from spotfw.study.grid.declaration import read_study
    from spotfw.study.grid.names import by_name
    from spotfw.study.report.results import figure_count
    from spotfw.study.report.write import write_report
    from spotfw.study.rows import ROWS, SIMILARITIES, read_rows, read_similarities

    declared = read_study(study)
    folder = out or declared.default_folder

    def has(table: str) -> bool:
        return files.exists(files.join(folder, f"{table}.csv"))

    if not has(ROWS):
        raise SpotError(
            f"There are no rows of the study {study} in the folder {folder}. Run it first with "
            f"`spotfw study run {study}`, or name its folder with --out."
        )
    rows = read_rows(folder)
    similarities = read_similarities(folder) if has(SIMILARITIES) else ()
    declared = by_name(declared, default_plugins(), {row.task for row in rows})
    figures = 1 + figure_count(similarities, len(models(rows)))
    with Progress("report", figures, unit="figures") as bar:
        made = write_report(
            declared, folder, rows, similarities, progress=lambda done, total: bar.update(done)
        )
    if as_json:
        print_json(
            {
                "page": made.page,
                "cells": {
                    c.kind: {
                        "asked": c.asked,
                        "done": c.done,
                        "failed": c.failed,
                        "missing": c.missing,
                    }
                    for c in made.covered
                },
                "headlines": [
                    {"model": results.model, "what": what, "number": number, "remark": remark}
                    for results in made.results
                    for number, what, remark in results.headlines
                ],
                "tables": made.tables,
                "figures": made.figures,
                "left_out": made.left_out,
            }
        )
        return
    for results in made.results:
        compared = {row[0].text for row in results.selection.rows}
        shown = [results.selection]
        # Of generic prompts and all weights there is no choice to compare, but a score.
        if {row[0].text for row in results.methods.rows} - compared:
            shown.insert(0, results.methods)
        for table in shown:
            print_table(
                table.columns,
                [[cell.text for cell in row] for row in table.rows],
                title=table.title,
            )
            say()
    if missing := ", ".join(f"{c.missing} {c.kind}" for c in made.covered if c.missing):
        note(f"The study is not finished; cells not run yet: {missing}.")
    for name, why in made.left_out.items():
        note(f"{name} is left out: {why}.")
    say(f"page: {made.page}")
