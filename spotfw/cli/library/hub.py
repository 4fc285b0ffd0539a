"""``spotfw library push`` and ``pull``: libraries on the Hugging Face hub."""

from __future__ import annotations

from typing import Any

import click

from spotfw.cli.display import say
from spotfw.cli.options import filter_options, json_option, library_option, open_named


@click.command(short_help="Add prompts to the library NAME on the Hugging Face hub.")
@click.argument("name")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@library_option
@filter_options
@click.option(
    "--licence",
    "--license",
    metavar="L",
    help="Of the prompts, as the hub writes it: apache-2.0, cc-by-4.0. By default what the page "
    "says already, else unknown.",
)
@click.option("--base-model", metavar="M", help="The frozen model on the hub, for the page.")
@click.option("--private", is_flag=True, help="Where the repository is made now: not public.")
@click.option("--dry-run", is_flag=True, help="Print the page and send nothing.")
@json_option
def push(
    name: str,
    ids: tuple[str, ...],
    folder: str,
    licence: str | None,
    base_model: str | None,
    private: bool,
    dry_run: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Add prompts to the library NAME on the Hugging Face hub.

    NAME is hf://USER/NAME, or USER/NAME. The prompts are those whose ID is given, or all that the
    filters let through. Nothing there is overwritten: a file is named by its content. The page
    (README.md) lists tasks, models, scores and licences; it is written anew unless its owner wrote
    another. A prompt's file says what it was learned from: the model as it was named, perhaps a
    folder of yours. Log in first with `hf auth login`.

    \b
    Example:
      spotfw library push me/my --licence mit --base-model google/flan-t5-base
    """
    from spotfw.cli.display import note, print_json
    from spotfw.library.hub import hub_place
    from spotfw.library.hub_library import push as push_entries

    place = open_named(folder)
    entries = place.entries(**filters)
    if ids:
        entries = [place.get(id, entries) for id in ids]
    pushed = push_entries(
        place,
        entries,
        name,
        licence=licence,
        base_model=base_model,
        private=True if private else None,
        dry_run=dry_run,
    )
    where = str(hub_place(name))
    if as_json:
        print_json(
            {
                "library": where,
                "page": pushed.page or None,
                "ids": [entry.id for entry in entries],
                "new_files": list(pushed.names),
                "prompts": len(pushed.entries),
                "card": pushed.card,
            }
        )
    elif dry_run:
        say(pushed.card or "")
        note(f"Nothing was sent. {len(entries)} prompts, {len(pushed.names)} files for {where}.")
    else:
        note(
            f"Prompts pushed to {where}: {len(entries)}, of which {len(pushed.names)} files are "
            f"new; {len(pushed.entries)} prompts are there now: {pushed.page}"
        )
        if pushed.card is None:
            note("Its README.md is its owner's own and was left as it is.")


@click.command(short_help="Copy the prompts of the library NAME on the hub.")
@click.argument("name")
@library_option
@json_option
@click.pass_context
def pull(context: click.Context, name: str, folder: str, as_json: bool) -> None:
    """Copy the prompts of the library NAME on the Hugging Face hub into --library.

    NAME is hf://USER/NAME, or USER/NAME. Every file is checked before the first is added; what is
    there already is left as it is, so pulling again brings what is new.

    \b
    Example:
      spotfw library pull hf://someone/their-prompts --library mine
    """
    from spotfw.cli.library.exchange import import_
    from spotfw.library.hub import SCHEME, hub_place

    place = hub_place(name)
    context.invoke(import_, sources=(f"{SCHEME}{place.short}",), folder=folder, as_json=as_json)
