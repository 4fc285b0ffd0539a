"""Clustered heatmaps of task similarity (figures 3 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from spotfw.study.findings.likeness import Embedded, Matrix
from spotfw.study.report.drawing import (
    INK,
    Drawing,
    drawn,
    family_colours,
    file_name,
    quiet,
    short,
    style,
    text_width,
)

#: Inches of a cell: one label must fit in it. Of the trees, the family strips, the gaps.
_CELL, _CELL_OF_RUNS = 0.2, 0.125
_TREE, _STRIP, _GAP = 0.75, 0.13, 0.05
_LONGEST = 28
#: Points of text.
_TEXT, _TEXT_OF_RUNS = 10.0, 8.0


def heatmap(matrix: Matrix, metric: str, *, each_run: bool = False) -> Drawing:
    """A matrix, its rows and columns in the order of an average-linkage clustering.

    Figure 3 has a label for each task, figure 6 (`each_run`) for each run. The distance of two
    tasks is the largest similarity of any two less theirs. Trees stand left and above, a strip
    beside them has the families' colours.
    """
    number = "figure6" if each_run else "figure3"
    name = file_name(f"{number}_{metric}")
    title = f"Task similarity by {metric}{', every run apart' if each_run else ''}"
    size = len(matrix.labels)
    if size < 3:
        missing = f"; left out: {', '.join(matrix.left_out)}" if matrix.left_out else ""
        return Drawing(
            name=name, title=title, why=f"{size} tasks were compared, and three are needed{missing}"
        )
    order, tree = _clustered(matrix)
    values = matrix.values[np.ix_(order, order)]
    labels = [matrix.labels[i] for i in order]
    what = "a row for each run" if each_run else "the mean over all pairs of runs"
    caption = (
        f"Similarity of task embeddings by {metric}, {what}, clustered by average linkage. As "
        f"the paper's figure {number[-1]}."
    )
    if matrix.left_out:
        caption += f" Left out, because similarities are missing: {', '.join(matrix.left_out)}."
    with style(_TEXT_OF_RUNS if each_run else _TEXT):
        figure = _figure(values, labels, tree, each_run)
        return drawn(figure, name, title, caption, shrink=0.9)


def _clustered(matrix: Matrix) -> tuple[list[int], dict[str, Any]]:
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    apart = np.nanmax(np.where(np.eye(len(matrix.values)), np.nan, matrix.values)) - matrix.values
    apart = np.clip((apart + apart.T) / 2, 0, None)
    np.fill_diagonal(apart, 0)
    joined = linkage(squareform(apart, checks=False), "average", optimal_ordering=True)
    tree: dict[str, Any] = dendrogram(joined, no_plot=True)
    return tree["leaves"], tree


def _figure(values: Any, labels: Sequence[Embedded], tree: dict[str, Any], each_run: bool) -> Any:
    from matplotlib.figure import Figure

    size = len(labels)
    cell = _CELL_OF_RUNS if each_run else _CELL
    # A small study's heatmap must still have room for its legend.
    side = max(size * cell, 3.2)
    point = _TEXT_OF_RUNS if each_run else _TEXT
    names = _names(labels, each_run)
    text = text_width(names, point) + 0.15
    families = family_colours(label.family for label in labels)
    wide = 0.2 + _TREE + _STRIP + 2 * _GAP + side + text
    # The legend is of full-size text, in as many columns as fit.
    longest = text_width(families, point) + 0.45
    columns = max(1, min(len(families), int(wide / longest)))
    legend = 0.25 + -(-len(families) // columns) * point * 1.6 / 72
    bar = 0.5
    tall = 0.1 + _TREE + _STRIP + 2 * _GAP + side + text + bar + legend
    figure = Figure(figsize=(wide, tall))

    def axes(left: float, bottom: float, width: float, height: float) -> Any:
        return figure.add_axes((left / wide, bottom / tall, width / wide, height / tall))

    left, bottom = 0.1 + _TREE + _STRIP + 2 * _GAP, legend + bar + text
    main = axes(left, bottom, side, side)
    off = values[~np.eye(size, dtype=bool)]
    image = main.imshow(
        values, cmap="cividis", vmin=off.min(), vmax=off.max(), aspect="auto", interpolation="none"
    )
    quiet(main)
    main.yaxis.tick_right()
    main.set_yticks(range(size), names)
    main.set_xticks(range(size), names, rotation=90)
    main.tick_params(length=0, pad=3)
    _tree(axes(left, bottom + side + _STRIP + 2 * _GAP, side, _TREE), tree, size, above=True)
    _tree(axes(0.1, bottom, _TREE, side), tree, size, above=False)
    colours = [families[label.family] for label in labels]
    _strip(axes(left, bottom + side + _GAP, side, _STRIP), colours, above=True)
    _strip(axes(0.1 + _TREE + _GAP, bottom, _STRIP, side), colours, above=False)
    scale = figure.colorbar(
        image, cax=axes(left, legend + bar - 0.16, min(side, 3), 0.13), orientation="horizontal"
    )
    scale.outline.set_visible(False)
    scale.ax.tick_params(length=2)
    _legend(figure, families, columns)
    return figure


def _names(labels: Sequence[Embedded], each_run: bool) -> list[str]:
    """What a label says; the role where a task is both source and target, the run's seed."""
    roles: dict[str, set[str]] = {}
    for label in labels:
        roles.setdefault(label.task, set()).add(label.role)
    return [
        short(label.task, _LONGEST)
        + (f" ({label.role})" if len(roles[label.task]) > 1 else "")
        + (f" #{label.seed}" if each_run else "")
        for label in labels
    ]


def _tree(axes: Any, tree: dict[str, Any], size: int, *, above: bool) -> None:
    """A dendrogram's lines: scipy puts leaf i at 5 + 10 i."""
    for places, heights in zip(tree["icoord"], tree["dcoord"], strict=True):
        along = [(place - 5) / 10 for place in places]
        x, y = (along, heights) if above else (heights, along)
        axes.plot(x, y, color=INK, linewidth=0.8)
    most = max(max(heights) for heights in tree["dcoord"]) or 1.0
    if above:
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(0, most * 1.03)
    else:
        axes.set_xlim(most * 1.03, 0)
        axes.set_ylim(size - 0.5, -0.5)
    quiet(axes)


def _strip(axes: Any, colours: Sequence[str], *, above: bool) -> None:
    from matplotlib.colors import to_rgb

    row = np.array([to_rgb(colour) for colour in colours])
    image = row[None] if above else row[:, None]
    axes.imshow(image, aspect="auto", interpolation="none")
    quiet(axes)


def _legend(figure: Any, families: dict[str, str], columns: int) -> None:
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(color=colour, label=name or "(no family)") for name, colour in families.items()
        ],
        loc="lower left",
        ncols=columns,
        handlelength=1,
        handleheight=0.9,
        columnspacing=1.2,
        borderaxespad=0.2,
    )
