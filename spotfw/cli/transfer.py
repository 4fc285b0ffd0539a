"""``spotfw transfer``: start targets from the library's prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import (
    empty,
    given,
    json_option,
    metric_option,
    model_options,
    open_session,
    settings_options,
)
from spotfw.cli.own_data import column_options, is_data_task, print_sources, refuse_columns
from spotfw.config import TARGET_STEPS

if TYPE_CHECKING:
    from spotfw.recipe.session import Session
    from spotfw.recipe.transfer import TransferResult


@click.command(short_help="Start a target from the library's prompts.")
@click.argument(
    "targets",
    metavar="TARGET...",
    nargs=-1,
    required=True,
    shell_complete=completion.tasks,
)
@model_options(default="playground")
@click.option(
    "--library",
    "libraries",
    metavar="DIR",
    multiple=True,
    help="A library of source prompts: a folder, or the name of a model that comes with one; "
    "several are read as one [default: what comes with the model].",
)
@column_options
@click.option(
    "--strategy",
    default="best_of_top_k",
    show_default=True,
    shell_complete=completion.parts("strategy"),
    help="How to choose: best_of_top_k, top_k_weighted_average, top_k_multitask_mixture, oracle, "
    "none, or another of `spotfw strategies`.",
)
@click.option("-k", default=3, show_default=True, help="Sources the strategy may use.")
@metric_option
@click.option(
    "--embedding",
    metavar="FILE",
    help="The target's embedding [default: tune the target to its embedding step first].",
)
@click.option(
    "--mixture-steps",
    metavar="N",
    type=click.IntRange(1),
    help="Number of updates on a mixture of sources and target, which is tuned as a source is "
    "[default: the model's, else the paper's 262,144].",
)
@click.option("--out", metavar="DIR", help="Folder for all runs [default: below ./runs].")
@json_option
@settings_options(steps=TARGET_STEPS, own=True)
def transfer(
    targets: tuple[str, ...],
    model: str,
    libraries: tuple[str, ...],
    text_columns: tuple[str, ...],
    label_column: str | None,
    strategy: str,
    k: int,
    metric: str,
    embedding: str | None,
    mixture_steps: int | None,
    out: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Retrieve sources for each TARGET, choose among them, tune from each choice, keep the best.

    Targets are tuned for 100,000 steps (paper 3.1.2), unless --steps or the model says otherwise;
    `spotfw models show` has a model's own settings, which stand before the defaults below.
    A mixture is tuned as a source is; --steps does not hold for it, --mixture-steps does.
    Run the same command again after an interruption: finished runs are not run again, and
    an unfinished one goes on from its last checkpoint.

    A TARGET may also be a .csv, .tsv or .jsonl file of labelled texts. It is split, tuned from
    scratch and from the most similar prompts of -k tasks, for 300 steps each at most, and scored
    on rows kept aside.

    \b
    Example:
      spotfw library --help
      spotfw transfer my.csv -m english --text-column review --label-column stars
      spotfw transfer book_reviews hotel_reviews --library lib -k 2 --steps 300
    """
    from spotfw.cli.display import note, print_json
    from spotfw.errors import WrongUse
    from spotfw.prompts import load_prompt
    from spotfw.recipe.metrics import metrics_named
    from spotfw.recipe.progress.watch import Watch
    from spotfw.recipe.transfer import check_k

    check_k(k)
    sources, said = _sources(model, libraries, strategy)
    if any(map(is_data_task, targets)):
        _transfer_file(
            targets,
            (text_columns, label_column),
            open_session(model, sources, options, out or "runs"),
            {"strategy": strategy, "k": k, "metric": metric, "as_json": as_json},
            given(options),
            unfit={"--embedding": embedding, "--mixture-steps": mixture_steps},
            said=said,
        )
        return
    refuse_columns(targets[0], text_columns, label_column)
    if embedding is not None and len(targets) > 1:
        raise WrongUse(
            f"--embedding {embedding} is one target's, but {len(targets)} targets are named. "
            "Transfer to that one by itself."
        )
    session = open_session(model, sources, options)
    names = [session.task(target).name for target in targets]
    session.plugins.strategy(strategy)
    metrics_named(session.plugins, metric)
    settings = given(options)
    if said:
        note(said)
    results = []
    with Watch() as watch:
        for name in names:
            result = session.transfer(
                name,
                strategy=strategy,
                k=k,
                metric=metric,
                embedding=None if embedding is None else load_prompt(embedding),
                mixture=None if mixture_steps is None else {"steps": mixture_steps},
                out=out,
                observer=watch,
                **settings,
            )
            if k > len(result.ranking) and strategy not in ("oracle", "none"):
                note(f"-k {k} is more than the {len(result.ranking)} prompts that could be ranked.")
            for text in result.ranking.notes:
                note(text)
            facts = _facts(result) | {"strategy": strategy, "k": k, "metric": metric}
            results.append(facts)
            if not as_json:
                _print(facts)
    if as_json:
        print_json(results[0] if len(results) == 1 else results)


def _sources(
    model: str, libraries: tuple[str, ...], strategy: str
) -> tuple[tuple[str, ...] | None, str]:
    """What a session is given as its library, None for the model's own; and what to say of it.

    Raises:
      SpotError: a library is not there or empty; so it is before the model is opened.
      WrongUse: none is named, and none comes with the model.
    """
    from spotfw.errors import SpotError, WrongUse
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import libraries_named, released_libraries
    from spotfw.plugins.models import named_model

    plugins = default_plugins()
    if libraries:
        place = libraries_named(libraries, plugins, there=True)
        if place is not None and not place.entries() and strategy != "none":
            raise SpotError(empty(libraries[0]))
        return libraries, ""
    named = named_model(model, plugins)
    if named is None or named.library is None:
        others = " or ".join(f"--model {name}" for name in released_libraries(plugins))
        raise WrongUse(
            f"The model {model} comes with no library of prompts. Name one with --library DIR"
            + (f", or a model that comes with one: {others}." if others else ".")
        )
    place = libraries_named(named.name, plugins)
    count = len(place.entries()) if place is not None else 0
    return None, (
        f"Sources: the {count} prompts that come with the model {model} (see `spotfw library list "
        f"{model}`); --library names others."
    )


def _transfer_file(
    targets: tuple[str, ...],
    columns: tuple[tuple[str, ...], str | None],
    session: Session,
    choices: dict[str, Any],
    settings: dict[str, Any],
    unfit: dict[str, Any],
    said: str,
) -> None:
    """The transfer to a user's own file."""
    from spotfw.cli.display import note
    from spotfw.cli.own_data import own_task, transfer_own
    from spotfw.errors import WrongUse
    from spotfw.recipe.metrics import metrics_named

    if len(targets) > 1:
        raise WrongUse(
            f"A data file is transferred to by itself, but {len(targets)} targets are named. Run "
            "the command once for each."
        )
    for option, value in unfit.items():
        if value is not None:
            raise WrongUse(f"{option} does not go with a data file. Leave it out.")
    session.plugins.strategy(choices["strategy"])
    metrics_named(session.plugins, choices["metric"])
    session.settings(**settings)
    data = own_task(targets[0], *columns, session.runs)
    session.runs = str(data.task_file.parent)
    if said:
        note(said)
    transfer_own(session, targets[0], data, settings=settings, facts_of=_facts, **choices)


def _facts(result: TransferResult) -> dict[str, Any]:
    """What a transfer gave, as plain values."""
    from spotfw.contracts.candidates import describe

    names = result.ranking.names()
    return {
        "target": result.target,
        "score": result.score,
        "outcomes": [
            {
                "from": describe(outcome.candidate, names),
                "score": outcome.tuned.score,
                "step": outcome.tuned.best.provenance.step,
                "best": outcome is result.best,
                "ended": outcome.ended,
                "out": outcome.tuned.folder,
            }
            for outcome in result.outcomes
        ],
        "scratch": _scratch(result),
        "ranking": [
            {
                "rank": place,
                "id": entry.id,
                "task": entry.task,
                "seed": entry.seed,
                "similarity": entry.similarity,
            }
            for place, entry in enumerate(result.ranking, start=1)
        ],
        "measure": result.ranking.measure,
        "steps_paid": result.steps_paid,
        "races": list(result.races),
        "best_prompt": f"{result.best.tuned.folder}/best.safetensors",
    }


def _scratch(result: TransferResult) -> dict[str, Any] | None:
    """The target's tuning from scratch for its embedding, where there was one besides."""
    from spotfw.recipe.workbench import SCRATCH

    compared = {outcome.tuned.folder for outcome in result.outcomes}
    for run in result.runs:
        origin = run.best.provenance
        ours = origin.task == result.target and origin.started_from == SCRATCH
        if ours and run.folder not in compared:
            return {"score": run.score, "step": origin.step, "out": run.folder}
    return None


def _print(facts: dict[str, Any]) -> None:
    from spotfw.cli.display import print_table

    print_sources(facts)
    say()
    print_table(
        ["started from", "score", "step", ""],
        [
            [r["from"], r["score"], r["step"], "best" if r["best"] else r["ended"]]
            for r in facts["outcomes"]
        ]
        + [["scratch, for ranking", r["score"], r["step"], ""] for r in [facts["scratch"]] if r],
        title=f"{facts['target']}, tuned by {facts['strategy']}",
    )
    for race in facts["races"]:
        say(race)
    say(f"steps paid: {facts['steps_paid']:,}")
    say(f"best prompt: {facts['best_prompt']}")
