"""What a part does, in a line: its own `description`, or the first line of its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from spotfw.errors import plain
from spotfw.plugins.plugins import Plugins
from spotfw.plugins.rows import default_settings
from spotfw.plugins.strangers import is_an_interrupt

#: Characters of a line.
_LONGEST = 160


def described(plugins: Plugins, kind: str) -> Iterator[dict[str, Any]]:
    """All parts of a kind for a listing.

    Args:
      plugins: what is installed.
      kind: ``metric``, ``strategy`` ...

    Yields:
      ``name``, ``description``, ``settings`` with their defaults, ``origin``.
    """
    for part in plugins.components(kind):
        yield {
            "name": part.name,
            "description": description(part.value),
            "settings": default_settings(part),
            "origin": part.owner,
        }


def description(part: Any) -> str:
    """The line; empty where there is none. A stranger's part may do anything when it is asked."""
    try:
        text = getattr(part, "description", None)
        if not isinstance(text, str):
            text = inspect.getdoc(type(part)) or ""
        first = " ".join(str.__str__(text).strip().partition("\n\n")[0].split())
    except BaseException as error:
        if is_an_interrupt(error):
            raise
        return ""
    first = plain(first)
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]} ..."
