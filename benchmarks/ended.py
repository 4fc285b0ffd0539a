"""A process of an engine that failed, and what it said."""

from __future__ import annotations


class EngineEnded(RuntimeError):
    """An engine's process failed; says which and why."""


def last_line(text: str) -> str:
    """Of what a process said before it failed: the error, without the way to it."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing")
