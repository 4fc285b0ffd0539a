"""What a strategy can choose: where the target's tuning starts, and races among starts."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import attrs

from spotfw.errors import WrongUse


@attrs.frozen
class StartFromPrompt:
    """Tune the target from one library prompt."""

    id: str


@attrs.frozen
class StartFromAverage:
    """Tune the target from sum_i weights[i] * prompt ids[i]."""

    ids: tuple[str, ...]
    weights: tuple[float, ...]


@attrs.frozen
class StartFromMixture:
    """Tune on a mixture of these source tasks and the target, then the target from that prompt."""

    tasks: tuple[str, ...]


@attrs.frozen
class StartFromScratch:
    """Tune the target with no transfer."""


Start = StartFromPrompt | StartFromAverage | StartFromMixture | StartFromScratch


def describe(start: Start, names: Mapping[str, str]) -> str:
    """A start in words; `names` gives library prompts' names by id."""
    match start:
        case StartFromPrompt(id=identity):
            return names.get(identity, identity)
        case StartFromAverage(ids=ids, weights=weights):
            parts = zip(weights, ids, strict=True)
            return " + ".join(f"{weight:.2f} {names.get(i, i)}" for weight, i in parts)
        case StartFromMixture(tasks=tasks):
            return f"a mixture of {', '.join(tasks)}"
        case StartFromScratch():
            return "scratch"


def _shares(_: Any, field: attrs.Attribute[Any], values: tuple[float, ...]) -> None:
    if not all(a < b for a, b in pairwise((0, *values, 1))):
        raise WrongUse(f"The rungs of a race must rise and lie between 0 and 1, not {values!r}.")


def _some(_: Any, field: attrs.Attribute[Any], values: tuple[Start, ...]) -> None:
    if not values or not all(isinstance(value, Start) for value in values):
        raise WrongUse(
            f"A race needs one candidate or more, none of them a race, but has {values!r:.200}."
        )


def _whole(_: Any, field: attrs.Attribute[Any], value: int | None) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise WrongUse(f"The budget of a race is steps, 1 or more, not {value!r:.40}.")


def _share_or_none(_: Any, field: attrs.Attribute[Any], value: float | None) -> None:
    if value is not None and not (isinstance(value, (int, float)) and 0.5 <= value < 1):
        raise WrongUse(
            f"The confidence of a race is 0.5 or more and below 1, or None to halve the field, "
            f"not {value!r:.40}."
        )


@attrs.frozen
class Race:
    """Tune all candidates a little, end some, and go on with the others.

    Attributes:
      candidates: who runs, the likeliest first: it wins between equals.
      rungs: rising shares of the target's steps, between 0 and 1. At each, those tuned so far
        are compared by their best validation score and the worse half ends, of an odd number
        the smaller half. Who is left after the last is tuned to the end.
      budget: steps that all of them may take together, None for any number. As many run as it
        pays for, the likeliest first.
      confidence: None to halve. Else at a rung those end who are further behind the leader than
        the noise of the scores accounts for, and nobody else, with this confidence that all who
        end do so rightly; one who is alone is tuned to the end without another look. A budget
        then ends who has the lowest scores where it does not pay for all.
    """

    candidates: tuple[Start, ...] = attrs.field(converter=tuple, validator=_some)
    rungs: tuple[float, ...] = attrs.field(converter=tuple, validator=_shares)
    budget: int | None = attrs.field(default=None, validator=_whole)
    confidence: float | None = attrs.field(default=None, validator=_share_or_none)


Candidate = Start | Race
