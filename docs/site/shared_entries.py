"""Lets one entry of a docstring speak of several names: ``a, b: prompts [L, E]``."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ENTRY = re.compile(r"^( +)(\w+(?:, \w+)+): (.*(?:\n\1 +.*)*)", re.MULTILINE)


class SharedEntries(griffe.Extension):
    """Gives each of the names an entry of its own before the docstring is read."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _ENTRY.sub(_one_by_one, obj.docstring.value)


def _one_by_one(entry: re.Match[str]) -> str:
    indent, names, text = entry.groups()
    return "\n".join(f"{indent}{name}: {text}" for name in names.split(", "))
