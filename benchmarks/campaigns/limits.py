"""Ends a case that does not end: by processor time, so that a busy machine makes no hang."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

#: What waits without using the processor is ended after so many times its limit by the clock.
WAITING = 12

_TIMERS = ((signal.SIGPROF, signal.ITIMER_PROF, 1), (signal.SIGALRM, signal.ITIMER_REAL, WAITING))

#: What was there before, by signal.
Handlers = dict[signal.Signals, Any]


def install(late: Callable[..., Any]) -> Handlers:
    """Has `late` called, which must raise, when a limit is reached."""
    return {which: signal.signal(which, late) for which, _, _ in _TIMERS}


def restore(handlers: Handlers) -> None:
    """Puts back what `install` replaced."""
    for which, handler in handlers.items():
        signal.signal(which, handler)


def start(seconds: float) -> None:
    """Limits what follows to so many seconds of the processor; 0 lifts the limit."""
    for _, timer, factor in _TIMERS:
        signal.setitimer(timer, factor * seconds)
