"""A study's results with one model: its tables, figures and headline numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from spotfw.study.findings import arithmetic, likeness
from spotfw.study.findings.ablations import by_task
from spotfw.study.findings.arithmetic import Correlation
from spotfw.study.findings.curves import learning_curves
from spotfw.study.findings.paper_tables import (
    method_name,
    reductions,
    table1,
    table3,
    table4,
    table5,
    targets_of,
)
from spotfw.study.findings.parameters import parameters_table
from spotfw.study.findings.retrieval import retrieval_table
from spotfw.study.findings.tables import Cell, Table
from spotfw.study.grid.declaration import Study
from spotfw.study.report.curves import curves_figure
from spotfw.study.report.drawing import Drawing
from spotfw.study.report.heatmap import heatmap
from spotfw.study.report.lines import k_figure
from spotfw.study.report.missing import reasons
from spotfw.study.report.scatter import correlations, scatter
from spotfw.study.rows import Row, Similarity

#: A headline number: (the number, what it is, a remark).
Headline = tuple[str, str, str]


@attrs.frozen(kw_only=True)
class Results:
    """One model's results.

    Attributes:
      model: its name.
      headlines: the numbers to see first.
      methods, selection, transfers, gains: tables 1, 3, 4 and 5.
      by_task: table 1 target by target.
      parameters: what each method keeps for a task, and what a tuning of it takes.
      retrieval, correlation: how well metrics predict transfer.
      rankings: a table for each target; `no_rankings` says why there is none.
      by_k: the figure of scores against k.
      curves: the figure of scores against steps.
      heatmaps: figure 3 of each metric, then figure 6 of each.
      scatters: figure 4 of each metric.
    """

    model: str
    headlines: tuple[Headline, ...]
    methods: Table
    selection: Table
    transfers: Table
    gains: Table
    by_task: Table
    parameters: Table
    retrieval: Table
    correlation: Table
    rankings: Mapping[str, Table]
    no_rankings: str
    by_k: Drawing
    curves: Drawing
    heatmaps: tuple[Drawing, ...]
    scatters: tuple[Drawing, ...]

    def tables(self) -> list[Table]:
        """Every table that has a file, the rankings as one."""
        first = [self.methods, self.selection, self.transfers, self.gains]
        first += [self.by_task, self.parameters]
        ending = self.methods.name.removeprefix("table1")
        rankings = attrs.evolve(_all_rankings(self.rankings), name=f"rankings{ending}")
        return [*first, self.retrieval, self.correlation, rankings]

    def drawings(self) -> list[Drawing]:
        """Every figure."""
        return [self.by_k, self.curves, *self.heatmaps, *self.scatters]


def results(
    study: Study,
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    model: str,
    tick: Callable[[], None] = lambda: None,
    folder: str = ".",
) -> Results:
    """All of a model's results.

    Args:
      study: for targets, benchmarks and metrics.
      rows, similarities: of all models.
      model: whose results.
      tick: called after every figure.
      folder: the study's, where the runs lie.
    """
    rows = arithmetic.of_model(rows, model)
    # Similarities that a user wrote may name no model.
    similarities = [s for s in similarities if s.model in (model, "")]
    named = targets_of(rows)
    targets = [t for t in study.targets if t in named] if set(named) <= set(study.targets) else []
    targets = targets or named
    metrics = likeness.metrics_of(similarities)
    by_metric = {metric: likeness.points(rows, similarities, metric) for metric in metrics}
    correlated = {metric: correlations(points) for metric, points in by_metric.items()}
    families = {row.task: row.family for row in rows if row.kind == "baseline"}

    why = reasons(study, rows)

    def counted(drawing: Drawing) -> Drawing:
        tick()
        return drawing

    return Results(
        model=model,
        headlines=tuple(_headlines(rows, similarities, targets, correlated)),
        methods=_because(table1(rows, _benchmarks(study, named)), why["methods"]),
        selection=_because(table3(rows, targets), why["selection"]),
        transfers=_because(table4(rows, targets), why["transfers"]),
        gains=_because(table5(rows), why["transfers"]),
        by_task=_because(by_task(rows, targets), why["methods"]),
        parameters=_because(parameters_table(rows), why["methods"]),
        retrieval=_because(retrieval_table(rows, similarities), why["correlation"]),
        correlation=_because(_correlation_table(correlated, targets), why["correlation"]),
        no_rankings=why["rankings"],
        rankings=_rankings(rows, similarities, targets, families),
        by_k=counted(k_figure(rows, targets)),
        curves=counted(curves_figure(learning_curves(folder, rows, targets))),
        heatmaps=tuple(
            counted(
                heatmap(likeness.matrix(similarities, metric, each_run=each), metric, each_run=each)
            )
            for each in (False, True)
            for metric in likeness.compared_by(similarities)
        ),
        scatters=tuple(
            counted(scatter({t: points[t] for t in targets if t in points}, families, metric))
            for metric, points in by_metric.items()
        ),
    )


def _because(table: Table, why: str) -> Table:
    """The table with the reason that it gives where it has no row."""
    return attrs.evolve(table, empty=f"nothing: {why or 'what it needs has not ended yet'}")


def figure_count(similarities: Sequence[Similarity], models: int) -> int:
    """How many figures `results` of all models will make."""
    compared = likeness.compared_by(similarities)
    return models * (2 + 2 * len(compared) + len(likeness.metrics_of(similarities)))


def _headlines(
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    targets: Sequence[str],
    correlated: Mapping[str, Mapping[str, Correlation]],
) -> list[Headline]:
    baseline = arithmetic.baseline_scores(rows)
    headlines: list[Headline] = []
    scratch = arithmetic.average(baseline, targets)
    if scratch:
        headlines.append((f"{scratch.mean:.1f}", "from scratch", _of(len(targets), "target")))
    picks = {
        method: gain
        for method, scores in arithmetic.strategy_scores(rows).items()
        if (gain := arithmetic.change(baseline, scores, targets))
        and set(gain.targets) == set(targets)
    }
    if picks:
        best = max(picks, key=lambda method: picks[method].score.mean)
        points = picks[best].absolute.mean
        by = f" by {best.metric}" if best.metric else ""
        name = f"{method_name(best)}{by}: {points:+.1f} points"
        headlines.append((f"{picks[best].score.mean:.1f}", "best strategy of transfer", name))
    headlines += _other_methods(rows, targets)
    oracle = arithmetic.change(baseline, arithmetic.oracle_scores(rows), targets)
    if oracle and set(oracle.targets) == set(targets):
        points = oracle.absolute.mean
        headlines.append(
            (f"{oracle.score.mean:.1f}", "oracle", f"best source prompt: {points:+.1f} points")
        )
    for metric, by_target in correlated.items():
        values = [c.r for c in by_target.values() if c.r is not None]
        if values:
            clear = sum(1 for c in by_target.values() if c.r and c.r > 0 and (c.p or 0) < 0.05)
            mean = sum(values) / len(values)
            remark = f"{metric}; p < 0.05 and r > 0 on {clear} of {len(values)} targets"
            headlines.append((f"{mean:.2f}", "mean r of similarity and transfer", remark))
    for metric in likeness.metrics_of(similarities):
        first, having = likeness.same_family_first(similarities, metric)
        if having:
            what = "targets rank their own family first"
            headlines.append((f"{first} of {having}", what, metric))
    return headlines


def _other_methods(rows: Sequence[Row], targets: Sequence[str]) -> list[Headline]:
    """The average of each method that is no strategy: a generic prompt's, or all weights."""
    return [
        (f"{average.mean:.1f}", f"{before}{name}", _of(len(targets), "target"))
        for kind, before in (("generic", "SPoT "), ("model tuning", ""))
        for name, scores in arithmetic.named_scores(rows, kind).items()
        if len(arithmetic.whole_part(scores, targets)[0]) == len(targets)
        and (average := arithmetic.average(scores, targets))
    ]


def _correlation_table(
    correlated: Mapping[str, Mapping[str, Correlation]], targets: Sequence[str]
) -> Table:
    lines = [
        [
            target,
            metric,
            Cell(r.r, digits=2),
            Cell(r.p, digits=4),
            r.count,
            r.why or (f"{r.dropped} points are no numbers" if r.dropped else None),
        ]
        for target in targets
        for metric, by_target in correlated.items()
        if (r := by_target.get(target))
    ]
    return Table(
        name="correlation",
        title="Similarity and transfer, target by target",
        columns=["target", "metric", "r", "p", "source prompts", "remark"],
        rows=lines,
        notes=["Pearson's correlation of similarity with relative error reduction."],
    )


def _rankings(
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    targets: Sequence[str],
    families: Mapping[str, str],
) -> dict[str, Table]:
    """For each target its sources, by the first metric, with every metric's similarity."""
    metrics = likeness.metrics_of(similarities)
    ranked = {metric: likeness.rankings(similarities, metric) for metric in metrics}
    gained = reductions(rows)
    tables: dict[str, Table] = {}
    for target in targets:
        places = {
            metric: {place.source: place for place in ranked[metric].get(target, [])}
            for metric in metrics
        }
        if not any(places.values()):
            continue
        own = families.get(target)
        lines = []
        for place in places[metrics[0]].values():
            mark = "positive" if own and place.family == own else ""
            others = [places[metric].get(place.source) for metric in metrics]
            lines.append(
                [
                    place.rank,
                    Cell(place.source, mark="positive" if mark else ""),
                    place.family,
                    *(Cell(o.similarity if o else None, digits=3) for o in others),
                    *(o.rank if o else None for o in others[1:]),
                    Cell(gained.get((place.source, target)), sign=True),
                ]
            )
        ranks = [f"rank by {metric}" for metric in metrics[1:]]
        tables[target] = Table(
            name=f"ranking-{len(tables) + 1}",
            title=f"{target}{f' ({own})' if own else ''}",
            columns=["rank", "source", "family", *metrics, *ranks, "error reduction (%)"],
            rows=lines,
        )
    return tables


def _all_rankings(rankings: Mapping[str, Table]) -> Table:
    columns = next((table.columns for table in rankings.values()), ("rank", "source"))
    return Table(
        name="rankings",
        title="Every target's ranking of the sources",
        columns=["target", *columns],
        rows=[[target, *row] for target, table in rankings.items() for row in table.rows],
    )


def _benchmarks(study: Study, named: Sequence[str]) -> dict[str, Sequence[str]]:
    """The study's benchmarks, of targets that rows know by these names."""
    return {title: tasks for title, tasks in study.benchmarks.items() if set(tasks) <= set(named)}


def _of(count: int, what: str) -> str:
    return f"average of {count} {what}{'' if count == 1 else 's'}"
