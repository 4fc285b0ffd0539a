"""``spotfw library import``, ``export`` and ``remove``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import filter_options, json_option, library_option, open_named


@click.command("import")
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@library_option
@click.option("--task", metavar="T", help="The task, where a source does not say it.")
@click.option("--family", metavar="F", help="The task's family, where a source does not say it.")
@click.option(
    "--model", metavar="M", help="The frozen model's name, where a source does not say it."
)
@click.option(
    "--fingerprint",
    metavar="F",
    help="The frozen model's fingerprint, where a source does not say it.",
)
@json_option
def import_(sources: tuple[str, ...], folder: str, as_json: bool, **facts: Any) -> None:
    """Add what other programs and people made, and print the ids.

    SRC is a prompt's file (.safetensors, or .npy as google-research/prompt-tuning writes it),
    a PEFT adapter's folder, the folder of a run or of a library, hf://USER/NAME, the name of a
    model that comes with a library, or a zip that `export` wrote.
    A .npy and an adapter do not say their task: it is taken from their name. Nothing is
    imported when a source is broken; importing again adds nothing twice.

    \b
    Example:
      spotfw library import sst2.npy my-adapter --fingerprint 0123456789abcdef
    """
    from spotfw.cli.display import note, print_json
    from spotfw.library.exchange import import_prompts
    from spotfw.plugins import default_plugins
    from spotfw.plugins.libraries import library_named, released_folder

    place = library_named(folder, default_plugins())
    read = [released_folder(source, default_plugins()) or source for source in sources]
    with _counting("import", "prompts") as progress:
        imported = import_prompts(place, read, facts, progress)
    if as_json:
        rows = [
            {
                "source": entry.source,
                "id": entry.id,
                "task": entry.best.provenance.task,
                "path": place.path(entry.id),
            }
            for entry in imported
        ]
        print_json(rows)
        return
    for entry in imported:
        say(entry.id)
    note(f"Prompts imported into {folder}: {len(imported)}.")


@click.command()
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=completion.ids)
@click.argument("destination", metavar="DST")
@library_option
@filter_options
@click.option(
    "--format",
    "format",
    type=click.Choice(["safetensors", "npy", "zip", "peft"]),
    help="By default DST's suffix; a DST without one is a PEFT adapter's folder.",
)
@click.option("--embedding", is_flag=True, help="The task embedding, not the best prompt.")
@click.option("--base-model", metavar="NAME", help="The Hugging Face model a PEFT adapter names.")
@json_option
def export(
    ids: tuple[str, ...],
    destination: str,
    folder: str,
    format: str | None,
    embedding: bool,
    base_model: str | None,
    as_json: bool,
    **filters: Any,
) -> None:
    """Write the prompt ID to DST for others to use.

    A .zip takes any number of prompts with their task embeddings, a manifest and checksums:
    those named, or all that the filters let through. Any other format takes one prompt.

    \b
    Example:
      spotfw library export 1a2b adapter --base-model google/t5-base-lm-adapt
      spotfw library export shared.zip --family sentiment
    """
    from spotfw.cli.display import note, print_json
    from spotfw.errors import UnknownName, WrongUse
    from spotfw.library.exchange import export_archive, export_format, export_prompt

    place = open_named(folder)
    chosen = export_format(destination, format)
    entries = place.entries(**filters)
    task = filters["task"]
    if task is not None and not entries and not place.entries(task=task):
        tasks = {entry.provenance.task for entry in place.entries()} - {None}
        raise UnknownName(f"task in the library {folder}", task, map(str, tasks))
    if ids:
        wanted = {place.get(id).id for id in ids}
        entries = [entry for entry in entries if entry.id in wanted]
        if len(entries) < len(wanted):
            raise WrongUse("The filters leave out a prompt that is named. Give one or the other.")
    if chosen == "zip":
        if embedding or base_model:
            raise WrongUse(
                "A zip holds prompts as the library does: leave out --embedding and --base-model."
            )
        with _counting("export", "files") as progress:
            export_archive(place, entries, destination, progress)
    else:
        if len(ids) != 1:
            raise WrongUse(
                f"The format {chosen} takes one prompt: `spotfw library export ID {destination}`. "
                "Several go into a DST that ends in .zip."
            )
        (entry,) = entries
        prompt = (place.embedding if embedding else place.best)(entry.id)
        export_prompt(prompt, destination, chosen, base_model)
    if as_json:
        print_json({"path": destination, "format": chosen, "ids": [entry.id for entry in entries]})
    else:
        note(f"Prompts exported to {destination} ({chosen}): {len(entries)}.")


@click.command(short_help="Remove prompts and their task embeddings.")
@click.argument("ids", metavar="[ID]...", nargs=-1, shell_complete=completion.ids)
@library_option
@click.option("--leftovers", is_flag=True, help="Also what killed writers left.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def remove(ids: tuple[str, ...], folder: str, leftovers: bool, yes: bool, as_json: bool) -> None:
    """Remove prompts, with the task embeddings that no other prompt uses.

    ID may be the beginning of one, or of a damaged file that `verify` names. A zip made by
    `spotfw library export` brings them back.

    \b
    Example:
      spotfw library remove 1a2b --yes
    """
    from spotfw.cli.display import note, print_json
    from spotfw.errors import WrongUse

    if not ids and not leftovers:
        raise WrongUse(
            "Name the prompts to remove (`spotfw library list` shows them), or say --leftovers."
        )
    place = open_named(folder)

    def removed(dry_run: bool) -> list[str]:
        names = place.remove(*ids, dry_run=dry_run) if ids else []
        if leftovers:
            names += place.leftovers() if dry_run else place.sweep()
        return names

    if not yes and (planned := removed(dry_run=True)):
        note(f"To be removed from {folder}, for good: {', '.join(planned)}.")
        try:
            if sys.stdin is None:
                raise click.Abort
            click.confirm("Remove them?", abort=True, err=True)
        except click.Abort:
            if sys.stdin is not None and sys.stdin.isatty():
                raise
            raise WrongUse(
                f"Nothing was removed from {folder}: standard input is no terminal, and nobody "
                "said yes there. Say --yes."
            ) from None
    names = removed(dry_run=False)
    if as_json:
        print_json({"removed": names})
    else:
        note(f"Files removed from {folder}: {len(names)}.")


@contextlib.contextmanager
def _counting(what: str, unit: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for 100 or more files or prompts; the function takes (done, total)."""
    from spotfw.cli.display import Progress

    with contextlib.ExitStack() as stack:
        bar: Progress | None = None

        def update(done: int, total: int) -> None:
            nonlocal bar
            if total < 100:
                return
            bar = bar or stack.enter_context(Progress(what, total, unit=unit))
            bar.update(done)

        yield update
