"""Learning curves: a small plot for each target."""

from __future__ import annotations

from spotfw.study.findings.curves import Curves
from spotfw.study.report.drawing import COLOURS, MARKERS, Drawing, drawn, short, style

#: Plots at most, and of them side by side.
_MOST, _ACROSS = 12, 3
_WIDE, _TALL = 3.1, 3.0
#: Colours of the lines, by place.
_ORDER = (0, 2, 5, 1, 3, 4)


def curves_figure(curves: Curves) -> Drawing:
    """Validation scores against steps: a line for each of the curves of a target."""
    name, title = "learning_curves", "Learning curves"
    if not curves.by_target:
        gone = f" ({curves.missing} that rows name)" if curves.missing else ""
        why = f"there are no run folders to read them from beside the rows{gone}"
        return Drawing(name=name, title=title, why=why)
    targets = list(curves.by_target)[:_MOST]
    across = min(_ACROSS, len(targets))
    down = -(-len(targets) // across)
    with style(8.5):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(_WIDE * across, _TALL * down), layout="constrained")
        for place, target in enumerate(targets):
            axes = figure.add_subplot(down, across, place + 1)
            lines = curves.by_target[target]
            for number, (label, curve) in enumerate(lines.items()):
                axes.plot(
                    [step for step, _ in curve],
                    [score for _, score in curve],
                    color=COLOURS[_ORDER[number % len(_ORDER)]],
                    marker=MARKERS[number % len(MARKERS)],
                    markersize=3.5,
                    linewidth=1.5,
                    label=short(label, 44),
                )
            axes.set_title(short(target, 36))
            axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), fontsize=7)
            axes.set_xlabel("step")
        left = len(curves.by_target) - len(targets)
        caption = (
            "Validation score at each checkpoint, the mean over seeds: from scratch, from the "
            "source task that serves the target best, and by the strategy that does."
        )
        if curves.others:
            caption += (
                " Also from the prompt for all targets (SPoT) that serves it best, and each way in "
                "which all weights were tuned, where there are such."
            )
        if left:
            caption += f" {left} more targets are left out."
        if curves.missing:
            caption += f" {curves.missing} runs are not there to be read."
        return drawn(figure, name, title, caption, shrink=0.75)
