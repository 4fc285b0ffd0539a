"""What came of each way to choose where a target's tuning starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from benchmarks.english import declaration as study
from benchmarks.english.figures import Table, interval, mean_and_deviation
from benchmarks.english.results import KS, METRICS, Results, number


def strategies(read: Results) -> dict[str, Callable[[str, int], float]]:
    """Each strategy's score of a target and a seed; NaN where it was not run."""

    def best_of(chosen: Callable[[str, int], Sequence[str]]) -> Callable[[str, int], float]:
        def score(target: str, seed: int) -> float:
            rows = read.of("transfer", target, seed).set_index("source")
            return float(rows.loc[list(chosen(target, seed))].pipe(_selected).score)

        return score

    def top(metric: str, k: int) -> Callable[[str, int], float]:
        return best_of(lambda target, seed: read.ranked(target, seed, metric)[:k])

    def average(metric: str, k: int) -> Callable[[str, int], float]:
        def score(target: str, seed: int) -> float:
            rows = read.of("average", target, seed)
            rows = rows[(rows.metric == metric) & (rows.k == k)]
            return float(rows.score.iloc[0]) if len(rows) else float("nan")

        return score

    def longer(target: str, seed: int) -> float:
        rows = read.of("longer", target, seed)
        rows = rows[rows.k == 2]
        return float(rows.score.iloc[0]) if len(rows) else float("nan")

    def restarts(target: str, seed: int) -> float:
        return float(_selected(read.of("scratch", target)).score)

    def zero_step(k: int) -> Callable[[str, int], float]:
        return best_of(lambda target, seed: _by_signal(read, target, seed)[:k])

    def everything(target: str, seed: int) -> float:
        return float(_selected(read.of("transfer", target, seed)).score)

    def hindsight(target: str, seed: int) -> float:
        return float(read.of("transfer", target, seed).score.max())

    def random_source(target: str, seed: int) -> float:
        return float(read.of("transfer", target, seed).score.mean())

    scores: dict[str, Callable[[str, int], float]] = {
        "from scratch": lambda target, seed: float(read.scratch(target)[seed]),
        "from scratch, twice the steps": longer,
        "from scratch, best of three seeds": restarts,
        "any source, the mean": random_source,
    }
    for metric in METRICS:
        scores |= {f"best of top {k}, {metric}": top(metric, k) for k in KS}
    for metric in METRICS:
        scores |= {f"weighted average of {k}, {metric}": average(metric, k) for k in KS[1:]}
    scores |= {f"best of top {k}, zero-step loss": zero_step(k) for k in KS}
    scores["best of all sources (oracle)"] = everything
    scores["best of all in hindsight"] = hindsight
    return scores


def target_table(read: Results) -> Table:
    """The main table: a target a row, mean and deviation over seeds."""
    shown = {
        "from scratch": "from scratch",
        "from scratch, twice the steps": "x 2 steps",
        "from scratch, best of three seeds": "best of 3 seeds",
        **{f"best of top {k}, average_token": f"top {k}" for k in KS},
        "weighted average of 3, average_token": "weighted average, 3",
        "best of all sources (oracle)": "oracle",
    }
    known = strategies(read)
    table = [["target", "majority", "bag of words", *shown.values()]]
    facts = read.facts[read.facts.role == "target"].set_index("task")
    for target in read.targets:
        cells = [[known[name](target, seed) for seed in study.SEEDS] for name in shown]
        fact = facts.loc[target]
        table.append(
            [
                target,
                number(fact.majority),
                number(fact.bag_of_words),
                *(
                    f"{scores[0]:.1f}" if len(set(scores)) == 1 else mean_and_deviation(scores)
                    for scores in cells
                ),
            ]
        )
    means = [
        [float(np.mean([known[name](t, seed) for t in read.targets])) for seed in study.SEEDS]
        for name in shown
    ]
    table.append(["mean", "", "", *(mean_and_deviation(over_seeds) for over_seeds in means)])
    return table


def gain_table(read: Results) -> Table:
    """Each strategy's mean over targets and what it gains over from scratch."""
    known = strategies(read)
    scratch = known["from scratch"]
    table = [["strategy", "mean", "gain", "relative error reduction, %", "better / worse"]]
    for name, score in known.items():
        cells = {t: [score(t, s) for s in study.SEEDS] for t in read.targets}
        base = {t: [scratch(t, s) for s in study.SEEDS] for t in read.targets}
        gains = [float(np.mean(np.subtract(cells[t], base[t]))) for t in read.targets]
        errors = [
            100.0 * g / (100.0 - np.mean(base[t])) for g, t in zip(gains, read.targets, strict=True)
        ]
        signs = f"{sum(g > 0 for g in gains)} / {sum(g < 0 for g in gains)}"
        table.append(
            [
                name,
                mean_and_deviation(np.mean([cells[t] for t in read.targets], axis=0)),
                "" if name == "from scratch" else interval(gains),
                "" if name == "from scratch" else f"{np.mean(errors):+.1f}",
                "" if name == "from scratch" else signs,
            ]
        )
    return table


def _by_signal(read: Results, target: str, seed: int) -> list[str]:
    s = read.signals
    s = s[(s.kind == "signal") & (s.task == target) & (s.source_seed == seed)]
    return list(s.sort_values("loss").source)


def _selected(rows: pd.DataFrame) -> pd.Series:
    """The row with the best score to select by, the first of equals."""
    return rows.iloc[int(rows.selected.to_numpy().argmax())]
