"""``spotfw library``: the prompt library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.library.exchange import export, import_, remove
from spotfw.cli.library.report import report
from spotfw.cli.options import (
    bare_listing,
    empty,
    filter_options,
    json_option,
    library_option,
    open_named,
)

if TYPE_CHECKING:
    from spotfw.library import Entry, Library
    from spotfw.prompts import SoftPrompt


@click.group(
    short_help="The prompt library: add, show, rank, verify, share.", invoke_without_command=True
)
@click.option("--library", "folder", metavar="DIR", help="As behind a command.")
@json_option
@click.pass_context
def library(context: click.Context, folder: str | None, as_json: bool) -> None:
    """The prompt library: task embeddings and the prompts they lead to.

    Without a command, its prompts are listed.
    """
    if folder is not None:
        context.default_map = {name: {"folder": folder} for name in library.commands}
    bare_listing(context, list_prompts, as_json)


for _command in (import_, export, remove, report):
    library.add_command(_command)


@library.command("list")
@click.argument("named", metavar="[LIBRARY]", required=False)
@library_option
@filter_options
@json_option
def list_prompts(named: str | None, folder: str, as_json: bool, **filters: Any) -> None:
    """The prompts, by task and seed.

    LIBRARY is as for --library: a folder, or the name of a model that comes with a library.

    \b
    Example:
      spotfw library list english --family sentiment
    """
    from spotfw.cli.display import note, print_json, print_table

    folder = named or folder
    entries = open_named(folder).entries(**filters)
    if as_json:
        print_json([_row(entry) for entry in entries])
    elif entries:
        names = ("id", "task", "family", "seed", "step", "score", "length", "model", "fingerprint")
        print_table(
            names,
            [[_row(entry)[name] for name in names] for entry in entries],
            whole=["id", "fingerprint"],
            common=["length", "model", "fingerprint"],
        )
    else:
        note(
            f"The library {folder} has no such prompt."
            if any(value is not None for value in filters.values())
            else empty(folder)
        )


@library.command()
@click.argument("prompt")
@library_option
@click.option("--embedding", metavar="FILE", help="The task embedding; by default PROMPT itself.")
@click.option("--task", metavar="T", help="The task, where the file does not say it.")
@click.option("--family", metavar="F", help="The task's family, where the file does not say it.")
@click.option(
    "--fingerprint",
    metavar="F",
    help="The frozen model's fingerprint, where the file does not say it.",
)
@json_option
def add(prompt: str, folder: str, embedding: str | None, as_json: bool, **facts: Any) -> None:
    """Add PROMPT and print its id.

    PROMPT is a prompt's file (.safetensors, .npy), a PEFT adapter's folder, or the folder of
    a finished run, whose best prompt and task embedding are added.
    """
    from spotfw.cli.display import print_json
    from spotfw.library.exchange import stated
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import library_named
    from spotfw.prompts import load_prompt

    best_path, embedding = _files_of_run(prompt, embedding)
    best = stated(load_prompt(best_path), facts)
    key = None if embedding is None else stated(load_prompt(embedding), facts)
    place = library_named(folder, default_plugins())
    id = place.add(best, key)
    if as_json:
        print_json({"id": id, "path": place.path(id)})
    else:
        say(id)


@library.command()
@click.argument("id", shell_complete=completion.ids)
@library_option
@json_option
def show(id: str, folder: str, as_json: bool) -> None:
    """All that is known of a prompt, by its id or the beginning of it."""
    from spotfw.cli.display import print_json, print_table

    place = open_named(folder)
    row = _row(place.get(id)) | {"path": place.path(place.get(id).id)}
    if as_json:
        print_json(row)
        return
    lines = []
    for name, value in row.items():
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items()) or None
        elif isinstance(value, (list, tuple)):
            value = ", ".join(map(str, value)) or None
        lines.append((name, None if value is None else str(value)))
    print_table(["", ""], lines)


@library.command()
@library_option
@json_option
@click.pass_context
def verify(context: click.Context, folder: str, as_json: bool) -> None:
    """Read every file and say what is wrong; exits with 1 if anything is."""
    from spotfw.cli.display import note, print_json, print_table

    place = open_named(folder)
    problems, leftovers = place.verify(), place.leftovers()
    if as_json:
        rows = [{"name": p.name, "what": p.what} for p in problems]
        print_json({"sound": not problems, "problems": rows, "leftovers": leftovers})
    elif problems:
        print_table(["file", "what is wrong"], [[p.name, p.what] for p in problems])
    else:
        note(f"The library {folder} is sound; prompts: {len(place.entries())}.")
    if leftovers:
        note(
            f"Files that a stopped writer left, which do no harm: {len(leftovers)}. `spotfw "
            "library remove --leftovers` takes them away."
        )
    context.exit(1 if problems else 0)


@library.command()
@click.argument("query", shell_complete=completion.ids)
@library_option
@click.option(
    "--metric",
    default="per_token_cosine",
    show_default=True,
    shell_complete=completion.parts("metric"),
    help="How embeddings compare: per_token_cosine, average_token_cosine, or another of `spotfw "
    "metrics`.",
)
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
@json_option
def rank(
    query: str,
    folder: str,
    metric: str,
    fingerprint: str | None,
    other_tasks: bool,
    by_task: bool,
    top: int | None,
    against: str | None,
    as_json: bool,
) -> None:
    """Rank the prompts by how alike their task embeddings are to QUERY.

    QUERY is a prompt's file, or the id of a prompt of the library, which is then left out
    itself. Only prompts of the same frozen model and length are compared.

    With --against, the whole ranking is compared with what the target is known to reach from
    each source; --json then gives {"ranking": ..., "scores": ...}.

    \b
    Example:
      spotfw library rank target.safetensors --by-task --against scores.csv
    """
    from spotfw.cli.display import note, print_json
    from spotfw.cli.library.scores import note_left_out, print_scores, read_scores
    from spotfw.plugins import default_plugins
    from spotfw.ranking.scores import evaluate_ranking

    place = open_named(folder)
    plugins = default_plugins()
    part = plugins.metric(metric)
    prompt, itself = _query(place, query)
    with plugins.blaming("metric", metric):
        ranking = place.rank(
            prompt,
            part,
            fingerprint,
            exclude_task=prompt.provenance.task if other_tasks else None,
            exclude_ids=itself,
            name=prompt.provenance.task or query,
        )
    if by_task:
        ranking = ranking.by_task()
    judged = None
    if against is not None and ranking:
        judged = evaluate_ranking(ranking, read_scores(against))
    ranking = ranking[:top]
    if as_json:
        rows = ranking.rows()
        scores = judged and judged.to_dict()
        print_json(rows if against is None else {"ranking": rows, "scores": scores})
    elif ranking:
        say(str(ranking))
        if judged is not None:
            print_scores(judged)
    if ranking:
        note_left_out(ranking)
    if not ranking:
        hint = ""
        if "of another model" in ranking.left_out and not (
            fingerprint or prompt.provenance.fingerprint
        ):
            hint = " QUERY names no frozen model; say which with --fingerprint."
        note(f"{ranking}.{hint}" if place.entries() else empty(folder))


def _query(place: Library, query: str) -> tuple[SoftPrompt, tuple[str, ...]]:
    """The embedding asked for, and the entry it belongs to, if any."""
    from spotfw import files
    from spotfw.prompts import load_prompt

    named = query.endswith((".safetensors", ".npy")) or os.sep in query
    if named or files.is_remote(query) or os.path.exists(query):
        return load_prompt(query), ()
    entry = place.get(query)
    return place.embedding(entry.id), (entry.id,)


def _files_of_run(prompt: str, embedding: str | None) -> tuple[str, str | None]:
    """The two files of a finished run's folder, or what was given."""
    from spotfw import files

    best, key = (files.join(prompt, f"{name}.safetensors") for name in ("best", "embedding"))
    if embedding is None and files.exists(best) and files.exists(key):
        return best, key
    return prompt, embedding


def _row(entry: Entry) -> dict[str, Any]:
    """An entry as plain values, all keys present."""
    import attrs

    facts = attrs.asdict(entry.provenance)
    facts["extra"].pop("embedding_id", None)  # already a key of the row
    return {
        "id": entry.id,
        "embedding_id": entry.embedding_id,
        "length": entry.length,
        "width": entry.width,
        **facts,
    }
