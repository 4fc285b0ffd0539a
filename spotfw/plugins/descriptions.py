"""What a part does, in a line: its own `description`, or the first line of its docstring."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from spotfw.errors import plain
from spotfw.plugins.parts import Component
from spotfw.plugins.plugins import Plugins
from spotfw.plugins.settings import settings_of
from spotfw.plugins.strangers import ENDING

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
            "settings": _settings(part),
            "origin": part.owner,
        }


def description(part: Any) -> str:
    """The line; empty where there is none. A stranger's part may do anything when it is asked."""
    try:
        text = getattr(part, "description", None)
        if not isinstance(text, str):
            text = inspect.getdoc(type(part)) or ""
        first = " ".join(str.__str__(text).strip().partition("\n\n")[0].split())
    except ENDING:
        raise
    except BaseException:
        return ""
    first = plain(first)
    return first if len(first) <= _LONGEST else f"{first[:_LONGEST]} ..."


def _settings(part: Component) -> dict[str, Any]:
    try:
        return {name: setting.value for name, setting in settings_of(part.value).items()}
    except ENDING:
        raise
    except BaseException:  # whoever asks for the part hears of it
        return {}
