"""``spotfw runs``: runs beside each other."""

from __future__ import annotations

import click

from spotfw.cli.options import json_option


@click.group(short_help="Runs: compare their settings and scores.")
def runs() -> None:
    """Runs that `spotfw tune`, `transfer` and studies have left in their folders."""


@runs.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True)
@json_option
def compare(folders: tuple[str, ...], as_json: bool) -> None:
    """A table of the runs in DIR..., the best score first: task, start, steps, and what differs.

    DIR is a run's folder, or one that holds several, such as ./runs. Of the settings, those that
    are not the same in all runs have a column.

    \b
    Example:
      spotfw runs compare runs
      spotfw runs compare runs/film runs/film-long --json
    """
    import attrs

    from spotfw.cli.display import print_json, print_table
    from spotfw.recipe.comparing import differing, read_runs

    known = read_runs(folders)
    names = differing(known)
    if as_json:
        rows = [attrs.asdict(run) | {"settings": dict(run.settings)} for run in known]
        print_json({"runs": rows, "differing": names})
        return
    known.sort(key=lambda run: (run.task, run.score is None, -(run.score or 0.0), run.folder))
    shown = [name for name in names if name != "steps"]
    print_table(
        ["run", "task", "model", "init", "step", "of", "score", "at step", *shown],
        [
            [
                *(run.folder, run.task, run.model, run.init),
                *(run.step, run.settings.get("steps"), run.score, run.best_step),
                *(run.settings.get(name) for name in shown),
            ]
            for run in known
        ],
        common=["task", "model", "init"],
    )
