"""Whether anything known before tuning tells which source will help a target."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr

from benchmarks.english.figures import Numbers, Table, bootstrap, interval
from benchmarks.english.results import METRICS, Results, gains

#: Numbers to be ranked.
Values: TypeAlias = "Sequence[float] | Numbers | pd.Series[float]"
#: Of fusion by reciprocal ranks (Cormack et al. 2009).
_RANK_OFFSET = 60.0


#: What is predicted: the score reported at the chosen checkpoint, or the mean of the scores to
#: select by over all checkpoints of a tuning.
TRUTHS = {"score": "reported score", "course": "whole course"}


def truth(read: Results, column: str) -> pd.DataFrame:
    """Targets by sources: the mean over seeds."""
    rows = read.rows[(read.rows.kind == "transfer") & read.rows[column].notna()]
    table = rows.pivot_table(column, "task", "source")
    return table.loc[[t for t in read.targets if t in table.index]]


def agreement(read: Results) -> Table:
    """How well the grid's scores predict themselves: the ceiling of any prediction.

    The order of sources by one seed against another seed's, and the reliability of the mean
    over three seeds that follows (Spearman and Brown).
    """
    table = [["target", *(f"seed against seed, {name}" for name in TRUTHS.values())]]
    reliability: dict[str, dict[str, float]] = {}
    for column in TRUTHS:
        rows = read.rows[(read.rows.kind == "transfer") & read.rows[column].notna()]
        reliability[column] = {}
        for target in (t for t in read.targets if t in set(rows.task)):
            by_seed = rows[rows.task == target].pivot_table(column, "source", "seed")
            pairs = [(0, 1), (0, 2), (1, 2)]
            ranks = [_spearman(by_seed[a], by_seed[b]) for a, b in pairs]
            reliability[column][target] = float(np.mean(ranks))
    for target in read.targets:
        cells = [reliability[c].get(target) for c in TRUTHS]
        table.append([target, *("" if c is None else f"{c:.2f}" for c in cells)])
    table.append(["mean", *(interval(list(reliability[c].values())) for c in TRUTHS)])
    means = [float(np.mean(list(reliability[c].values()))) for c in TRUTHS]
    table.append(["reliability of the mean of 3", *(f"{3 * m / (1 + 2 * m):.2f}" for m in means)])
    return table


def predictors(read: Results) -> dict[str, pd.DataFrame]:
    """Each signal, targets by sources, higher for what should help more; means over seeds."""
    signals: dict[str, pd.DataFrame] = {}
    s = read.similarities
    for metric in METRICS:
        for step in sorted(s.step.unique()):
            part = s[(s.metric == metric) & (s.step == step)]
            signals[f"{metric} cosine, step {step}"] = part.pivot_table(
                "similarity", "task", "source"
            )
    before = read.signals[read.signals.kind == "signal"]
    after = read.signals[(read.signals.kind == "drop") & read.signals.source.notna()]
    first = before.pivot_table("loss", "task", "source")
    tenth = after.pivot_table("loss", "task", "source")
    signals["zero-step loss"] = -first
    signals["zero-step label-centred loss"] = -before.pivot_table("centred", "task", "source")
    signals["zero-step accuracy"] = before.pivot_table("accuracy", "task", "source")
    signals["gradient cosine of two halves"] = before.pivot_table(
        "gradient_cosine", "task", "source"
    )
    signals["gradient norm, small first"] = -before.pivot_table("gradient_norm", "task", "source")
    signals["loss after 10 steps"] = -tenth
    signals["label-centred loss after 10 steps"] = -after.pivot_table("centred", "task", "source")
    signals["loss drop in 10 steps"] = first - tenth
    facts = read.facts[read.facts.role == "source"].set_index("task")
    own = read.rows[read.rows.kind == "source"].groupby("task").score.mean() - facts.majority
    size = facts.train_rows
    for name, values in (
        ("source's own score over its majority class", own),
        ("source's training rows", size),
    ):
        signals[name] = pd.DataFrame([values] * len(read.targets), index=read.targets)
    course = gains(read, "course")
    signals["gain of the source on other targets"] = pd.DataFrame(
        {t: course.drop(index=t, errors="ignore").mean() for t in read.targets}
    ).T
    pairs = (
        ("zero-step loss", "per_token cosine, step 104"),
        ("zero-step label-centred loss", "per_token cosine, step 104"),
        ("gain of the source on other targets", "per_token cosine, step 104"),
    )
    for a, b in pairs:
        signals[f"{a} and {b}, fused"] = _fused([signals[a], signals[b]], read.targets)
    return signals


def prediction_table(read: Results, column: str) -> Table:
    """Rank correlation with the true order, and regret, of each signal; means over targets."""
    true = truth(read, column)
    table = [["signal", "Spearman with the true order", "regret@1", "regret@3", "targets"]]
    for name, signal in predictors(read).items():
        known = [t for t in true.index if t in signal.index and signal.loc[t].notna().any()]
        figures = [_of_target(true.loc[t], signal.loc[t]) for t in known]
        columns = [interval([row[i] for row in figures]) for i in range(3)]
        table.append([name, *columns, str(len(known))])
    chance = [_chance(true.loc[t]) for t in true.index]
    regrets = [f"{np.mean([row[i] for row in chance]):+.2f}" for i in (0, 1)]
    table.append(["a source by chance", "0", *regrets, str(len(chance))])
    return table


def pairs_table(read: Results) -> Table:
    """The paper's Figure 5: similarity against gain over all pairs of source and target.

    Raw, and with each target's mean taken off both, so that targets differing as wholes do not
    make a correlation. Intervals: targets are drawn again, with all their pairs.
    """
    table = [["similarity", "gain", "pairs", "Pearson", "Spearman"]]
    for metric in METRICS:
        s = read.similarities
        s = s[(s.metric == metric) & (s.step == 104)]
        likeness = s.pivot_table("similarity", "task", "source")
        for column, name in TRUTHS.items():
            gained = gains(read, column)
            close = likeness.reindex(index=gained.index, columns=gained.columns)
            for centred in (False, True):
                a, b = close, gained
                if centred:
                    a, b = a.sub(a.mean(axis=1), axis=0), b.sub(b.mean(axis=1), axis=0)
                pairs = "within targets" if centred else "all"
                both = [_correlated(a, b, measure) for measure in (_pearson, _spearman)]
                table.append([metric, name, pairs, *both])
    return table


def _of_target(true: pd.Series[float], signal: pd.Series[float]) -> tuple[float, float, float]:
    """Spearman, and regret of the best of the first one and three, in points."""
    both = pd.DataFrame({"true": true, "signal": signal}).dropna()
    order = both.sort_values("signal", ascending=False, kind="stable").true.to_numpy()
    best = both.true.max()
    spearman = _spearman(both.true, both.signal)
    return spearman, float(best - order[0]), float(best - order[:3].max())


def _chance(true: pd.Series[float]) -> tuple[float, float]:
    """Expected regret of one and of three sources drawn evenly."""
    values = np.sort(true.dropna().to_numpy())
    best, count = values[-1], len(values)
    # The best of three drawn is value i if both others lie below it.
    places = np.arange(count)
    share = places * (places - 1) / 2.0
    return float(best - values.mean()), float(best - (share * values).sum() / share.sum())


def _pearson(a: Numbers, b: Numbers) -> float:
    return float(pearsonr(a, b).statistic)


def _spearman(a: Values, b: Values) -> float:
    value = spearmanr(a, b).statistic if len(set(a)) > 1 and len(set(b)) > 1 else 0.0
    return float(value)


def _fused(signals: Sequence[pd.DataFrame], targets: Sequence[str]) -> pd.DataFrame:
    """Reciprocal rank fusion, target by target."""
    ranks = [signal.reindex(targets).rank(axis=1, ascending=False) for signal in signals]
    columns = ranks[0].columns
    shares = [1.0 / (_RANK_OFFSET + rank[columns]) for rank in ranks]
    return functools.reduce(pd.DataFrame.add, shares)


def _correlated(
    a: pd.DataFrame, b: pd.DataFrame, measure: Callable[[Numbers, Numbers], float]
) -> str:
    rows = [
        (x[known].to_numpy(), y[known].to_numpy())
        for (_, x), (_, y) in zip(a.iterrows(), b.iterrows(), strict=True)
        for known in [x.notna() & y.notna()]
    ]

    def of(chosen: Sequence[int]) -> float:
        return float(
            measure(
                np.concatenate([rows[i][0] for i in chosen]),
                np.concatenate([rows[i][1] for i in chosen]),
            )
        )

    low, high = bootstrap(
        len(rows), lambda drawn: np.array([of(chosen) for chosen in drawn[:1_000]])
    )
    return f"{of(range(len(rows))):+.2f} [{low:+.2f}, {high:+.2f}]"
