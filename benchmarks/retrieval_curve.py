"""Score reached against steps paid: a table, paired tests, a figure.

Differences are paired by target (each a mean over seeds): intervals draw the targets again, and p
is of an exact two-sided permutation test that turns the signs of the differences (Fisher 1935). No
p is corrected: with as many policies as here, one of twenty is below 0.05 by chance.

From scratch was run for 200 and 400 steps, and with three seeds for 200 steps each. At equal cost a
policy is compared with the dearest of these that costs no more than it, so that what from scratch
would have made of the rest is not counted against it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np
import numpy.typing as npt

from benchmarks.english.figures import Table, bootstrap, interval
from spotfw import files

PAPER, ORACLE = "best of top 1, average tokens", "best of all sources (oracle)"
SCRATCH = (
    "from scratch",
    "from scratch, twice the steps",
    "from scratch, best of three seeds",
)
#: Lines of the figure: a name, and the policies on it.
LINES: dict[str, Sequence[str]] = {
    "from scratch": SCRATCH,
    **{
        f"best of top 1 and 3, {name}": [f"best of top {k}, {name}" for k in (1, 3)]
        for name in ("average tokens", "per token", "past transfers, average tokens")
    },
    **{
        f"{kind} of 4, 8 and 21, average tokens": [
            f"{kind} of {k}, average tokens" for k in (4, 8, 21)
        ]
        for kind in ("race", "noise race")
    },
    "oracle": [ORACLE],
}


@attrs.frozen
class Judged:
    """A policy over targets, means over seeds.

    Attributes:
      steps: paid for a target.
      scores: reached, target by target.
    """

    steps: float
    scores: list[float]

    @property
    def mean(self) -> float:
        """Over targets."""
        return float(np.mean(self.scores))


def sign_flips(differences: Sequence[float]) -> float:
    """Two-sided p of a mean difference of 0: the share of sign patterns that are as extreme."""
    values: npt.NDArray[np.float64] = np.asarray(differences, np.float64)
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=len(values))))
    means = np.abs(signs @ values)
    # The pattern itself counts, whatever rounding makes of its sum.
    return float(np.mean(means >= np.abs(values.sum()) - 1e-9))


def beside(judged: Mapping[str, Judged], steps: float) -> str:
    """The dearest from scratch that costs no more than so many steps; the cheapest of all else."""
    paid = [name for name in SCRATCH if judged[name].steps <= steps]
    return max(paid, key=lambda name: judged[name].steps) if paid else SCRATCH[0]


def difference(ours: Judged, theirs: Judged) -> list[float]:
    """Target by target."""
    return [float(value) for value in np.subtract(ours.scores, theirs.scores)]


def gap_closed(judged: Mapping[str, Judged], name: str) -> float:
    """Of the gap between the paper's best of top 1 and the oracle."""
    paper = judged[PAPER].mean
    return (judged[name].mean - paper) / (judged[ORACLE].mean - paper)


def curve_table(judged: Mapping[str, Judged]) -> Table:
    """A row a policy, cheapest first."""
    over = ["over scratch at no more steps", "p", "over best of top 1", "p"]
    table = [["policy", "steps paid", "score", *over, "of the gap closed"]]
    for name, policy in sorted(judged.items(), key=lambda item: item[1].steps):
        cells = list[str]()
        for base in (beside(judged, policy.steps), PAPER):
            apart = difference(policy, judged[base])
            cells += ["", ""] if base == name else [interval(apart), f"{sign_flips(apart):.3f}"]
        share = f"{100 * gap_closed(judged, name):+.0f} %"
        table.append([name, f"{policy.steps:,.0f}", f"{policy.mean:.2f}", *cells, share])
    return table


def draw(judged: Mapping[str, Judged], place: Path) -> None:
    """The figure, an SVG: points over the paper's best of top 1, with intervals, against steps."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    from spotfw.study.report.drawing import COLOURS, INK, MARKERS, drawn, style

    with style():
        figure = Figure(figsize=(8, 5))
        axes = figure.add_subplot()
        axes.axhline(0.0, color=INK, linewidth=1)
        for number, (line, names) in enumerate(LINES.items()):
            steps, means, below, above = [], [], [], []
            for name in names:
                apart = np.array(difference(judged[name], judged[PAPER]))
                low, high = bootstrap(len(apart), lambda chosen, apart=apart: apart[chosen].mean(1))
                # A little apart, so that bars at equal steps are all seen.
                steps.append(judged[name].steps * (1 + 0.012 * (number - 3)))
                means.append(float(apart.mean()))
                below.append(means[-1] - float(low))
                above.append(float(high) - means[-1])
            axes.errorbar(
                steps,
                means,
                yerr=[below, above],
                label=line,
                color=COLOURS[number],
                marker=MARKERS[number],
                linewidth=1.2,
                elinewidth=0.7,
                capsize=2,
            )
        axes.set_xscale("log")
        ticks = [200, 400, 800, 1600, 4000]
        axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("steps paid for a target, ranking included")
        axes.set_ylabel("points over best of top 1, average tokens")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
        figure.subplots_adjust(left=0.1, right=0.98, top=0.97, bottom=0.31)
        caption = "Bars are 95 % intervals of the paired differences, targets drawn again."
        svg = drawn(figure, place.stem, "Score against steps", caption).svg
    assert svg is not None
    files.write_atomically(place, svg)
