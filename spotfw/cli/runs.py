"""``spotfw runs``: runs beside each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from spotfw import files
from spotfw.cli.display import say
from spotfw.cli.listing_group import ListingGroup
from spotfw.cli.options import bare_listing, json_option

if TYPE_CHECKING:
    from spotfw.recipe.comparing import RunFacts

#: Where runs lie whose place was not named.
_RUNS = "runs"

#: Settings with a column each; more stand in a table of their own.
_COLUMNS = 2

#: Columns that are said once where all runs agree.
_COMMON = ("task", "model", "engine", "started from")


@click.group(
    cls=ListingGroup,
    listing="compare",
    short_help="Runs: compare their settings and scores.",
    invoke_without_command=True,
)
@json_option
@click.pass_context
def runs(context: click.Context, as_json: bool) -> None:
    """Runs that `spotfw tune`, `transfer` and studies have left in their folders.

    Without a command, those below ./runs are compared.
    """
    bare_listing(context, compare, as_json)


@runs.command(short_help="A table of runs, the best score first.")
@click.argument("folders", metavar="[DIR]...", nargs=-1)
@json_option
def compare(folders: tuple[str, ...] = (), as_json: bool = False) -> None:
    """A table of the runs in DIR..., the best score first: task, start, steps, and what differs.

    DIR is a run's folder, or one that holds several [default: ./runs]. Of the settings, those that
    are not the same in all runs are shown.

    \b
    Example:
      spotfw runs compare runs
      spotfw runs compare runs/film runs/film-long --json
    """
    import attrs

    from spotfw.cli.display import note, print_json
    from spotfw.recipe.comparing import differing, differing_of_one_kind, read_runs

    none_yet = not folders and not os.path.isdir(_RUNS)
    known = [] if none_yet else read_runs(folders or (_RUNS,))
    names = differing(known)
    if as_json:
        rows = [attrs.asdict(run) | {"settings": dict(run.settings)} for run in known]
        print_json({"runs": rows, "differing": names})
    elif none_yet:
        note(
            f"There are no runs below ./{_RUNS} yet. `spotfw tune film_reviews --steps 120 --out "
            f"{_RUNS}/film` makes one; of runs elsewhere, name the folder: `spotfw runs compare "
            "DIR`."
        )
    else:
        known.sort(key=lambda run: (run.task, run.score is None, -(run.score or 0.0), run.folder))
        shown = differing_of_one_kind(known)
        _print(known, [name for name in shown if name != "steps"])
        if set(names) - {"steps", *shown}:
            note(
                "Settings that differ between models or methods only are left out; --json has them."
            )


def _print(known: Sequence[RunFacts], differing: Sequence[str]) -> None:
    from spotfw.cli.display import has_room, print_table

    above = _above([run.folder for run in known])
    columns = [*_COMMON, "steps", "score", "at step"]
    rows = [
        [
            *(run.task, run.model, run.engine, _start(run)),
            *(_steps(run), run.score, run.best_step),
        ]
        for run in known
    ]
    names = [[_name(run, above)] for run in known]
    settings = [[run.settings.get(name) for name in differing] for run in known]
    aside = len(differing) > _COLUMNS or not has_room(
        ["run", *columns, *differing], _beside(names, rows, settings), _COMMON
    )
    print_table(
        ["run", *columns, *([] if aside else differing)],
        _beside(names, rows) if aside else _beside(names, rows, settings),
        title=f"Runs below {above}" if above else None,
        common=_COMMON,
    )
    if aside and differing:
        # Beside the scores they would be a strip of many lines.
        usual = _usual(known, differing)
        say()
        if usual:
            say(f"Unless it is said below: {_pairs(usual)}", wrapped=True)
        others = [[_name(run, above), _settings(run, differing, usual)] for run in known]
        others = [row for row in others if row[1]]
        if others:
            print_table(["run", "settings that differ"], others)


def _beside(*tables: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Tables of as many rows, one to the right of the other."""
    return [[cell for row in rows for cell in row] for rows in zip(*tables, strict=True)]


def _start(run: RunFacts) -> str:
    """What a prompt started from; of all weights the model, or the run that tuned it before."""
    from spotfw.recipe.adaptation import ADAPTATION
    from spotfw.recipe.model_run_folder import ABOUT, METHOD, MODEL

    purpose = run.init.partition(",")[0]
    kind = {METHOD: "all weights", ADAPTATION: "LM adaptation"}.get(purpose)
    if kind is None:
        return run.source or run.init
    start = "the model"
    if os.path.isfile(os.path.join(run.model, ABOUT)):
        start = run.model.removesuffix(os.sep + MODEL)
    return f"{start} ({kind})"


def _name(run: RunFacts, above: str) -> str:
    return os.path.relpath(run.folder, above) if above else run.folder


def _above(folders: Sequence[str]) -> str:
    """The folder that all lie in, which need not be said of each; empty where there is none."""
    if len(folders) < 2 or any(map(files.is_remote, folders)):
        return ""
    with contextlib.suppress(ValueError):  # absolute and relative ones
        above = os.path.commonpath(folders)
        return "" if above in folders else above
    return ""


def _steps(run: RunFacts) -> str:
    """How many steps it has had, of those asked for where these are more."""
    asked = run.settings.get("steps")
    done = f"{run.step:,}"
    return done if asked is None or asked <= run.step else f"{done} of {asked:,}"


def _usual(known: Sequence[RunFacts], differing: Sequence[str]) -> dict[str, Any]:
    """Settings that more than half of the runs share, which need not be said of each."""
    usual = {}
    for name in differing:
        values = [run.settings.get(name) for run in known]
        value = max(values, key=values.count)
        if value is not None and 2 * values.count(value) > len(known):
            usual[name] = value
    return usual


def _settings(run: RunFacts, differing: Sequence[str], usual: Mapping[str, Any]) -> str:
    """Those of the settings that the run has, and has not as usual, in one cell."""
    values = {name: run.settings.get(name) for name in differing}
    return _pairs({k: v for k, v in values.items() if v is not None and v != usual.get(k)})


def _pairs(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
