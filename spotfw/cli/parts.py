"""``spotfw metrics`` and ``spotfw strategies``: what plugins give to rank and to choose by."""

from __future__ import annotations

from typing import Any

import click

from spotfw.cli.options import json_option


@click.command(short_help="Ways to compare prompts: what --metric takes.")
@json_option
def metrics(as_json: bool) -> None:
    """The similarity metrics that --metric takes, with what each compares.

    A metric's settings stand behind its name: NAME:key=value,key=value.

    \b
    Example:
      spotfw library rank mine.safetensors --metric average_token_cosine
    """
    _list("metric", as_json)


@click.command(short_help="Ways to choose among ranked prompts: what --strategy takes.")
@json_option
def strategies(as_json: bool) -> None:
    """The selection strategies that --strategy takes, with what each tunes.

    A strategy's settings stand behind its name: NAME:key=value,key=value.

    \b
    Example:
      spotfw transfer book_reviews --strategy top_k_weighted_average -k 3
    """
    _list("strategy", as_json)


def _list(kind: str, as_json: bool) -> None:
    from spotfw.cli.display import print_json, print_table
    from spotfw.plugins import default_plugins
    from spotfw.plugins.descriptions import described

    rows = list(described(default_plugins(), kind))
    if as_json:
        print_json(rows)
        return
    print_table(
        ["name", "what it does", "from"],
        [[row["name"], _sentence(row), row["origin"]] for row in rows],
        whole=["name"],
    )


def _sentence(row: dict[str, Any]) -> str | None:
    """What a part does, and its settings as they are written behind its name."""
    settings = ",".join(f"{key}={value}" for key, value in row["settings"].items())
    return " ".join(filter(None, (row["description"], settings and f"[:{settings}]"))) or None
