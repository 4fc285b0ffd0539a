"""How well sources are chosen before any is tuned from, and what the choice is worth.

``python -m benchmarks.retrieval [--json FILE] [--figure FILE]`` prints the tables of
`retrieval.md`, in Markdown, from the rows of two studies that lie here and in which every source
was tuned from; the figure is an SVG of score against steps:

* `miniature`: 24 source prompts, 5 made-up targets, 3 seeds, on the playground;
* `english`: 21 source tasks, 12 targets of real text, 3 seeds, on a small English T5.

For a target and a seed a signal ranks the sources of that seed. What they are truly worth is the
mean over the seeds. A target's figures are means over seeds, a table's means over targets; the
intervals, 95 %, draw the targets again, and so do the differences to the paper's first metric.

Policies are replayed on the runs there are: who is tuned how far, which run the validation scores
choose, what that run reached on the test rows, and how many steps were paid, ranking included.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import numpy as np
import pandas as pd

from benchmarks.english import declaration
from benchmarks.english.figures import Table, interval, markdown
from benchmarks.retrieval_curve import PAPER, Judged, curve_table, draw, gap_closed
from benchmarks.retrieval_policies import POLICIES, Paid
from benchmarks.retrieval_studies import Course, read_english, read_miniature
from benchmarks.rows import Row, parser
from spotfw.cli.display import end_wait, note_wait
from spotfw.ranking.scores import ndcg, regret_at_k, spearman

FOLDER = Path(__file__).parent
BASE = "average tokens"
KS = (1, 3, 5)
SEEDS = declaration.SEEDS


def figures(values: pd.Series, truth: pd.Series) -> list[float]:
    """Spearman, regret at 1, 3 and 5, NDCG at 3, of one ranking; sources known to both."""
    both = pd.DataFrame({"signal": values, "truth": truth}).dropna()
    # NDCG has no gain below 0, and scores of correlations may be: nothing is worth less than 0.
    gain = both.truth.clip(lower=0.0)
    return [
        spearman(both.signal, both.truth),
        *(regret_at_k(both.signal, both.truth, k) for k in KS),
        ndcg(both.signal, gain, 3),
    ]


def prediction(course: Course, truth: pd.DataFrame) -> tuple[Table, dict[str, list[list[float]]]]:
    """A row a signal, and the figures by signal, target by target."""
    by_signal: dict[str, list[list[float]]] = {}
    for name, signal in course.signals.items():
        for target in truth.index:
            of_seeds = [
                figures(signal(target, seed), truth.loc[target])
                for seed in SEEDS
                if signal(target, seed).notna().any()
            ]
            if of_seeds:
                mean = np.nanmean(np.array(of_seeds), axis=0)
                by_signal.setdefault(name, []).append([float(v) for v in mean])
    head = ["signal", "Spearman", *(f"regret@{k}" for k in KS), "NDCG@3", "regret@1 less base's"]
    table = [[*head, "targets"]]
    base = by_signal[BASE]
    for name, rows in by_signal.items():
        cells = [interval([row[n] for row in rows]) for n in range(4)]
        less = ""
        if name != BASE and len(rows) == len(base):
            less = interval([a[1] - b[1] for a, b in zip(rows, base, strict=True)])
        mean = f"{np.mean([row[4] for row in rows]):.3f}"
        table.append([name, *cells, mean, less, str(len(rows))])
    return table, by_signal


def judge(course: Course) -> dict[str, Judged]:
    """Each policy, replayed."""
    judged = {}
    for name, policy in POLICIES.items():
        scores, steps = [], []
        for target in course.targets:
            paid: list[Paid] = [policy(course, target, seed) for seed in SEEDS]
            scores.append(float(np.mean([p.score for p in paid])))
            steps.append(float(np.mean([p.steps for p in paid])))
        judged[name] = Judged(float(np.mean(steps)), scores)
    return judged


def main(words: Sequence[str] | None = None) -> int:
    """Prints the tables; writes the goals' rows."""
    made = parser("retrieval", "How well sources are chosen.")
    made.add_argument("--figure", metavar="FILE", help="write score against steps as an SVG")
    given = made.parse_args(words)
    rows: list[Row] = []
    note_wait("Reading two studies ...")
    miniature, english = read_miniature(FOLDER / "miniature"), read_english(FOLDER / "english")
    say = sys.stdout.write
    end_wait()
    say("## Miniature\n\n" + markdown(prediction(miniature, miniature.truth("score"))[0]))
    for column, name in (("score", "reported score"), ("course", "whole course")):
        note_wait(f"Real text, {name} ...")
        table, by_signal = prediction(english, english.truth(column))
        end_wait()
        say(f"\n\n## Real text, {name}\n\n{markdown(table)}")
        rows += _goals(by_signal, name)
    note_wait("Score against steps ...")
    judged = judge(english)
    end_wait()
    say(f"\n\n## Score against steps, real text\n\n{markdown(curve_table(judged))}\n")
    rows += _gap(judged)
    if given.figure:
        draw(judged, Path(given.figure))
    if given.json:
        from benchmarks.rows import report

        return report("retrieval", rows, given.json, ("spotfw", "numpy", "scipy", "pandas"))
    return 0


def _goals(by_signal: Mapping[str, list[list[float]]], truth: str) -> list[Row]:
    """Regret at 1 of each signal against the paper's first metric's."""
    regret: Callable[[str], float] = lambda name: float(  # noqa: E731
        np.mean([row[1] for row in by_signal[name]])
    )
    base = regret(BASE)
    return [
        Row(
            f"regret@1, {truth}: {name}",
            round(regret(name), 3),
            round(base, 3),
            "points",
            round(regret(name) / base, 3),
            "<= 0.5 of average tokens'",
            regret(name) <= 0.5 * base,
        )
        for name in by_signal
        if name != BASE
    ]


def _gap(judged: Mapping[str, Judged]) -> list[Row]:
    """The share of the gap between the paper's best of top 1 and the oracle that is closed."""
    rows = []
    for name, policy in judged.items():
        share = gap_closed(judged, name)
        equal = policy.steps <= judged[PAPER].steps * 1.05
        goal = ">= 0.5 at best of top 1's steps"
        row = Row(f"gap closed: {name}", round(share, 3), None, "share", None, goal, None)
        rows.append(attrs.evolve(row, holds=share >= 0.5 if equal else None))
    return rows


if __name__ == "__main__":
    sys.exit(main())
