"""A terminal of so many columns and lines, drawn from what a command writes to a real pty."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

#: The sizes that every command is looked at in.
SIZES = ((80, 24), (120, 40))

#: What differs from run to run, and what stands for it in a snapshot; as long where it can be.
_MASKS = (
    (r"\b\d+:\d\d:\d\d\b|-:--:--", "h:mm:ss"),
    (r"\b[\d.,]+ s\b(?! \()", "N s"),
    (r"\b[0-9a-f]{8,32}\b", lambda match: "x" * len(match[0])),
)


class Terminal:
    """What a person sees of a command: the screen, and what has run out of it at the top.

    Args:
      columns, lines: its size.
    """

    def __init__(self, columns: int, lines: int) -> None:
        pyte = pytest.importorskip("pyte", reason="pyte, which draws terminals, is not installed")
        self.columns, self.lines = columns, lines
        self._screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=1)
        self._stream = pyte.ByteStream(self._screen)

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Makes it the terminal of this process's stdout and stderr within."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self.lines, self.columns, 0, 0))
        reader = threading.Thread(target=self._read, args=(ours,), daemon=True)
        reader.start()
        kept = os.dup(1), os.dup(2)
        streams = sys.stdout, sys.stderr
        try:
            os.dup2(theirs, 1)
            os.dup2(theirs, 2)
            # The descriptors are kept as they are: others look at 1 and 2 for the size.
            sys.stdout = open(1, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            sys.stderr = open(2, "w", closefd=False, encoding="utf-8")  # noqa: SIM115
            yield
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            sys.stdout, sys.stderr = streams
            for number, copy in enumerate(kept, 1):
                os.dup2(copy, number)
                os.close(copy)
            # All copies of this end are closed now, so the reader comes to an end.
            os.close(theirs)
            reader.join()
            os.close(ours)

    def text(self) -> str:
        """All lines so far, the oldest first, without blanks at their ends."""
        above = ["".join(line[x].data for x in range(self.columns)) for line in self._above()]
        text = "\n".join(line.rstrip() for line in [*above, *self._screen.display])
        return text.rstrip("\n") + "\n"

    def _above(self) -> list[dict[int, object]]:
        return list(self._screen.history.top)

    def _read(self, handle: int) -> None:
        while True:
            try:
                data = os.read(handle, 65536)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            self._stream.feed(data)


def masked(text: str, *folders: str | Path) -> str:
    """The text without times, digests and the folders, which differ from run to run."""
    for folder in folders:
        text = text.replace(str(folder), "FOLDER")
    for pattern, mask in _MASKS:
        text = re.sub(pattern, mask, text)
    return text
