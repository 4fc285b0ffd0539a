"""The task of a study's job: one by its reference, or several as one mixture."""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.errors import SpotError
from spotfw.recipe.session import Session
from spotfw.tasks import Mixture, Task


def task_of(
    session: Session, references: Sequence[str], rates: Sequence[float] | None
) -> Task | Mixture:
    """A task, or several as one mixture."""
    members = [session.task(reference) for reference in references]
    if len(members) == 1:
        return members[0]
    tasks = [t for m in members for t in (m.tasks if isinstance(m, Mixture) else (m,))]
    names = [task.name for task in tasks]
    if rates is not None:
        if len(tasks) != len(rates):
            raise SpotError(
                f"The generic source of {', '.join(m.name for m in members)} gives a rate to a "
                "mixture. Name its tasks, each with its rate, or leave the rates out."
            )
        # A mixture's name stands for what it is: its runs are found by it.
        names = [f"{name}@{rate:g}" for name, rate in zip(names, rates, strict=True)]
    return Mixture(
        name="+".join(names),
        tasks=tuple(dict.fromkeys(tasks)),
        rates=None if rates is None else tuple(rates),
    )
