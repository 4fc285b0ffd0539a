"""Things that misbehave, of which parts and plugins are made."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar


class Bad(BaseException):
    """What no handler of Exception catches."""


class Unequal:
    """An object that can be neither compared, printed, hashed, counted nor asked for truth."""

    name = "unequal"

    def _no(self, *_: Any) -> Any:
        raise ZeroDivisionError("hostile")

    __eq__ = __hash__ = __repr__ = __str__ = __len__ = __bool__ = __iter__ = _no  # type: ignore[assignment]

    def __call__(self, *_: Any) -> Any:
        return []


class Prying:
    """Every attribute is there, and none can be had."""

    def __getattr__(self, name: str) -> Any:
        raise Bad(name)


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


def endless() -> Iterator[Any]:
    number = 0
    while True:
        number += 1
        yield SimpleNamespace(name=f"part{number}")


def printing(result: Any) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        print("hostile words on stdout")
        sys.stdout.write("more\n")
        return result

    return function


def part_named(name: Any) -> Any:
    """What has everything that any kind of part must have."""

    class Part:
        description = "hostile"
        settings: ClassVar[dict[str, Any]] = {}

        def __call__(self, *_: Any, **__: Any) -> Any:
            return []

        features = compare = with_model = folder = open = main = __call__

        def tasks(self) -> list[Any]:
            return []

    made = Part()
    made.name = name  # type: ignore[attr-defined]
    return made
