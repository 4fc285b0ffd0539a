"""Scores as lines: against the model's size (figure 1), and against k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from spotfw.study.findings.arithmetic import (
    Spread,
    average,
    baseline_scores,
    models,
    of_model,
    oracle_scores,
    strategy_scores,
)
from spotfw.study.findings.paper_tables import SCRATCH, methods, targets_of
from spotfw.study.report.drawing import COLOURS, GREEN, INK, MARKERS, Drawing, drawn, style
from spotfw.study.rows import Row

SIZE = (5.4, 3.8)


def size_figure(rows: Sequence[Row], targets: Sequence[str] | None = None) -> Drawing:
    """The average score against the frozen model's size, a line for each method (figure 1).

    Of the strategies, the best over metrics and k is drawn at each size, for there is no room
    for all.
    """
    name, title = "figure1", "Score against model size"
    sizes = {row.model: row.parameters for row in rows if row.parameters}
    known = [model for model in models(rows) if model in sizes]
    if len(known) < 2:
        all_models = models(rows)
        why = (
            f"the sizes of only {len(known)} of {len(all_models)} models are known"
            if len(all_models) > 1
            else "the study has one model, and a line needs two sizes"
        )
        return Drawing(name=name, title=title, why=why)
    lines: dict[str, list[tuple[int, Spread]]] = {}
    for model in known:
        for method, spread in _at_size(of_model(rows, model), targets).items():
            lines.setdefault(method, []).append((sizes[model] or 0, spread))
    with style():
        figure, axes = _figure()
        for place, (method, ends) in enumerate(lines.items()):
            x = [size for size, _ in ends]
            _line(axes, x, [spread for _, spread in ends], place, label=method)
        axes.set_xscale("log")
        axes.minorticks_off()
        ticks = sorted(size for size in sizes.values() if size)
        axes.set_xticks(ticks, [_count(size) for size in ticks])
        axes.set_xlabel("weights of the frozen model (log scale)")
        axes.set_ylabel("average score")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        caption = (
            "Average over the targets; bars are the standard deviation over seeds. Of each "
            "strategy the best over metrics and k. As the paper's figure 1."
        )
        return drawn(figure, name, title, caption, shrink=0.65)


def k_figure(rows: Sequence[Row], targets: Sequence[str] | None = None) -> Drawing:
    """The average score of each strategy and metric against k, up to the oracle."""
    name, title = "score_by_k", "Score against k"
    tasks = list(targets or targets_of(rows))
    lines: dict[tuple[str, str | None], list[tuple[int, Spread]]] = {}
    for method, scores in strategy_scores(rows).items():
        mean = average(scores, tasks)
        if method.k is not None and mean is not None:
            lines.setdefault((method.strategy, method.metric), []).append((method.k, mean))
    if not lines:
        return Drawing(name=name, title=title, why="no strategy has a finished cell yet")
    strategies = list(dict.fromkeys(strategy for strategy, _ in lines))
    metrics = list(dict.fromkeys(metric for _, metric in lines))
    with style():
        figure, axes = _figure()
        for (strategy, metric), ends in lines.items():
            s, m = strategies.index(strategy), metrics.index(metric)
            by = f", {metric}" if metric else ""
            label = f"{strategy.replace('_', ' ')}{by}"
            _line(axes, [k for k, _ in ends], [mean for _, mean in ends], m, s, label=label)
        _level(axes, average(baseline_scores(rows), tasks), SCRATCH, INK)
        _level(axes, average(oracle_scores(rows), tasks), "oracle", GREEN)
        ks = sorted({k for ends in lines.values() for k, _ in ends})
        axes.set_xticks(ks)
        axes.set_xlabel("k, sources that the strategy may use")
        axes.set_ylabel("average score")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=1)
        caption = (
            "Average over the targets of each strategy; bars are the standard deviation over "
            "seeds. The oracle takes the best of all source prompts for each target and seed."
        )
        return drawn(figure, name, title, caption, shrink=0.65)


def _at_size(rows: Sequence[Row], targets: Sequence[str] | None) -> Mapping[str, Spread]:
    """Each method's average at one size; of each strategy the best metric and k."""
    tasks = list(targets or targets_of(rows))
    best: dict[str, Spread] = {}
    for (title, _, _), scores in methods(rows).items():
        mean = average(scores, tasks)
        if mean is not None and (title not in best or best[title].mean < mean.mean):
            best[title] = mean
    return best


def _figure() -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.add_subplot()


def _line(
    axes: Any, x: Sequence[float], ends: Sequence[Spread], colour: int, dash: int = 0, *, label: str
) -> None:
    """A line with bars of a standard deviation; its colour, marker and dash are its own."""
    axes.errorbar(
        x,
        [spread.mean for spread in ends],
        yerr=[spread.std for spread in ends],
        color=COLOURS[colour % len(COLOURS)],
        marker=MARKERS[(colour + 2 * dash) % len(MARKERS)],
        linestyle=("-", "--", ":", "-.")[dash % 4],
        linewidth=1.8,
        elinewidth=0.9,
        capsize=2.5,
        markersize=5.5,
        label=label,
    )


def _level(axes: Any, spread: Spread | None, name: str, colour: str) -> None:
    if spread is not None:
        axes.axhline(spread.mean, color=colour, linewidth=1.2, linestyle=(0, (5, 3)))
        axes.annotate(
            f"{name} {spread.mean:.1f}",
            (1, spread.mean),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 3),
            textcoords="offset points",
            ha="right",
            color=colour,
        )


def _count(size: int) -> str:
    for unit, name in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if size >= unit:
            return f"{size / unit:.3g}{name}"
    return str(size)
