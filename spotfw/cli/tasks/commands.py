"""``spotfw tasks``: tasks and mixtures by name, and examples as the model sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.listing_group import ListingGroup
from spotfw.cli.options import bare_listing, json_option
from spotfw.cli.tasks.bind import bind, unbind
from spotfw.cli.tasks.facts import facts_of, members_of, note_wrong_variable
from spotfw.tasks.whereabouts import ABSENT

if TYPE_CHECKING:
    from spotfw.plugins import Plugins
    from spotfw.tasks import Mixture, Task


@click.group(
    cls=ListingGroup,
    short_help="Tasks and mixtures, and examples of each.",
    invoke_without_command=True,
)
@json_option
@click.pass_context
def tasks(context: click.Context, as_json: bool) -> None:
    """Tasks and mixtures; without a command, lists them.

    Tasks come from plugins, from task files (TOML; in the folders or files that SPOTFW_TASKS
    names, or else in ./spotfw_tasks), and from seqio's registry.

    \b
    Example:
      spotfw tasks list --group "study target"
      spotfw tasks bind super_glue_cb my_data/cb
      spotfw tasks show super_glue_cb --examples 2
    """
    bare_listing(context, list_tasks, as_json)


@tasks.command("list", short_help="All tasks and mixtures, those with data here first.")
@click.option("--family", metavar="F", help="Only this family's, e.g. NLI.")
@click.option("--group", metavar="G", help='Only this group\'s, e.g. GLUE or "study target".')
@click.option(
    "--all", "everything", is_flag=True, help="Also seqio's registry, which loads TensorFlow."
)
@json_option
def list_tasks(
    family: str | None = None,
    group: str | None = None,
    everything: bool = False,
    as_json: bool = False,
) -> None:
    """Tasks and mixtures, those whose data is here first; --json tells all that is known.

    \b
    Example:
      spotfw tasks list --family NLI
    """
    from spotfw.cli.display import note, print_json, print_table
    from spotfw.plugins import default_plugins

    note_wrong_variable()
    plugins = default_plugins()
    known = {t.name: t for t in plugins.tasks()}
    if everything:
        known = {**{t.name: t for t in _unlisted(plugins)}, **known}
    listed = [facts_of(known[name]) for name in sorted(known)]
    if family is not None:
        listed = _only("family", family, [(facts, [facts["family"]]) for facts in listed])
    if group is not None:
        listed = _only("group", group, [(facts, facts["groups"]) for facts in listed])
    if as_json:
        print_json(listed)
        return
    absent = {t["name"] for t in listed if t.get("at") == ABSENT}
    rows = [_cells(facts, absent) for facts in listed]
    # What can be tuned at once comes first; the names of each half stay sorted.
    rows.sort(key=lambda cells: ABSENT in str(cells[-1]))
    columns = ["name", "family", "type", "training", "data"]
    print_table(columns, rows)
    if not everything:
        note("The rest of seqio's registry is not listed: use `spotfw tasks list --all`.")


@tasks.command(short_help="One task: its facts, and examples as the model sees them.")
@click.argument("name", shell_complete=completion.tasks)
@click.option(
    "--examples",
    "count",
    metavar="N",
    type=click.IntRange(0),
    default=0,
    help="Show the first N examples of each split, as text.",
)
@click.option("--lengths", "measure", is_flag=True, help="Show how many tokens examples have.")
@click.option("--split", metavar="S", help="Examples or lengths of this split only.")
@click.option(
    "--model", metavar="M", help="Cut text into tokens as this model does, and show them."
)
@click.option("--vocabulary", metavar="FILE", help="As this sentencepiece file does.")
@json_option
def show(
    name: str,
    count: int,
    measure: bool,
    split: str | None,
    model: str | None,
    vocabulary: str | None,
    as_json: bool,
) -> None:
    """One task or mixture: its facts, and examples as the model sees them.

    NAME may also be a task file (reviews.toml, or reviews.toml:TASK where it has several). Of a
    mixture, each member's rate is shown. With --lengths, the length in tokens that so many
    percent of the examples do not exceed, and the share that a limit (--max-input-length)
    would cut; a target's limit is --max-target-length.

    \b
    Example:
      spotfw tasks show reviews.toml --examples 3
      spotfw tasks show glue_mnli --lengths --vocabulary t5.model
    """
    from spotfw.cli.display import print_json
    from spotfw.cli.tasks import look
    from spotfw.cli.tasks.show import print_facts
    from spotfw.errors import WrongUse
    from spotfw.plugins import default_plugins
    from spotfw.tasks import Mixture

    task = default_plugins().task(name)
    note_wrong_variable()
    facts = facts_of(task)
    if isinstance(task, Mixture):
        facts["members"] = members_of(task)
    if measure and model is None and vocabulary is None:
        raise WrongUse(
            "--lengths counts tokens, which needs --model M or --vocabulary FILE (a "
            "sentencepiece file such as T5's spiece.model)."
        )
    if count or measure:
        pieces = look.vocabulary(model, vocabulary)
        if count:
            facts["examples"] = look.examples(task, split, count, pieces)
        if measure:
            facts["lengths"] = look.lengths(task, split, pieces, _limits(model))
    if as_json:
        print_json(facts)
    else:
        print_facts(facts)


tasks.add_command(bind)
tasks.add_command(unbind)


def _limits(model: str | None) -> tuple[int, int]:
    """Tokens kept of inputs and targets by default, by the model's own settings if any."""
    from spotfw.config import TuningSettings
    from spotfw.plugins import default_plugins
    from spotfw.plugins.model_settings import own_settings

    own = {} if model is None else own_settings(model, default_plugins())
    settings = TuningSettings()
    longest = own.get("max_input_length", settings.max_input_length)
    return int(longest), int(own.get("max_target_length", settings.max_target_length))


def _unlisted(plugins: Plugins) -> Iterator[Task | Mixture]:
    """Tasks of sources that list none because listing them is costly."""
    from spotfw.contracts import UnlistedTasks
    from spotfw.tasks.mixtures import MixtureDefinition

    for source in plugins.components("task source"):
        if isinstance(source.value, UnlistedTasks):
            with plugins.blaming("task source", source.name):
                unlisted = [source.value.find(name) for name in source.value.names()]
            for task in unlisted:
                if isinstance(task, MixtureDefinition):
                    yield plugins.task(task.name)
                elif task is not None:
                    yield task


def _only(
    what: str, wanted: str, listed: list[tuple[dict[str, Any], list[str]]]
) -> list[dict[str, Any]]:
    """Those that have `wanted` among their words, whatever its case."""
    from spotfw.errors import UnknownName

    word = wanted.casefold()
    chosen = [facts for facts, words in listed if word in (w.casefold() for w in words)]
    if not chosen:
        raise UnknownName(what, wanted, {w for _, words in listed for w in words if w})
    return chosen


def _cells(facts: dict[str, Any], absent: set[str]) -> list[str | int | None]:
    """A line of the listing; of a mixture, how many tasks it has, or that some lack their data."""
    data = facts.get("at")
    if members := facts.get("tasks"):
        lacking = absent & {*members}
        data = "part absent" if lacking else f"{len(members)} tasks"
        data = ABSENT if lacking == {*members} else data
    kinds = [facts["family"] or None, facts["type"] or None]
    return [facts["name"], *kinds, facts.get("train_examples"), data]
