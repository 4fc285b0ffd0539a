"""Times and numbers for people."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time for people: ``45 s``, ``3 min``, ``2 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def number(value: float) -> str:
    """A number with two decimals, or two digits where it is small: ``0.50``, ``0.0004``."""
    # A loss of 0.0004 must not read as nothing.
    return f"{value:.2f}" if value == 0 or abs(value) >= 0.1 else f"{value:.2g}"
