"""A task or mixture as plain values, and where its data is, for listings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spotfw.tasks.whereabouts import whereabouts

if TYPE_CHECKING:
    from spotfw.tasks import Mixture, Task


def facts_of(task: Task | Mixture) -> dict[str, Any]:
    """A task or mixture as plain values; a mixture has its members' names and rates too."""
    from spotfw.tasks import Task
    from spotfw.tasks.mixtures import published_rates

    facts: dict[str, Any] = {
        "name": task.name,
        "family": task.family,
        "type": task.type,
        "labels": [],
        "metrics": [],
        "splits": {},
        "origin": task.origin,
        "description": task.description,
    }
    if isinstance(task, Task):
        at, folder = whereabouts(task)
        return facts | {
            "labels": list(task.labels),
            "metrics": list(task.metrics),
            "splits": dict(task.splits),
            "train_examples": task.training_size,
            "data": task.data,
            "at": at,
            "folder": folder,
            "how_to_get": task.how_to_get,
            "columns": task.columns,
            "licence": task.licence,
            "citation": task.citation,
            "groups": list(task.groups),
        }
    shares = published_rates(task)
    return facts | {
        "tasks": [member.name for member in task.tasks],
        "rates": None if task.rates is None else list(task.rates),
        "shares": None if shares is None else list(shares),
        "groups": [],
    }


def note_wrong_variable() -> None:
    """Says that SPOTFW_DATA is wrong: a listing ignores it, and all data would seem absent."""
    from spotfw.cli.display import note
    from spotfw.errors import WrongUse
    from spotfw.tasks import bindings

    try:
        bindings.parents()
    except WrongUse as error:
        note(str(error))


def members_of(mixture: Mixture) -> list[dict[str, Any]]:
    """A mixture's members: name, training examples and how they were counted, share, data.

    Shares are those of the rates given, or else in proportion to the examples, a task counted
    as 2^19 at most; they are None where a member's examples are not known.
    """
    from spotfw.cli.tasks.look import training_size
    from spotfw.tasks import proportional_rates

    members: list[dict[str, Any]] = []
    for task in mixture.tasks:
        at, _ = whereabouts(task)
        size, counted = training_size(task, at)
        members.append({"task": task.name, "examples": size, "counted": counted, "at": at})
    rates = mixture.rates
    if rates is None:
        known = [member["examples"] for member in members if member["examples"]]
        rates = tuple(proportional_rates(known)) if len(known) == len(members) else None
    total = sum(rates) if rates else 1.0
    for index, member in enumerate(members):
        member["share"] = None if rates is None else rates[index] / total
    return members
