"""Seconds below a line that says what is waited for, in a terminal, until anything else is written.

They are drawn at the start of an empty line, at which the cursor stays: whatever is written next,
by this program, a library or the shell, goes over them, and nothing of the terminal's settings has
to be put back. The thread that draws cannot keep the process alive; while an import holds the
interpreter, it pauses.
"""

from __future__ import annotations

import os
import threading
from typing import TextIO

#: Seconds before the first is drawn, and from one to the next.
_EVERY = 1.0


class _Clock:
    """The seconds of one wait."""

    def __init__(self, stream: TextIO, every: float) -> None:
        self._stream = stream
        self._every = every
        self._process = os.getpid()
        # An interrupt may end a wait while it is being ended.
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._drawn = False
        threading.Thread(target=self._run, name="spotfw-clock", daemon=True).start()

    def end(self) -> None:
        """Takes the seconds away; nothing is drawn any more."""
        self._over.set()
        if os.getpid() != self._process:  # a fork has no such thread, and maybe its lock for good
            return
        with self._lock:
            if self._drawn:
                self._write("\x1b[2K")
                self._drawn = False

    def _run(self) -> None:
        seconds = 0.0
        while not self._over.wait(self._every):
            seconds += self._every
            with self._lock:
                if self._over.is_set() or not self._write(f"\x1b[2K  {seconds:.0f} s\r"):
                    return
                self._drawn = True

    def _write(self, text: str) -> bool:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # closed, full, broken
            return False
        return True


#: The wait that is on, if any.
_RUNNING: list[_Clock] = []


def begin(stream: TextIO, every: float = _EVERY) -> None:
    """Draws how long has been waited from now on; `stream` is a terminal with an empty line."""
    end()
    _RUNNING.append(_Clock(stream, every))


def end() -> None:
    """Ends the wait that is on, if any, and takes its seconds away."""
    while _RUNNING:
        _RUNNING.pop().end()
