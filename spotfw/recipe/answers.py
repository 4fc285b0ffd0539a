"""What a strategy answers, checked by kind before anything is tuned.

A strategy is anyone's function: it may give any value, also one without an end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from spotfw.contracts import (
    Candidate,
    Race,
    Start,
    StartFromAverage,
    StartFromMixture,
    StartFromPrompt,
    StartFromScratch,
)
from spotfw.errors import BrokenPart
from spotfw.plugins.strangers import TooMany, first_of, shown

#: Candidates taken of an answer beside one for each ranked prompt; each is a tuning.
MOST = 10_000

Item = TypeVar("Item")


def checked(given: Any, ranked: int) -> tuple[Candidate, ...]:
    """The candidates of an answer, each made anew of plain texts and numbers.

    Args:
      given: what the strategy gave.
      ranked: how many prompts it chose from.

    Raises:
      BrokenPart: it is no sequence of candidates, or one holds what its kind does not allow.
    """
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes, dict)):
        raise BrokenPart(
            f"The strategy gave {shown(given)}, which is no sequence of candidates. Give a list, "
            "also of a single one."
        )
    try:
        return tuple(_candidate(value) for value in first_of(given, MOST + ranked))
    except TooMany as error:
        raise BrokenPart(
            f"The strategy's answer has no end in sight: {error}. Each candidate is a tuning; "
            "give a few."
        ) from None


def _candidate(value: Any) -> Candidate:
    if isinstance(value, Race):
        starts: Any = [_start(start) for start in value.candidates]
        rungs: Any = [_number(rung, value) for rung in value.rungs]
        sure = value.confidence
        return Race(
            candidates=starts,
            rungs=rungs,
            budget=value.budget,
            confidence=None if sure is None else _number(sure, value),
        )
    return _start(value)


def _start(value: Any) -> Start:
    match value:
        case StartFromPrompt(id=identity):
            return StartFromPrompt(_text(identity, value))
        case StartFromAverage(ids=ids, weights=weights):
            names = _all(_text, ids, value)
            numbers = _all(_number, weights, value)
            if len(names) != len(numbers):
                raise _unfit(value, "an average needs one finite number for each of its prompts")
            return StartFromAverage(ids=names, weights=numbers)
        case StartFromMixture(tasks=tasks):
            return StartFromMixture(tasks=_all(_text, tasks, value))
        case StartFromScratch():
            return StartFromScratch()
    raise BrokenPart(
        f"The strategy gave {shown(value)}, which is no candidate. Give "
        "StartFromPrompt, StartFromAverage, StartFromMixture, StartFromScratch or a Race "
        "of these, of spotfw.contracts."
    )


def _all(check: Callable[[Any, Any], Item], values: Any, whole: Any) -> tuple[Item, ...]:
    if not isinstance(values, (Sequence, np.ndarray)) or isinstance(values, (str, bytes)):
        raise _unfit(whole, f"{shown(values)} is no sequence")
    if len(values) == 0:
        raise _unfit(whole, "it names nothing")
    return tuple(check(value, whole) for value in values)


def _text(value: Any, whole: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _unfit(whole, f"{shown(value)} is no name")
    return str.__str__(value)


def _number(value: Any, whole: Any) -> float:
    fits = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    try:
        number = float(value) if fits else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _unfit(whole, f"{shown(value)} is no finite number")
    return number


def _unfit(whole: Any, why: str) -> BrokenPart:
    return BrokenPart(
        f"The strategy gave {shown(whole, 200)}: {why}. Ids and tasks are texts, weights and "
        "rungs are numbers."
    )
