"""The campaign: every act that there is, or some of them, and what came of each."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.campaigns import limits
from benchmarks.campaigns.acts.hostile import choices, collected, registered, runs, starts
from benchmarks.campaigns.verdict import CRASH, GARBLED, HANG, REFUSED, TAKEN, WRONG, Case

_SECONDS = 5.0


class Late(BaseException):
    """The case took too long."""


def cases(count: int, seed: int) -> Iterator[Case]:
    """All plugins, initializers and strategies in turn, or `count` of them, drawn."""
    # In this order: which are drawn depends on it.
    kinds = (collected, runs, choices, starts, registered)
    acts = [act for kind in kinds for act in kind.acts()]
    random = Random(f"hostile/{seed}")
    if count < len(acts):
        acts = random.sample(acts, count)
    handlers = limits.install(_late)
    try:
        for number, (what, act) in enumerate(acts):
            yield _judged(number, what, act)
    finally:
        limits.restore(handlers)


def _late(*_: Any) -> None:
    raise Late


def _judged(number: int, what: str, act: Callable[[], str | None]) -> Case:
    from spotfw.errors import SpotError

    verdict, detail = TAKEN, ""
    out = io.StringIO()
    limits.start(_SECONDS)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            wrong = act()
        if wrong:
            verdict, detail = WRONG, wrong
    except Late:
        verdict, detail = HANG, f"no end after {_SECONDS:g} s"
    except SpotError as error:
        verdict = REFUSED
        if "\x1b" in str(error):
            verdict, detail = GARBLED, "prints the control character 0x1b"
    except BaseException as error:
        verdict, detail = CRASH, f"{type(error).__name__} in {what.split()[0]}: {_text_of(error)}"
    finally:
        limits.start(0)
    if verdict in (TAKEN, REFUSED) and "hostile words" in out.getvalue():
        verdict, detail = WRONG, "a plugin prints to stdout"
    return Case(number=number, what=what, verdict=verdict, detail=detail)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:200]
    except BaseException:
        return ""
