"""Text templates over the columns of a row."""

from __future__ import annotations

import string
from collections.abc import Mapping

import attrs


@attrs.frozen
class Template:
    """Text with columns in braces, ``review: {sentence}``; ``{{`` and ``}}`` stand for braces.

    Attributes:
      parts: literal text and the column that follows it, None at the end.
    """

    parts: tuple[tuple[str, str | None], ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns in the order of their first use."""
        return tuple(dict.fromkeys(c for _, c in self.parts if c is not None))

    def fill(self, cells: Mapping[str, str]) -> str:
        """The text with each column's cell in its place."""
        return "".join(t + ("" if c is None else cells[c]) for t, c in self.parts)


def parse_template(text: str) -> Template:
    """Reads a template.

    Raises:
      ValueError: the rest of a sentence that begins with the template: what is wrong.
    """
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"cannot be read ({error}); write {{{{ and }}}} for braces") from error
    parts: list[tuple[str, str | None]] = []
    for literal, column, form, conversion in parsed:
        if column == "":
            raise ValueError("has empty braces; name a column in them")
        if form or conversion:
            raise ValueError("has more than a column's name in its braces")
        parts.append((literal, column))
    template = Template(tuple(parts))
    if not template.columns:
        raise ValueError("names no column in braces")
    return template
