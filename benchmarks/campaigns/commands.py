"""The command line called in this process, as the campaigns call it."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from benchmarks.campaigns.verdict import Shown


def cli(*words: str | Path, stdin: str = "") -> Shown:
    """What ``spotfw WORDS...`` does, in this process."""
    from spotfw.cli import run as spotfw

    # A real file descriptor would be more than most cases need; encoding is the terminal's.
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    before = sys.stdin
    sys.stdin = io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = spotfw([str(word) for word in words])
    finally:
        sys.stdin = before
    for stream in (out, err):
        with contextlib.suppress(UnicodeError):
            stream.flush()
    texts = [s.buffer.getvalue().decode("utf-8", "replace") for s in (out, err)]
    return Shown(status, *texts)
