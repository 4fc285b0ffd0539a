"""``spotfw plugins``: what is installed, from where, and what failed to load."""

from __future__ import annotations

from typing import Any

import click

from spotfw.cli.options import bare_listing, json_option
from spotfw.cli.plugins.check import check
from spotfw.cli.plugins.new import new


@click.group(short_help="What is installed and what failed to load.", invoke_without_command=True)
@json_option
@click.pass_context
def plugins(context: click.Context, as_json: bool) -> None:
    """Plugins; without a command, lists them.

    SPOTFW_PLUGINS names the only ones to load (empty: just the built-in parts);
    SPOTFW_DISABLE_PLUGINS names those to leave out.
    """
    bare_listing(context, list_plugins, as_json)


plugins.add_command(check)
plugins.add_command(new)


@plugins.command("list")
@json_option
def list_plugins(as_json: bool = False) -> None:
    """All plugins, the distributions they come from, and what they give."""
    from spotfw.cli.display import print_json, print_table
    from spotfw.plugins import default_plugins

    rows = default_plugins().describe()
    if as_json:
        print_json(rows)
        return
    print_table(
        ["name", "distribution", "version", "gives", "state"],
        [
            [row["name"], row["distribution"], row["version"] or None, _gives(row), _state(row)]
            for row in rows
        ],
    )


@plugins.command(short_help="One plugin: its hooks, its parts, its faults.")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """One plugin, NAME or DISTRIBUTION:NAME: its hooks, its parts, its faults."""
    from spotfw.cli.display import print_json, print_table

    row = _chosen(name)
    if as_json:
        print_json(row)
        return
    lines: list[tuple[str, str | None]] = [
        ("name", row["name"]),
        ("distribution", f"{row['distribution']} {row['version']}"),
        ("state", _state(row)),
        ("hooks", ", ".join(row["hooks"]) or None),
        *((kind, ", ".join(names)) for kind, names in row["components"].items()),
        *(
            (f"set {kind}", f"{name}:{','.join(f'{k}={v}' for k, v in known.items())}")
            for kind, parts in row["settings"].items()
            for name, known in parts.items()
        ),
    ]
    print_table(["", ""], lines)


def _chosen(name: str) -> dict[str, Any]:
    """The row of a plugin, by its name, its distribution's, or both."""
    from spotfw.errors import UnknownName, WrongUse
    from spotfw.plugins import default_plugins

    rows = {f"{row['distribution']}:{row['name']}": row for row in default_plugins().describe()}
    keys = [
        key
        for key, row in rows.items()
        if name in (key, row["name"]) or name == row["distribution"]
    ]
    if not keys:
        known = {n for row in rows.values() for n in (row["name"], row["distribution"])}
        raise UnknownName("plugin", name, known)
    if len(keys) > 1:
        raise WrongUse(f"Several plugins answer to {name!r}. Say which: {', '.join(keys)}.")
    return rows[keys[0]]


def _gives(row: dict[str, Any]) -> str | None:
    counts = [
        f"{len(names)} {kind}" + "s" * (len(names) > 1)
        if kind != "strategy" or len(names) == 1
        else f"{len(names)} strategies"
        for kind, names in row["components"].items()
    ]
    lifecycle = [h for h in row["hooks"] if h.startswith(("spotfw_run_", "spotfw_checkpoint_"))]
    if lifecycle or "spotfw_prompt_added" in row["hooks"]:
        counts.append("follows runs")
    return ", ".join(counts) or None


def _state(row: dict[str, Any]) -> str:
    return str(row["error"] or row["note"] or "loaded")
