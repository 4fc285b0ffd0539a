"""Mixtures said by their members' names, and what they come to once those are known.

Whoever lists a mixture (a task file, a plugin) may not have its members: they come from
other sources. It gives a `MixtureDefinition`; `spotfw.plugins` finds the members by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

import attrs

from spotfw.errors import UnknownName, WrongUse
from spotfw.tasks import Mixture, Task, proportional_rates

__all__ = ["MixtureDefinition"]


@attrs.frozen(kw_only=True)
class MixtureDefinition:
    """A mixture whose members are names.

    Attributes:
      name: unique name.
      members: names of tasks, or of mixtures, whose tasks then take part one by one.
      rates: sampling rate of each member, None for examples-proportional mixing; see
        `spotfw.tasks.Mixture`.
      origin: where it comes from.
      description: one line for listings.
    """

    name: str
    members: tuple[str, ...]
    rates: tuple[float, ...] | None = None
    origin: str = ""
    description: str = ""


AnyTask = Task | Mixture | MixtureDefinition


def resolve(definition: MixtureDefinition, find: Callable[[str], AnyTask]) -> Mixture:
    """The mixture with its members; a task that is reached twice takes part once.

    With rates, a member that is a mixture shares its rate among its tasks as its own rates
    say, and a task reached twice has the sum.

    Args:
      definition: the mixture by names.
      find: the task or mixture of a name.

    Raises:
      UnknownName: `find` does not know a member.
      WrongUse: a mixture contains itself or a task twice, two different tasks in it have
        one name, or some mixtures in it have rates and others have none.
    """
    tasks: dict[str, Task] = {}
    rates: dict[str, float] = {}
    for task, rate in _flat(definition, find, (definition.name,)):
        first = tasks.setdefault(task.name, task)
        if first.origin != task.origin:
            raise WrongUse(
                f"{_named(definition, 'The')} has two tasks that are named {task.name!r}: of "
                f"{first.origin} and of {task.origin}. Rename the one that is yours."
            )
        rates[task.name] = rates.get(task.name, 0.0) + rate
    return Mixture(
        name=definition.name,
        tasks=tuple(tasks.values()),
        rates=None if definition.rates is None else tuple(rates.values()),
        origin=definition.origin,
        description=definition.description,
    )


def published_rates(mixture: Mixture) -> tuple[float, ...] | None:
    """Each member's share of the training examples, from how many its task says it has.

    Returns:
      rates that sum to 1, in the order of the members; None where a mixture without rates
      has a member whose number of training examples is not known without its data.
    """
    if mixture.rates is not None:
        total = sum(mixture.rates)
        return tuple(rate / total for rate in mixture.rates)
    counts = [task.training_size for task in mixture.tasks]
    known = [count for count in counts if count]
    if len(known) < len(counts):
        return None
    return tuple(proportional_rates(known))


def _flat(
    definition: MixtureDefinition, find: Callable[[str], AnyTask], path: tuple[str, ...]
) -> Iterable[tuple[Task, float]]:
    """The tasks of a mixture and of those in it, with their rates (1 where there are none)."""
    seen: dict[str, str] = {}
    for index, name in enumerate(definition.members):
        rate = 1.0 if definition.rates is None else definition.rates[index]
        try:
            member = find(name)
        except UnknownName as error:
            beside = Path(definition.origin).parent / f"{name}.toml"
            hint = f' The file {beside} lies beside it: write "{name}.toml".'
            hint = hint if definition.origin and beside.is_file() else ""
            error.args = (f"A member of {_named(definition)} is not known. {error}{hint}",)
            raise
        if member.name in seen:
            twice = seen[member.name]
            also = "" if twice == name else f" (as {twice!r} and as {name!r})"
            raise WrongUse(f"{_named(definition, 'The')} names {member.name!r} twice{also}.")
        seen[member.name] = name
        if isinstance(member, Task):
            yield member, rate
            continue
        if member.name in path:
            raise WrongUse(
                f"{_named(definition, 'The')} contains itself: "
                f"{' > '.join([*path[path.index(member.name) :], member.name])}. Take one out."
            )
        if (member.rates is None) != (definition.rates is None):
            has, has_not = (definition, member) if member.rates is None else (member, definition)
            raise WrongUse(
                f"The mixture {has.name!r} has rates, but {has_not.name!r}, mixed with it in "
                f"{_named(definition)}, is mixed by its tasks' sizes. Give rates to both "
                "or to none."
            )
        inner = list(
            zip(member.tasks, member.rates or [1.0] * len(member.tasks), strict=True)
            if isinstance(member, Mixture)
            else _flat(member, find, (*path, member.name))
        )
        share = _sum(rate for _, rate in inner) if member.rates is not None else 1.0
        yield from ((task, rate * part / share) for task, part in inner)


def _sum(rates: Iterable[float]) -> float:
    values: Sequence[float] = list(rates)
    return float(sum(values)) or 1.0


def _named(definition: MixtureDefinition, the: str = "the") -> str:
    where = f" of {definition.origin}" if definition.origin else ""
    return f"{the} mixture {definition.name!r}{where}"


def listing(definition: MixtureDefinition, find: Callable[[str], AnyTask | None]) -> Mixture:
    """A mixture for a listing, which must be cheap and must not fail.

    Args:
      definition: the mixture by names.
      find: the task or mixture of a name, None where that is dear to find out; a stand-in
        of that name then takes its place, which has no examples.
    """
    try:
        return resolve(definition, lambda name: find(name) or _stand_in(name))
    except WrongUse:
        # Asked for by name, it says what is wrong.
        return Mixture(
            name=definition.name,
            tasks=tuple(_stand_in(member) for member in definition.members),
            rates=definition.rates,
            origin=definition.origin,
            description=definition.description,
        )


def _stand_in(name: str) -> Task:
    def examples(split: str) -> NoReturn:
        raise UnknownName("task", name, ())

    return Task(name=name, family="", type="", examples=examples)
