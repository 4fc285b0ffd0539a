"""``spotfw plugins check``: the conformance suites on an installed distribution."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli.display import say
from spotfw.cli.options import json_option

if TYPE_CHECKING:
    from spotfw.testing.installed import Checked


@click.command(short_help="Run the conformance suites on what DIST gives.")
@click.argument("distribution", metavar="DIST")
@click.option("--quick", is_flag=True, help="Build no task and open no model (no TensorFlow).")
@json_option
@click.pass_context
def check(context: click.Context, distribution: str, quick: bool, as_json: bool) -> None:
    """Run the conformance suites on what DIST gives; exits with 1 if anything fails.

    DIST is the name of an installed distribution, `spotfw-playground` for one; `spotfw` is
    the built-in parts. Lifecycle hooks are not called, so that no tracker writes anything.
    """
    from spotfw.cli.display import note, print_json
    from spotfw.plugins import default_plugins
    from spotfw.testing.installed import check_distribution

    components = []
    for checked in check_distribution(default_plugins(), distribution, quick=quick):
        components.append(checked)
        if not as_json:
            say(_line(checked))
    failed = [c for c in components if c.status == "failed"]
    if as_json:
        document = {
            "distribution": distribution,
            "conforms": not failed,
            "components": [_row(checked) for checked in components],
        }
        print_json(document)
    elif not components:
        note(f"{distribution} gives no component; trackers are tested with check_tracker.")
    else:
        counts = Counter(checked.status for checked in components)
        note(", ".join(f"{n} {status}" for status, n in counts.items()) + ".")
    context.exit(1 if failed else 0)


def _line(checked: Checked) -> str:
    """A component in a line, and one more for each failed check."""
    ran = [o for o in checked.outcomes if o.status != "skipped"]
    facts = f"{len(ran)} checks" if ran else checked.outcomes[0].said
    lines = [f"{checked.status:8}{checked.kind} {checked.name}  ({facts})"]
    lines += [f"        {o.check}: {o.said}" for o in checked.outcomes if o.status == "failed"]
    return "\n".join(lines)


def _row(checked: Checked) -> dict[str, Any]:
    return {
        "kind": checked.kind,
        "name": checked.name,
        "status": checked.status,
        "checks": [
            {"check": o.check, "status": o.status, "said": o.said} for o in checked.outcomes
        ],
    }
