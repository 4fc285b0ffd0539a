"""What scores are for: for what is said beside them, never for what they are."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_of_checkpoint = ContextVar("of_checkpoint", default=False)


@contextlib.contextmanager
def scoring_a_checkpoint() -> Iterator[None]:
    """What is scored within is a checkpoint of a tuning, which may not have learned much yet."""
    token = _of_checkpoint.set(True)
    try:
        yield
    finally:
        _of_checkpoint.reset(token)


def is_checkpoint() -> bool:
    """Whether what is scored now is a checkpoint of a tuning that goes on."""
    return _of_checkpoint.get()
