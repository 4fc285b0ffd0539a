"""Mixtures of a task file, ``[[mixture]]``, checked key by key."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NoReturn

from spotfw.errors import WrongUse, did_you_mean
from spotfw.tasks.mixtures import MixtureDefinition
from spotfw.tasks.tables.document import NAME, TaskDocument

#: Rates beyond these differ by more than a tuning has examples, or have no finite sum.
LEAST_RATE, MOST_RATE = 1e-12, 1e12

_KEYS = ("description", "name", "rates", "tasks")


def read_mixtures(document: TaskDocument, tasks: Collection[str] = ()) -> list[MixtureDefinition]:
    """The mixtures of a task file; whether their members exist is seen when one is wanted.

    Args:
      document: the file.
      tasks: names of the tasks of the same file: a member of such a name is that task,
        wherever the file lies.

    Raises:
      WrongUse: a key is unknown, missing or wrong; a name is there twice.
    """
    own = {*tasks, *(m["name"] for m in document.mixtures if isinstance(m.get("name"), str))}
    definitions = [_mixture(document.path, table, own) for table in document.mixtures]
    seen = set(tasks)
    for mixture in definitions:
        if mixture.name in seen:
            raise WrongUse(f"The task file {document.path} has the name {mixture.name!r} twice.")
        seen.add(mixture.name)
    return definitions


def _mixture(path: Path, table: Mapping[str, Any], own: Collection[str]) -> MixtureDefinition:
    name = table.get("name")

    def fail(key: str, what: str) -> NoReturn:
        named = f", mixture {name!r}" if isinstance(name, str) and key != "name" else ""
        raise WrongUse(f"In the task file {path}{named}: the key {key!r} of [[mixture]] {what}.")

    for key in table:
        if key not in _KEYS:
            fail(
                key, f"is unknown.{did_you_mean(key, _KEYS, most=1)} Known keys: {', '.join(_KEYS)}"
            )
    if not isinstance(name, str) or not NAME.fullmatch(name):
        fail("name", "is missing" if name is None else f"is {name!r}, which is no name")
    description = table.get("description", "")
    if not isinstance(description, str):
        fail("description", f"must be text in quotes, but is {description!r}")
    members = table.get("tasks", [])
    texts = isinstance(members, list) and all(isinstance(m, str) and m.strip() for m in members)
    if not texts:
        fail("tasks", f"must be a list of tasks' names, but is {members!r}")
    if len(members) < 2:
        fail("tasks", "must name at least two tasks")
    twice = sorted({m for m in members if members.count(m) > 1})
    if twice:
        fail("tasks", f"names {twice[0]!r} twice; give one of them a higher rate instead")
    rates = table.get("rates")
    if rates is not None:
        numbers = isinstance(rates, list) and all(_is_rate(rate) for rate in rates)
        if not numbers:
            fail(
                "rates",
                f"must be a list of numbers above 0 ({LEAST_RATE:g} to {MOST_RATE:g}), but is "
                f"{rates!r:.200}",
            )
        if len(rates) != len(members):
            fail("rates", f"has {len(rates)} numbers for {len(members)} tasks; give one for each")
    return MixtureDefinition(
        name=name,
        # A path is a name only of TOML files; of another one the tasks are listed by name.
        members=tuple(
            f"{path}:{m}" if m in own and path.suffix == ".toml" else _from(path, m)
            for m in members
        ),
        rates=None if rates is None else tuple(float(rate) for rate in rates),
        origin=str(path),
        description=description,
    )


def _from(path: Path, member: str) -> str:
    """A member that is a task file, relative to the mixture's folder; a name as it is."""
    file, suffix, name = member.partition(".toml")
    if not suffix or (name and not name.startswith(":")):
        return member
    return f"{path.parent / file}.toml{name}"


def _is_rate(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and LEAST_RATE <= value <= MOST_RATE
