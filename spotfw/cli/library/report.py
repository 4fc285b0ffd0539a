"""``spotfw library report``: a library as one page."""

from __future__ import annotations

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import empty, json_option, library_option, open_named


@click.command(short_help="One page: the map of tasks, all prompts, what does not fit.")
@click.argument("named", metavar="[LIBRARY]", required=False)
@library_option
@click.option("--out", metavar="DIR", required=True, help="Where index.html is written.")
@click.option(
    "--metric",
    default="per_token_cosine",
    show_default=True,
    shell_complete=completion.parts("metric"),
    help="How embeddings compare: any of `spotfw metrics`.",
)
@click.option("--task", metavar="T", help="Only prompts tuned on this task.")
@click.option("--family", metavar="F", help="Only this family's.")
@json_option
def report(
    named: str | None,
    folder: str,
    out: str,
    metric: str,
    task: str | None,
    family: str | None,
    as_json: bool,
) -> None:
    """Write one page about a library, which needs no network and no other file.

    It has the map of tasks, clustered by similarity, with families coloured; every prompt with
    its provenance, its score and its nearest neighbours, to be sorted and searched; and what does
    not fit together, and why. LIBRARY is as for --library.

    \b
    Example:
      spotfw library report english --out english-report
    """
    from spotfw.cli.display import note, print_json
    from spotfw.errors import SpotError
    from spotfw.plugins import default_plugins
    from spotfw.study.findings.collection import kinds_of, misfits
    from spotfw.study.report.collection import write_page

    name = named or folder
    place = open_named(name)
    plugins = default_plugins()
    part = plugins.metric(metric)
    entries = place.entries(task=task, family=family)
    if not entries:
        raise SpotError(empty(name) if not place.entries() else f"{name} has no such prompt.")
    note(f"Comparing {len(entries):,} prompts, and drawing ...")
    with plugins.blaming("metric", metric):
        kinds = kinds_of(place, entries, part)
    listed = misfits(kinds, [(p.name, p.what) for p in place.verify()])
    page = write_page(out, name, kinds, listed, metric)
    if as_json:
        print_json(
            {
                "page": page,
                "prompts": len(entries),
                "kinds": [{"title": k.title, "prompts": len(k.entries)} for k in kinds],
                "misfits": [{"what": m.what, "why": m.why} for m in listed],
            }
        )
        return
    say(f"page: {page}")
    if listed:
        note(f"What does not fit together: {len(listed):,}, listed on the page with the reason.")
