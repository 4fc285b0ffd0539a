"""A table for a notebook, as HTML. All text is escaped: names come from files and from plugins."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

#: Rows that a table shows; more are said to be there.
MOST_ROWS = 20


def html_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A titled table; numbers stand to the right, None is a dash.

    Args:
      title: a line above it.
      columns: headings.
      rows: cells, as many in each as `columns`; floats get two decimals. Of more than
        `MOST_ROWS`, the first are shown.
    """
    shown = rows[:MOST_ROWS]
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in shown)
    more = f"<p>and {len(rows) - len(shown):,} more</p>" if len(rows) > len(shown) else ""
    return (
        f"<div><p><b>{html.escape(title)}</b></p><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>{more}</div>"
    )


def _cell(value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    text = "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
    if isinstance(value, int) and number:
        text = f"{value:,}"
    side = "right" if number else "left"
    return f'<td style="text-align: {side}">{html.escape(text)}</td>'
