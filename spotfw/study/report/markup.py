"""Tables and figures as HTML. All text is escaped: names of tasks come from users."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

from spotfw.study.findings.tables import Cell, Table
from spotfw.study.report.drawing import Drawing

#: Texts longer than this may take several lines.
_LONG = 30

#: Said where a table is wider than the screen; the page's script shows it.
SCROLL = '<p class="scroll" hidden>The table is wider than the screen: scroll it sideways.</p>'


def escape(value: object) -> str:
    """Text as HTML, also within a quoted attribute."""
    return html.escape(str(value), quote=True)


def breakable(text: str) -> str:
    """An escaped name that may break after underscores, slashes and dots of long names."""
    safe = escape(text)
    if len(text) < 9:
        return safe
    return safe.replace("_", "_<wbr>").replace("/", "/<wbr>")


def table(
    shown: Table,
    *,
    heading: int = 3,
    pinned: int = 0,
    under: tuple[str, str] | None = None,
    searchable: bool = False,
) -> str:
    """A table that sorts by its headings and scrolls within itself where it is too wide.

    Args:
      shown: the table.
      heading: level of its title.
      pinned: rows that stay on top whatever is sorted.
      under: (column, other): the column is not shown by itself, but small below the other.
      searchable: has a field whose words a row must have to be shown.
    """
    numeric = [any(row[c].is_number for row in shown.rows) for c in range(len(shown.columns))]
    below = shown.columns.index(under[0]) if under and under[0] in shown.columns else None
    above = shown.columns.index(under[1]) if under and below is not None else None
    columns = [c for c in range(len(shown.columns)) if c != below]
    head = "".join(
        f'<th scope="col"{" class=n" if numeric[c] else ""}>'
        f'<button type="button">{breakable(shown.columns[c])}</button></th>'
        for c in columns
    )
    body = "".join(
        f"<tr{' data-pinned' if place < pinned else ''}>"
        + "".join(
            _cell(
                row[c], numeric[c], first=c == 0, below=row[below] if below and c == above else None
            )
            for c in columns
        )
        + "</tr>\n"
        for place, row in enumerate(shown.rows)
    )
    if not shown.rows:
        body = f'<tr><td colspan="{len(columns)}" class="none">{escape(shown.empty)}</td></tr>'
    title = f"<h{heading}>{escape(shown.title)}</h{heading}>"
    first, rest = shown.notes[:1], shown.notes[1:]
    notes = "".join(f"<p>{escape(note)}</p>" for note in first)
    if len(rest) > 3:
        items = "".join(f"<li>{escape(note)}</li>" for note in rest)
        notes += f"<details><summary>{len(rest)} remarks</summary><ul>{items}</ul></details>"
    else:
        notes += "".join(f"<p>{escape(note)}</p>" for note in rest)
    search = (
        f'<p><input type="search" data-search="{escape(shown.name)}" '
        f'placeholder="Search" aria-label="Search in {escape(shown.title)}"></p>'
        if searchable and shown.rows
        else ""
    )
    return (
        f'<section class="table" id="table-{escape(shown.name)}">{title}{search}{SCROLL}'
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(shown.title)}">'
        f'<table data-table="{escape(shown.name)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
        + (f'<div class="notes">{notes}</div>' if notes else "")
        + "</section>"
    )


def figure(drawing: Drawing, folder: str | None = "figures", *, heading: int = 3) -> str:
    """A figure with its SVG inside, or why it is left out; `folder` has its files, if any."""
    title = f"<h{heading}>{escape(drawing.title)}</h{heading}>"
    if drawing.svg is None:
        return (
            f'<section class="left-out" id="figure-{escape(drawing.name)}">{title}'
            f"<p>Left out: {escape(drawing.why)}.</p></section>"
        )
    size = f' style="min-width:min({drawing.least}px,64rem);max-width:{drawing.width}px"'
    files = (
        ""
        if folder is None
        else " ".join(
            f'<a href="{folder}/{escape(drawing.name)}.{kind}">{kind.upper()}</a>'
            for kind in ("svg", "png")
        )
    )
    return (
        f'<section id="figure-{escape(drawing.name)}">{title}'
        f'<figure data-figure="{escape(drawing.name)}">'
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(drawing.title)}">'
        f'<div class="drawing" role="img" aria-label="{escape(drawing.caption)}"{size}>'
        f"{drawing.inline()}</div></div>"
        f"<figcaption>{escape(drawing.caption)} <span class=files>{files}</span></figcaption>"
        "</figure></section>"
    )


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Headline numbers: (number, what it is, a remark)."""
    return "".join(
        f"<div class=tile><b>{escape(number)}</b><span>{escape(what)}</span>"
        f"<small>{escape(remark)}</small></div>"
        for number, what, remark in items
    )


def folded(title: str, inside: str) -> str:
    """What only some readers want, behind its title."""
    return f"<details><summary>{escape(title)}</summary>{inside}</details>"


def _cell(cell: Cell, numeric: bool, *, first: bool, below: Cell | None) -> str:
    long = len(cell.text) > _LONG and not numeric
    classes = " ".join(filter(None, ["n" if numeric else "", "long" if long else "", cell.mark]))
    attributes = f' class="{classes}"' if classes else ""
    if isinstance(cell.value, (int, float)) and math.isfinite(cell.value):
        attributes += f' data-value="{cell.value:.6g}"'
    mean, plus, std = cell.text.partition(" ± ") if cell.std is not None else (cell.text, "", "")
    inside = (
        f"{escape(mean)}<small> ± {escape(std)}</small>"
        if plus
        else (breakable if long else escape)(mean)
    )
    if below is not None:
        inside += f"<small class=below>{escape(below.text)}</small>"
    if first:
        return f'<th scope="row"{attributes}>{inside}</th>'
    return f"<td{attributes}>{inside}</td>"
