"""Similarity against transfer (figure 4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spotfw.study.findings.arithmetic import Correlation, pearson
from spotfw.study.findings.likeness import Point
from spotfw.study.report.drawing import BLUE, INK, ORANGE, Drawing, drawn, file_name, short, style

_COLUMNS = 2
_PANEL = (2.9, 2.5)


def correlations(by_target: Mapping[str, Sequence[Point]]) -> dict[str, Correlation]:
    """Pearson's correlation of each target's points."""
    return {
        task: pearson([p.similarity for p in points], [p.reduction for p in points])
        for task, points in by_target.items()
    }


def correlation_text(correlation: Correlation) -> str:
    """``r = 0.62, p < 0.001``, or why there is none."""
    if correlation.r is None or correlation.p is None:
        return f"no r: {correlation.why}"
    p = "p < 0.001" if correlation.p < 0.001 else f"p = {correlation.p:.3f}"
    return f"r = {correlation.r:.2f}, {p}"


def scatter(
    by_target: Mapping[str, Sequence[Point]], families: Mapping[str, str], metric: str
) -> Drawing:
    """A panel for each target, a point for each source prompt, with r and p (figure 4).

    Args:
      by_target: the points of each target.
      families: of the targets; prompts of a target's own family have another marker.
      metric: of the similarities.
    """
    name, title = file_name(f"figure4_{metric}"), f"Similarity ({metric}) against transfer"
    if not by_target:
        why = "it needs transfers from every source prompt (oracle = true), and none has finished"
        return Drawing(name=name, title=title, why=why)
    from matplotlib.figure import Figure

    rows = -(-len(by_target) // _COLUMNS)
    columns = min(_COLUMNS, len(by_target))
    with style(10.5):
        figure = Figure(
            figsize=(_PANEL[0] * columns, _PANEL[1] * rows + 0.35), layout="constrained"
        )
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (task, points) in zip(panels, by_target.items(), strict=False):
            _panel(axes, task, points, families.get(task))
        for axes in panels[len(by_target) :]:
            axes.set_visible(False)
        figure.supxlabel("similarity of task embeddings", fontsize=10.5)
        figure.supylabel("relative error reduction (%)", fontsize=10.5)
        _legend(figure)
        caption = (
            "Each point is a source prompt; its similarity is the mean over the target's runs. "
            "Pearson's r with its p-value. As the paper's figure 4."
        )
        return drawn(figure, name, title, caption, shrink=0.6)


def _panel(axes: Any, task: str, points: Sequence[Point], family: str | None) -> None:
    x = np.array([p.similarity for p in points])
    y = np.array([p.reduction for p in points])
    own = np.array([bool(family) and p.family == family for p in points])
    axes.axhline(0, color=INK, linewidth=0.6)
    axes.scatter(x[~own], y[~own], s=16, color=BLUE, alpha=0.75, linewidths=0)
    axes.scatter(x[own], y[own], s=24, color=ORANGE, marker="^", linewidths=0)
    correlation = pearson(list(x), list(y))
    if correlation.r is not None:
        slope, start = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        axes.plot(ends, start + slope * ends, color=INK, linewidth=1, linestyle="--")
    axes.set_title(
        f"{short(task, 26)}\n{correlation_text(correlation)}", loc="left", linespacing=1.3
    )
    axes.locator_params(nbins=5)


def _legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    figure.legend(
        handles=[
            Line2D([], [], linestyle="", marker="^", color=ORANGE, label="of the target's family"),
            Line2D([], [], linestyle="", marker="o", color=BLUE, label="of another"),
        ],
        loc="outside upper left",
        ncols=2,
    )
