"""Seeded randomness that is the same in every process, machine and Python version."""

from __future__ import annotations

import hashlib
from random import Random


def stream(*names: str | int) -> Random:
    """A generator of random numbers named by `names`; equal names give equal streams.

    `hash()` differs between processes, so the seed comes from SHA-256.
    """
    digest = hashlib.sha256("/".join(str(name) for name in names).encode()).digest()
    return Random(int.from_bytes(digest[:8], "big"))
