"""Translation and summarisation as t5.data writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spotfw.tasks.example import Example

_LANGUAGES = {"de": "German", "en": "English", "fr": "French", "ro": "Romanian"}


@attrs.frozen
class Translation:
    """``translate English to German: ...``.

    Attributes:
      source, target: codes of the languages, which are the columns' names.
    """

    source: str
    target: str

    def __call__(self, row: Mapping[str, Any]) -> tuple[Example, ...]:
        task = f"translate {_LANGUAGES[self.source]} to {_LANGUAGES[self.target]}: "
        return (Example(inputs=f"{task}{row[self.source]}", targets=row[self.target]),)


def summarize(row: Mapping[str, Any]) -> tuple[Example, ...]:
    """``summarize: ...`` with the highlights as the target."""
    return (Example(inputs=f"summarize: {row['article']}", targets=row["highlights"]),)
