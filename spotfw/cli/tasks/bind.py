"""``spotfw tasks bind`` and ``unbind``: where a named task's data lies on this machine."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import click

from spotfw.cli import completion
from spotfw.cli.display import say
from spotfw.cli.options import json_option

if TYPE_CHECKING:
    from spotfw.tasks import Task


@click.command(short_help="Point a task to a folder with its data.")
@click.argument("name", required=False, shell_complete=completion.tasks)
@click.argument("folder", required=False)
@json_option
def bind(name: str | None, folder: str | None, as_json: bool) -> None:
    """Point the task NAME to FOLDER, which holds train.jsonl, validation.jsonl and so on.

    Rows have the columns of TFDS's data set of that name. The folder is looked through at
    once: its rows are counted, those that cannot be used are named, and a folder that holds
    another data set is refused. Without NAME, what is bound is listed: by hand, and by the
    variable SPOTFW_DATA, whose folders hold one folder a task.

    \b
    Example:
      spotfw tasks bind glue_mnli ~/data/mnli
      spotfw tasks bind
    """
    from spotfw.cli.display import note, print_json, print_table
    from spotfw.errors import WrongUse
    from spotfw.plugins import default_plugins
    from spotfw.tasks import Task, bindings

    if name is None:
        known = _known()
        if as_json:
            print_json(known)
        elif known:
            print_table(["task", "folder", "by"], [list(binding.values()) for binding in known])
        else:
            note("No task is bound. Bind one: spotfw tasks bind NAME FOLDER.")
        return
    if folder is None:
        raise WrongUse(f"Name the folder too: spotfw tasks bind {name} FOLDER.")
    task = default_plugins().task(name)
    if not isinstance(task, Task):
        raise WrongUse(f"{name} is a mixture. Bind its tasks one by one: spotfw tasks show {name}.")
    if task.check is None:
        raise WrongUse(
            f"The task {name!r} brings its data ({task.origin or 'origin unknown'}), so it cannot "
            "be bound to a folder. Describe your rows in a task file (docs/tasks.md) instead."
        )
    splits = _bound(task, folder)
    if as_json:
        print_json({"task": task.name, "folder": str(bindings.bound(task.name)), "splits": splits})
        return
    say(f"{task.name} is bound to {bindings.bound(task.name)}")
    rows = [[s["split"], s["examples"], s["published"], _labels(s)] for s in splits]
    print_table(["split", "examples", "rows as published", "labels"], rows)


@click.command(short_help="Forget a task's folder.")
@click.argument("name")
def unbind(name: str) -> None:
    """Forget the folder of the task NAME; the folder itself stays as it is.

    \b
    Example:
      spotfw tasks unbind glue_mnli
    """
    from spotfw.errors import UnknownName
    from spotfw.plugins import default_plugins
    from spotfw.tasks import bindings

    if name not in bindings.bindings():
        with contextlib.suppress(UnknownName):  # `unbind` names what is bound
            name = default_plugins().task(name).name
    bindings.unbind(name)
    say(f"{name} is no longer bound.")


def _known() -> list[dict[str, str]]:
    """Tasks that are bound: by hand, and by the variable that names folders of them."""
    from spotfw.plugins import default_plugins
    from spotfw.tasks import Task, bindings
    from spotfw.tasks.whereabouts import other_names

    by_hand = bindings.bindings()
    known = [{"task": n, "folder": str(place), "by": "hand"} for n, place in by_hand.items()]
    if not bindings.parents():
        return known
    for task in default_plugins().tasks():
        names = (task.name, *other_names(task)) if isinstance(task, Task) else ()
        if not names or by_hand.keys() & {*names}:
            continue
        if (place := bindings.bound(*names)) is not None:
            known.append({"task": task.name, "folder": str(place), "by": bindings.VARIABLE})
    return known


def _bound(task: Task, folder: str) -> list[dict[str, Any]]:
    """Binds a task and looks through all splits; if that fails, the binding is as before."""
    from spotfw.cli.tasks.look import NEEDED, surveys
    from spotfw.tasks import bindings

    before = bindings.bindings().get(task.name)
    place = bindings.bind(task.name, folder)
    try:
        if task.check is not None:
            task.check(list(NEEDED))
        return [
            {
                "split": survey.split,
                "examples": len(survey),
                "published": task.splits.get(survey.split),
                "labels": {label: survey.labels.get(label, 0) for label in task.labels},
            }
            for survey in surveys(task, None)
        ]
    except BaseException:
        if before is None:
            bindings.unbind(task.name)
        elif before != place:
            bindings.bind(task.name, before)
        raise


def _labels(split: dict[str, Any]) -> str | None:
    return ", ".join(f"{label} {count:,}" for label, count in split["labels"].items()) or None
