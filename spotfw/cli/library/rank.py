"""``spotfw library rank``: which prompts are most like a target's, and why."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.options import (
    empty,
    given,
    json_option,
    library_option,
    metric_option,
    open_named,
    settings_options,
)
from spotfw.cli.own_data import is_data_file
from spotfw.errors import SpotError, UnknownName, WrongUse, did_you_mean

if TYPE_CHECKING:
    from spotfw.library import Library
    from spotfw.prompts import SoftPrompt
    from spotfw.ranking import Ranking


@click.command()
@click.argument("query", shell_complete=completion.ids)
@library_option
@metric_option
@click.option(
    "--model",
    "-m",
    metavar="NAME|DIR",
    help="Frozen model; QUERY is then a task, and metrics may look at its examples.",
)
@click.option("--backend", metavar="NAME", help="The engine, NAME[:key=value,...], with --model.")
@click.option("--explain", is_flag=True, help="Every signal of each source, why, and its cost.")
@click.option(
    "--fingerprint", metavar="F", help="The frozen model's fingerprint, where QUERY names none."
)
@click.option("--other-tasks", is_flag=True, help="Leave out prompts of QUERY's own task.")
@click.option("--by-task", is_flag=True, help="Each task once, by its mean similarity.")
@click.option("--top", metavar="N", type=click.IntRange(1), help="Only the first N.")
@click.option(
    "--against",
    metavar="FILE",
    help="Known transfer results, a CSV with the columns task (or id) and score.",
)
@settings_options(("steps", "embedding_step", "batch_size", "prompt_length", "seed"))
@json_option
def rank(
    query: str,
    folder: str,
    metric: str,
    model: str | None,
    backend: str | None,
    explain: bool,
    fingerprint: str | None,
    other_tasks: bool,
    by_task: bool,
    top: int | None,
    against: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Rank the prompts by how alike their task embeddings are to QUERY.

    QUERY is a prompt's file, a finished run's folder, or the id of a prompt of the library, which
    is then left out itself. Only prompts of the same frozen model and length are compared. With
    --model it is a task, and the settings are those of its tunings: where a metric compares with
    its embedding, it is tuned to that first.

    --explain shows what each metric says of a source, and what it costs, in forward passes of
    one example: those that ranking it took, and those that tuning from it would take.

    With --against, the whole ranking is compared with what the target is known to reach from
    each source; --json then gives {"ranking": ..., "scores": ...}.

    \b
    Example:
      spotfw library rank target.safetensors --by-task --against scores.csv
      spotfw library rank my.toml -m playground --metric zero_step_loss --explain
    """
    from spotfw.cli.display import note, print_json, print_table
    from spotfw.cli.library.scores import note_left_out, print_scores, read_scores
    from spotfw.ranking.scores import evaluate_ranking

    place = open_named(folder)
    query = _embedding_of_run(query)
    if model is not None:
        ranking = _for_task(query, metric, (model, folder), backend, given(options))
    else:
        _refuse_without_model(query, backend=backend, **options)
        few = None if by_task or explain or against else top
        ranking, fingerprint = _for_prompt(place, query, metric, fingerprint, other_tasks, few)
    if by_task:
        ranking = ranking.by_task()
    judged = None
    if against is not None and ranking:
        judged = evaluate_ranking(ranking, read_scores(against))
    ranking = ranking[:top]
    if explain and against is None:
        explanation = ranking.explain()
        if as_json:
            print_json(explanation.rows())
        elif ranking:
            columns, cells = explanation.table()
            print_table(columns, cells, title=explanation.title)
    elif as_json:
        rows = ranking.rows()
        scores = judged and judged.to_dict()
        print_json(rows if against is None else {"ranking": rows, "scores": scores})
    elif ranking:
        columns, cells = ranking.table()
        print_table(columns, cells, title=ranking.title, whole=["id"])
        if judged is not None:
            print_scores(judged)
    if ranking:
        note_left_out(ranking)
    if not ranking:
        hint = ""
        if model is None and "of another model" in ranking.left_out and not fingerprint:
            hint = " QUERY names no frozen model; say which with --fingerprint."
        note(f"{ranking}.{hint}" if place.entries() else empty(folder))


def _refuse_without_model(query: str, **options: Any) -> None:
    """Refuses options that only a task has."""
    for name, value in options.items():
        if value is not None:
            option = f"--{name.replace('_', '-')}"
            raise WrongUse(
                f"{option} is for a task as QUERY, on a model. Name the model with --model, or "
                f"leave {option} out for the prompt {query}."
            )


def _for_task(
    query: str,
    metric: str,
    place: tuple[str, str],
    backend: str | None,
    settings: dict[str, Any],
) -> Ranking:
    """The ranking for a task on a model; `place` is the model and the library's folder.

    Raises:
      WrongUse: there is nothing to compare with.
    """
    from spotfw.cli.options import open_session

    session = open_session(*place, {"backend": backend})
    ranking = session.rank(query, metric, **settings)
    if not ranking and ranking.notes:
        raise WrongUse(f"{ranking}. {' '.join(ranking.notes)}")
    return ranking


def _for_prompt(
    place: Library,
    query: str,
    metric: str,
    fingerprint: str | None,
    other_tasks: bool,
    top: int | None,
) -> tuple[Ranking, str | None]:
    """The ranking for a prompt, and the fingerprint of its model."""
    from spotfw.plugins import default_plugins
    from spotfw.recipe.metrics import fused, metric_names, metrics_named

    plugins = default_plugins()
    metrics_named(plugins, metric)  # before a file is read
    prompt, itself = _query(place, query)
    origin = prompt.provenance

    def rank(name: str) -> Ranking:
        with plugins.blaming("metric", name):
            return place.rank(
                prompt,
                plugins.metric(name),
                fingerprint,
                exclude_task=origin.task if other_tasks else None,
                exclude_ids=itself,
                name=origin.task or query,
                top=top if len(metric_names(metric)) == 1 else None,
            )

    return fused(metric, rank), fingerprint or origin.fingerprint


def _embedding_of_run(query: str) -> str:
    """The task embedding's file of a finished run whose folder is named, else what is named."""
    from spotfw import files

    embedding = files.join(query, "embedding.safetensors")
    return embedding if os.path.isfile(embedding) else query


def _query(place: Library, query: str) -> tuple[SoftPrompt, tuple[str, ...]]:
    """The embedding asked for, and the entry it belongs to, if any."""
    from spotfw import files
    from spotfw.prompts import load_prompt

    named = query.endswith((".safetensors", ".npy")) or os.sep in query
    no_prompt = query.endswith(".toml") or is_data_file(query)
    if not no_prompt and (named or files.is_remote(query) or os.path.exists(query)):
        return load_prompt(query), ()
    try:
        entry = place.get(query)
    except UnknownName as error:
        raise _no_prompt(place, query, error) from None
    return place.embedding(entry.id), (entry.id,)


def _no_prompt(place: Library, query: str, error: UnknownName) -> WrongUse:
    """The error that QUERY is no prompt: how to rank for a task, where it is one."""
    from spotfw.plugins import default_plugins

    plugins = default_plugins()
    try:
        name = plugins.task(query).name
    except SpotError as unknown:
        if is_data_file(query):
            return WrongUse(str(unknown))
        hint = did_you_mean(query, [task.name for task in plugins.tasks()])
        error.args = (f"{error} To rank for a task, name the model with --model.{hint}",)
        return error
    entries = place.entries()
    models = [entry.provenance.model or "NAME" for entry in entries] or ["NAME"]
    words = ["spotfw", "library", "rank", query, "--model", max(models, key=models.count)]
    if place.name != "library":
        words += ["--library", place.name]
    own = [entry.id[:8] for entry in entries if entry.provenance.task == name]
    of_it = f" The library's own prompts of it are {', '.join(own[:5])}." if own else ""
    return WrongUse(
        f"{query} is a task, and without --model QUERY is a prompt. `{shlex.join(words)}` tunes it "
        f"to its embedding first, and ranks for that.{of_it}"
    )
