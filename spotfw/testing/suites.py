"""What a conformance suite is: named checks of one component, each with a promise in a sentence.

A check is a function with a docstring, its promise. It returns when the promise is kept,
fails an `expect` or raises anything else when it is not, and raises `Skip` when it does not apply.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any, Generic, Literal, TypeVar

import attrs

Subject = TypeVar("Subject")


@attrs.frozen
class Outcome:
    """The outcome of a check.

    Attributes:
      check: its name.
      status: ``passed``, ``failed`` or ``skipped``.
      said: one sentence with what was expected, or why it was skipped; empty when passed.
      error: what was raised where a check failed.
    """

    check: str
    status: Literal["passed", "failed", "skipped"]
    said: str = ""
    error: BaseException | None = attrs.field(default=None, repr=False, eq=False)


class Skip(Exception):
    """A check does not apply to this component; the message says why."""


class _NotKept(AssertionError):
    """A promise is not kept; the message says what was expected."""


def expect(kept: Any, sentence: str) -> None:
    """Fails the check with a sentence on what was expected, unless `kept`."""
    if not kept:
        raise _NotKept(sentence)


class Suite(Generic[Subject]):
    """The checks of one kind of component, in order.

    Args:
      kind: what is checked, e.g. ``similarity metric``.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._checks: list[Callable[[Subject], None]] = []

    def check(self, function: Callable[[Subject], None]) -> Callable[[Subject], None]:
        """Adds a check; a decorator. The function's docstring is its promise."""
        self._checks.append(function)
        return function

    @property
    def promises(self) -> dict[str, str]:
        """Name of each check and its promise."""
        return {c.__name__: inspect.getdoc(c) or "" for c in self._checks}

    def outcomes(self, subject: Subject, only: Collection[str] = ()) -> list[Outcome]:
        """Runs the checks, or those named; what a component raises fails its check alone."""
        return [_run(c, subject) for c in self._checks if not only or c.__name__ in only]

    def demand(self, name: str, outcomes: Collection[Outcome]) -> None:
        """Raises one AssertionError with a line for each failed check, if any failed."""
        __tracebackhide__ = True
        failed = [o for o in outcomes if o.status == "failed"]
        if failed:
            lines = "".join(f"\n- {o.check}: {o.said}" for o in failed)
            raise AssertionError(
                f"The {self.kind} {name!r} does not conform to spotfw's contract:{lines}"
            ) from failed[0].error


def name_of(component: Any) -> str:
    """The name of a component, or of its class."""
    name = getattr(component, "name", None)
    return name if isinstance(name, str) and name else type(component).__name__


def check_name(component: Any) -> None:
    """Has a name, a text without spaces or colons, and is an instance."""
    kind = type(component).__name__
    expect(
        not isinstance(component, type),
        f"expected an instance, got the class {getattr(component, '__name__', kind)}; "
        "give the hook an instance.",
    )
    name = getattr(component, "name", None)
    expect(isinstance(name, str) and name, f"expected {kind}.name to be a text, got {name!r}.")
    odd = [c for c in str(name) if c.isspace() or c == ":"]
    expect(
        not odd,
        f"expected a name without spaces or colons, because a colon separates the "
        f"distribution from the name, got {name!r}.",
    )


def _run(check: Callable[[Subject], None], subject: Subject) -> Outcome:
    name = check.__name__
    try:
        check(subject)
    except Skip as why:
        return Outcome(name, "skipped", str(why))
    except _NotKept as error:
        return Outcome(name, "failed", str(error), error)
    except Exception as error:
        promise = " ".join((inspect.getdoc(check) or name).split()).rstrip(".")
        what = " ".join(str(error).split())
        said = f"expected: {promise}; but it raised {type(error).__name__}: {what:.300}"
        return Outcome(name, "failed", said, error)
    return Outcome(name, "passed")
