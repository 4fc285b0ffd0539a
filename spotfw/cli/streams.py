"""The standard streams and the interrupt key of the process that a command runs in.

A stream may be closed, full or broken, and a person may press Ctrl-C more than once; none of
these may end a training, or show a traceback.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType

from spotfw.cli.display import Unprintable, end_wait, note, note_wait

#: Interrupts that follow the first within so many seconds say the same again.
_AGAIN = 3.0

#: The logger of what takes seconds, such as loading a library: INFO when it begins, DEBUG when it
#: has ended.
_WAITING = "spotfw.waiting"


@contextlib.contextmanager
def ready() -> Iterator[None]:
    """Prepares this process for a command, within the block and for its exit."""
    _fill_closed()
    logging.getLogger("spotfw").addHandler(_Notes())
    logging.getLogger(_WAITING).setLevel(logging.DEBUG)
    interrupts = _Interrupts()
    # Where interrupts are ignored (nohup), they stay so.
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, interrupts)
    try:
        yield
    finally:
        end_wait()
        if heard:
            # The command has ended: a further interrupt would only break the exit.
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        _end_quietly()


def flush() -> None:
    """Writes what waits for stdout.

    Raises:
      Unprintable: it cannot be written.
      BrokenPipeError: its reader has gone.
    """
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise Unprintable(getattr(error, "strerror", None) or str(error)) from error


def give_up_output() -> None:
    """Whatever waits for stdout is thrown away, also at the interpreter's end."""
    _to_nowhere(sys.stdout)


def _to_nowhere(stream: object) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
        finally:
            os.close(nowhere)
        stream.flush()  # type: ignore[attr-defined]


def _fill_closed() -> None:
    """Opens closed descriptors on nothing, or a file that is opened next would be written to."""
    while True:
        handle = os.open(os.devnull, os.O_RDWR)
        if handle > 2:
            os.close(handle)
            return


def _end_quietly() -> None:
    """Flushes the streams, so that Python does not complain at its exit that it cannot."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            _to_nowhere(stream)


class _Notes(logging.Handler):
    """Warnings for people, and what they wait for, printed as notes."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            note(self.format(record))
        elif record.name == _WAITING and record.levelno >= logging.INFO:
            note_wait(self.format(record))
        elif record.name == _WAITING:
            end_wait()


class _Interrupts:
    """The first Ctrl-C interrupts; others within seconds of it are ignored."""

    def __init__(self) -> None:
        self._heard = -_AGAIN

    def __call__(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._heard >= _AGAIN:
            self._heard = now
            end_wait()  # click writes an empty line, which would leave the seconds above it
            raise KeyboardInterrupt
