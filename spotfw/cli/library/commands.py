"""``spotfw library``: the prompt library."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.library.exchange import export, import_, remove
from spotfw.cli.library.hub import pull, push
from spotfw.cli.library.rank import rank
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
    from spotfw.library import Entry


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


for _command in (import_, export, remove, push, pull, rank, report):
    library.add_command(_command)


@library.command("list")
@click.argument("named", metavar="[LIBRARY]", required=False)
@library_option
@filter_options
@json_option
def list_prompts(named: str | None, folder: str, as_json: bool, **filters: Any) -> None:
    """The prompts, by task and seed.

    LIBRARY is as for --library: a folder, hf://USER/NAME, or the name of a model that comes with a
    library.

    \b
    Example:
      spotfw library list english --family sentiment
    """
    from spotfw.cli.display import note, print_json, print_table

    if named is None and _not_begun(folder):
        if as_json:
            print_json([])
        note(_how_to_begin(folder))
        return
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


def _not_begun(folder: str) -> bool:
    """Whether no library was named, and there is none of the name that is the default."""
    source = click.get_current_context().get_parameter_source("folder")
    return source in (None, ParameterSource.DEFAULT) and not os.path.exists(folder)


def _how_to_begin(folder: str) -> str:
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import released_libraries

    others = ", ".join(
        f"`spotfw library list {name}`" for name in released_libraries(default_plugins())
    )
    return (
        f"No prompts yet: there is no folder ./{folder}. `spotfw tune TASK --out DIR --library "
        f"{folder}` begins it." + (f" Prompts that come with a model: {others}." if others else "")
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


@library.command(short_help="Read every file and say what is wrong.")
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
