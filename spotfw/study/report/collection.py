"""A prompt library as one page: the map of its tasks, its prompts, what does not fit together."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from string import Template

import attrs

from spotfw import files
from spotfw.library import Entry
from spotfw.study.findings.collection import (
    Kind,
    Misfit,
    neighbours,
    prompt_name,
    task_matrix,
    task_name,
)
from spotfw.study.findings.tables import Cell, Table
from spotfw.study.report import markup
from spotfw.study.report.heatmap import heatmap
from spotfw.study.report.markup import escape
from spotfw.version import __version__

#: Tasks beyond which a map has no readable labels.
_MOST_ON_MAP = 150


def write_page(
    out: str, name: str, kinds: Sequence[Kind], listed: Sequence[Misfit], metric: str
) -> str:
    """Writes ``index.html``, which needs no other file, into a folder.

    Args:
      out: the folder, made where it is not there; a page of before is replaced.
      name: of the library, as the user says it.
      kinds: its prompts.
      listed: what does not fit together.
      metric: what compared them.

    Returns:
      the page's path.

    Raises:
      SpotError: it cannot be written.
    """
    place = files.join(out, "index.html")
    files.write_atomically(place, page(name, kinds, listed, metric).encode())
    return place


def page(name: str, kinds: Sequence[Kind], listed: Sequence[Misfit], metric: str) -> str:
    """The page's text; everything that files say is escaped."""
    template = Template(
        resources.files("spotfw.study.report").joinpath("page.html").read_text("utf-8")
    )
    parts = [f'<div class="tiles">{markup.tiles(_headlines(kinds, listed))}</div>']
    for number, kind in enumerate(kinds):
        several = f": {escape(kind.title)}" if len(kinds) > 1 else ""
        anchor = ' id="map"' if number == 0 else ""
        parts += [f"<h2{anchor}>Map of tasks{several}</h2>", _map(kind, metric, number)]
        anchor = ' id="prompts"' if number == 0 else ""
        parts += [f"<h2{anchor}>Prompts{several}</h2>", _prompts(kind, metric, number)]
    parts += ["<h2 id=misfits>What does not fit together</h2>", _misfits(listed)]
    return template.substitute(
        title=f"Prompt library {escape(name)}",
        about=_about(kinds, metric),
        body="\n".join(parts),
        foot=f"Made by spotfw {escape(__version__)} from the prompts' files. "
        "<code>spotfw library list</code> and <code>show</code> have the rest of each.",
    )


def _about(kinds: Sequence[Kind], metric: str) -> str:
    entries = [entry for kind in kinds for entry in kind.entries]
    tasks = len({task_name(entry) for entry in entries})
    families = len({entry.provenance.family for entry in entries if entry.provenance.family})
    what = (
        f"{len(entries):,} prompts of {tasks:,} tasks in {families:,} families, compared by "
        f"{metric}. {'; '.join(kind.title for kind in kinds)}."
    )
    links = "".join(
        f'<a href="#{place}">{title}</a>'
        for place, title in (
            ("map", "Map of tasks"),
            ("prompts", "Prompts and their neighbours"),
            ("misfits", "What does not fit together"),
        )
    )
    return f"<p>{escape(what)}</p><nav>{links}</nav>"


def _headlines(kinds: Sequence[Kind], listed: Sequence[Misfit]) -> list[tuple[str, str, str]]:
    entries = [entry for kind in kinds for entry in kind.entries]
    same = having = 0
    for kind in kinds:
        for entry, near in zip(kind.entries, neighbours(kind, 1), strict=True):
            family = entry.provenance.family
            others = {
                task_name(e) for e in kind.entries if family and e.provenance.family == family
            }
            if near and len(others) > 1:
                having += 1
                same += near[0][0].provenance.family == family
    tiles = [
        (f"{len(entries):,}", "prompts", f"{len({task_name(e) for e in entries}):,} tasks"),
        (f"{len(listed):,}", "findings", "what does not fit together, and why: below"),
    ]
    if having:
        tiles.insert(1, (f"{same} of {having}", "nearest is of the same family", "of another task"))
    return tiles


def _map(kind: Kind, metric: str, number: int) -> str:
    matrix = task_matrix(kind)
    drawing = heatmap(matrix, metric)
    if len(matrix.labels) > _MOST_ON_MAP:
        drawing = attrs.evolve(
            drawing, svg=None, png=None, why=f"{len(matrix.labels)} tasks have no room for labels"
        )
    caption = drawing.caption.replace(" As the paper's figure 3.", "")
    named = attrs.evolve(drawing, name=f"map-{number + 1}", caption=caption)
    return markup.figure(named, folder=None)


def _prompts(kind: Kind, metric: str, number: int) -> str:
    near = neighbours(kind)
    table = Table(
        name=f"prompts-{number + 1}",
        title=f"{len(kind.entries):,} prompts, and the three nearest of other tasks",
        columns=[
            *("prompt", "family", "score", "nearest", "second", "third"),
            *("step", "started from", "model", "created", "id"),
        ],
        rows=[_row(entry, places) for entry, places in zip(kind.entries, near, strict=True)],
        notes=[
            f"Similarity of task embeddings by {metric}; a neighbour of the same family is shaded."
        ],
    )
    return markup.table(table, searchable=True)


def _row(entry: Entry, near: Sequence[tuple[Entry, float]]) -> list[Cell | str | int | None]:
    facts = entry.provenance
    cells: list[Cell] = []
    for other, similarity in near:
        same = bool(facts.family) and other.provenance.family == facts.family
        cells.append(
            Cell(f"{prompt_name(other)} {similarity:+.3f}", mark="positive" if same else "")
        )
    cells += [Cell(None)] * (3 - len(cells))
    return [
        *(prompt_name(entry), facts.family or None, Cell(facts.score, digits=1), *cells),
        *(facts.step, facts.started_from or None, facts.model or None),
        *((facts.created or "")[:10] or None, entry.id),
    ]


def _misfits(listed: Sequence[Misfit]) -> str:
    if not listed:
        return (
            '<p class="soft">Nothing: all prompts are of one kind, say what they are, and lie '
            "nearest to their own task and family.</p>"
        )
    table = Table(
        name="misfits",
        title=f"{len(listed):,} findings",
        columns=["what", "why"],
        rows=[[misfit.what, misfit.why] for misfit in listed],
    )
    return markup.table(table, searchable=len(listed) > 10)
