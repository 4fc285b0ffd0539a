"""The plugins of this process, which sessions and the command line share."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TypeVar

from spotfw.plugins.plugins import Plugins

_lock = threading.RLock()
_current: Plugins | None = None

T = TypeVar("T", Plugins, None)


def default_plugins() -> Plugins:
    """The plugins of this process: by default all that are installed, loaded at the first call."""
    global _current
    with _lock:
        if _current is None:
            _current = Plugins()
        return _current


@contextlib.contextmanager
def use_plugins(plugins: T) -> Iterator[T]:
    """Makes `plugins` those of this process within the block, as a test may want.

    All threads get them; processes started from here load what is installed.

    Args:
      plugins: None for what is installed, loaded anew when first wanted.
    """
    global _current
    with _lock:
        before, _current = _current, plugins
    try:
        yield plugins
    finally:
        with _lock:
            _current = before
