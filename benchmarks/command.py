"""The command that a benchmark was run by, as its file of results keeps it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence


def command(name: str, words: Sequence[str] | None = None) -> str:
    """``python -m benchmarks.NAME`` and its words; a path of this machine's begins with FOLDER.

    Args:
      name: of the benchmark.
      words: behind it, by default this process's.
    """
    given = sys.argv[1:] if words is None else words
    return shlex.join(["python", "-m", f"benchmarks.{name}", *map(_elsewhere_too, given)])


def _elsewhere_too(word: str) -> str:
    """A word that says as much on another machine."""
    option, equals, path = word.partition("=") if word.startswith("-") else ("", "", word)
    if not os.path.isabs(path):
        return word
    place = "FOLDER" if os.path.isdir(path) else f"FOLDER/{os.path.basename(path)}"
    return f"{option}{equals}{place}"
