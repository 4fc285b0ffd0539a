"""``spotfw plugins new``: a complete distribution to start a plugin from."""

from __future__ import annotations

import click

from spotfw.cli.display import say

_KINDS = ("metric", "strategy", "task", "initializer", "tracker", "backend")


@click.command(short_help="Write a complete distribution to begin a plugin with.")
@click.argument("name")
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="What the plugin gives.")
@click.option("--out", metavar="DIR", help="The folder to write.  [default: ./spotfw-NAME]")
def new(name: str, kind: str, out: str | None) -> None:
    """Write a complete distribution spotfw-NAME: module, tests, README, CI.

    It works as it stands: install it, run its tests, then put your own idea in.
    """
    from spotfw.plugins.template import distribution_name, write_plugin

    folder = write_plugin(name, kind, out)
    distribution = distribution_name(name)
    module = distribution.replace("-", "_")
    say(
        f"Wrote {folder}: your {kind} is in {module}.py. Install it and run its tests:",
        wrapped=True,
    )
    say(
        f"\n  pip install -e {folder} && python -m pytest {folder}\n"
        f"  spotfw plugins check {distribution}"
    )
