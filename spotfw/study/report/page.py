"""The page: all results of a study in one HTML file that needs no network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from string import Template

from spotfw.recipe.progress.figures import duration
from spotfw.study.findings.coverage import Coverage
from spotfw.study.grid.declaration import Study
from spotfw.study.report import markup, runs
from spotfw.study.report.drawing import Drawing
from spotfw.study.report.markup import escape
from spotfw.study.report.results import Results
from spotfw.study.report.runs import total
from spotfw.study.rows import Row
from spotfw.version import __version__


def page(
    study: Study,
    rows: Sequence[Row],
    covered: Sequence[Coverage],
    by_model: Sequence[Results],
    by_size: Drawing,
) -> str:
    """The whole page.

    Args:
      study: what was asked for.
      rows: of every model.
      covered: how much is done.
      by_model: the results of each model.
      by_size: figure 1.
    """
    several = len(by_model) > 1
    chooses = bool(study.strategies or study.oracle) or any(
        row.kind in ("strategy", "transfer") for row in rows
    )
    parts = [_missing(covered), _failed_note(covered)]
    parts += [_headlines(results, rows, several) for results in by_model]
    for place, results in enumerate(by_model):
        title = f"Model {escape(results.model)}" if several else ""
        parts.append(_model(results, title, place, by_size if not several else None, chooses))
    if several:
        parts.append("<h2 id=sizes>Model sizes</h2>" + markup.figure(by_size))
    parts += [runs.cells(rows, covered), runs.settings(study), runs.versions(rows)]
    template = Template(
        resources.files("spotfw.study.report").joinpath("page.html").read_text("utf-8")
    )
    return template.substitute(
        title=escape(study.name),
        about=_about(study, rows, covered, chooses),
        body="\n".join(filter(None, parts)),
        foot=f"Made by spotfw {escape(__version__)} from the study's rows. Tables are also in "
        "tables/ as CSV and Markdown, figures in figures/ as SVG and PNG.",
    )


def _about(study: Study, rows: Sequence[Row], covered: Sequence[Coverage], chooses: bool) -> str:
    mixed = [task for generic in study.generics for task in generic.tasks]
    mixed += [task for tuning in study.model_tunings for task in tuning.tasks]
    counts = [
        _count(len({*study.sources, *mixed}), "source task"),
        _count(len(study.targets), "target task"),
        _count(len(study.seeds), "seed"),
        f"{sum(c.done for c in covered):,} of {sum(c.asked for c in covered):,} cells done",
    ]
    models = "models" if len(study.models) > 1 else "model"
    what = f"Soft prompt transfer on the frozen {models} {', '.join(study.models)}."
    spent = [
        f"{duration(total(getattr(row, f'{kind}_seconds') for row in rows))} {words}"
        for kind, words in (("wall", "of tuning"), ("cpu", "of processor time"))
    ]
    created = sorted(row.created for row in rows if row.created)
    when = f"{created[0][:10]} to {created[-1][:10]}. " if created else ""
    if created and created[0][:10] == created[-1][:10]:
        when = f"{created[0][:10]}. "
    links = "".join(
        f'<a href="#{place}">{title}</a>'
        for place, title in (
            ("strategies", "Strategies" if chooses else "Methods"),
            ("transfers", "Transfers"),
            ("similarity", "Task similarity"),
            ("rankings", "Rankings"),
            ("runs", "Runs"),
            ("settings", "Settings and versions"),
        )
    )
    return (
        f"<p>{escape(what)} {escape(', '.join(counts))}.</p>"
        f"<p>{escape(when)}{escape(', '.join(spent))}, summed over cells.</p><nav>{links}</nav>"
    )


def _missing(covered: Sequence[Coverage]) -> str:
    missing = [(c.missing, c.kind) for c in covered if c.missing]
    if not missing:
        return ""
    kinds = ", ".join(f"{count} {kind}" for count, kind in missing)
    return (
        f'<p class="warning">The study is not finished. Missing cells: {escape(kinds)}. '
        "<code>spotfw study resume</code> goes on with them; averages say where they are over "
        "less.</p>"
    )


def _failed_note(covered: Sequence[Coverage]) -> str:
    failed = sum(c.failed for c in covered)
    if not failed:
        return ""
    return (
        f'<p class="warning">{_count(failed, "cell")} failed; '
        '<a href="#failed">their errors</a> are below.</p>'
    )


def _headlines(results: Results, rows: Sequence[Row], several: bool) -> str:
    """The numbers to see first; of several models each under its name."""
    tiles = f'<div class="tiles">{markup.tiles(results.headlines)}</div>'
    if not several:
        return tiles
    sizes = {row.parameters for row in rows if row.model == results.model and row.parameters}
    size = f", {max(sizes):,} weights" if sizes else ""
    return f"<h2>Model {escape(results.model)}{size}</h2>{tiles}"


def _model(results: Results, title: str, place: int, by_size: Drawing | None, chooses: bool) -> str:
    def anchor(name: str) -> str:
        return f' id="{name}"' if place == 0 else ""

    prefix = f"{title}: " if title else ""
    cards = "".join(
        markup.table(table, heading=4, under=("family", "source"))
        for table in results.rankings.values()
    )
    figure3, figure6 = _halves(results.heatmaps)
    # Where nothing was chosen, there is but from scratch to compare with.
    choices = [markup.table(results.selection, pinned=1), markup.figure(results.by_k)]
    return "\n".join(
        filter(
            None,
            [
                f"<h2{anchor('strategies')}>{prefix}{'Strategies' if chooses else 'Methods'}</h2>",
                *(choices if chooses else ()),
                markup.table(results.methods, pinned=1),
                markup.table(results.by_task, pinned=1),
                markup.table(results.parameters),
                markup.figure(results.curves),
                markup.figure(by_size) if by_size is not None else "",
                f"<h2{anchor('transfers')}>{prefix}Transfers</h2>",
                markup.table(results.transfers, pinned=1),
                markup.table(results.gains),
                f"<h2{anchor('similarity')}>{prefix}Task similarity</h2>",
                *(markup.figure(drawing) for drawing in figure3),
                *(markup.figure(drawing) for drawing in results.scatters),
                markup.table(results.correlation),
                markup.table(results.retrieval),
                *(markup.figure(drawing) for drawing in figure6),
                f"<h2{anchor('rankings')}>{prefix}Each target's ranking of the sources</h2>",
                '<p class="soft">Similarity is the mean over all pairs of runs; sources of the '
                "target's own family are shaded. Press a heading to sort by it.</p>",
                f'<div class="cards">{cards}</div>'
                if cards
                else f'<p class="soft">No rankings: {escape(results.no_rankings)}.</p>',
            ],
        )
    )


def _halves(heatmaps: Sequence[Drawing]) -> tuple[Sequence[Drawing], Sequence[Drawing]]:
    half = len(heatmaps) // 2
    return heatmaps[:half], heatmaps[half:]


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
