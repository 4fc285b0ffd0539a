"""Values of a study's file, each read by its kind.

Each function takes the value and where it stands, and raises `WrongUse` where the value is of
another kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from spotfw.config import ModelTuningSettings, TuningSettings, exact
from spotfw.errors import WrongUse, did_you_mean

#: Whole numbers of a study are below this, as seeds are.
_END = 2**63


def check_known(values: Mapping[str, Any], known: Iterable[str], place: str, prefix: str) -> None:
    """Refuses keys that are not known.

    Args:
      values: the table.
      known: its keys.
      place: the file.
      prefix: where in the file the table stands, put before a key.
    """
    unknown = [key for key in values if key not in set(known)]
    if unknown:
        keys = ", ".join(f"{prefix}{key}" for key in unknown)
        hints = "".join(did_you_mean(key, known, most=1) for key in unknown)
        raise WrongUse(
            f"The study {place} has unknown keys: {keys}.{hints} Known: {', '.join(sorted(known))}."
        )


def read_settings(
    value: Any,
    where: str,
    kind: type[TuningSettings] | type[ModelTuningSettings] = TuningSettings,
) -> dict[str, Any]:
    """Settings of a tuning, as `kind` takes them, without a seed."""
    values = read_table(value, where)
    names = [field.name for field in attrs.fields(kind)]
    if "seed" in values:
        raise WrongUse(f"{where} has a seed. A study's seeds are the list seeds = [...].")
    check_known(values, [n for n in names if n != "seed"], where, "")
    try:
        kind.from_dict(values)
    except WrongUse as error:
        raise WrongUse(f"{where}: {error}") from error
    return values


def read_table(value: Any, where: str) -> dict[str, Any]:
    """A table of any keys."""
    if not isinstance(value, dict):
        raise WrongUse(f"{where} must be a table of keys, but is {value!r:.80}.")
    return dict(value)


def read_text(value: Any, where: str) -> str:
    """A text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise WrongUse(f"{where} must be a text, but is {value!r:.80}.")
    return value


def read_flag(value: Any, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongUse(f"{where} must be true or false, but is {value!r:.80}.")
    return value


def read_texts(value: Any, where: str) -> tuple[str, ...]:
    """A list of different texts, at least one of them."""
    if not isinstance(value, list) or not value:
        raise WrongUse(f"{where} must be a list of one name or more, but is {value!r:.80}.")
    return tuple(check_distinct([read_text(item, where) for item in value], where))


def read_numbers(least: int) -> Callable[[Any, str], tuple[int, ...]]:
    """Reads a list of different whole numbers from `least`, at least one of them."""

    def read(value: Any, where: str) -> tuple[int, ...]:
        whole = isinstance(value, list) and all(type(n) is int and least <= n < _END for n in value)
        if not whole or not value:
            raise WrongUse(
                f"{where} must be a list of whole numbers from {least}, but is {value!r:.80}."
            )
        return tuple(check_distinct(value, where))

    return read


def read_rates(value: Any, count: int, where: str) -> tuple[float, ...]:
    """As many finite numbers above 0 as there are tasks."""
    try:
        rates = [exact(rate, (float,)) for rate in value] if isinstance(value, list) else []
    except ValueError:
        rates = []
    if len(rates) != count or not all(rate > 0 for rate in rates):
        raise WrongUse(
            f"{where} must be one number above 0 for each of its {count} tasks, but is "
            f"{value!r:.80}."
        )
    return tuple(rates)


def check_distinct(items: list[Any], where: str) -> list[Any]:
    """The items, unless one stands there twice."""
    doubled = sorted({str(item) for item in items if items.count(item) > 1})
    if doubled:
        raise WrongUse(f"{where} has {', '.join(doubled)} more than once. Write each once.")
    return items
