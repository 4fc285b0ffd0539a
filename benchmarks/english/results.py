"""The study's rows, and what came of each strategy."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.english import declaration as study
from benchmarks.english.figures import Table, interval

METRICS = ("average_token", "per_token")
KS = (1, 3, 6, 9)
_WSC = "super_glue_wsc"


@dataclasses.dataclass(frozen=True)
class Results:
    """The CSV files as frames.

    Attributes:
      rows: tunings; `selected` is the best score to select by, `course` the mean over all
        checkpoints: no checkpoint is chosen, so it is less of a lottery.
      signals, similarities, facts: as `tables` wrote them.
    """

    rows: pd.DataFrame
    signals: pd.DataFrame
    similarities: pd.DataFrame
    facts: pd.DataFrame

    @property
    def targets(self) -> list[str]:
        """Targets that have all seeds from scratch."""
        scratch = self.rows[self.rows.kind == "scratch"]
        done = scratch.groupby("task").seed.nunique()
        return [t.task for t in study.TARGETS if done.get(t.task, 0) == len(study.SEEDS)]

    def of(self, kind: str, target: str, seed: int | None = None) -> pd.DataFrame:
        """Tunings of a target of one kind."""
        rows = self.rows[(self.rows.kind == kind) & (self.rows.task == target)]
        return rows if seed is None else rows[rows.seed == seed]

    def scratch(self, target: str) -> pd.Series[float]:
        """Scores from scratch by seed."""
        scores: pd.Series[float] = self.of("scratch", target).set_index("seed").score
        return scores.sort_index()

    def ranked(self, target: str, seed: int, metric: str, step: int = 104) -> list[str]:
        """Sources of a seed by likeness to the target, best first."""
        s = self.similarities
        s = s[(s.task == target) & (s.seed == seed) & (s.metric == metric) & (s.step == step)]
        return list(s.sort_values("similarity", ascending=False).source)


def read_results(folder: Path) -> Results:
    """Reads the CSV files of a folder."""
    rows = pd.read_csv(folder / "rows.csv")
    selected = [json.loads(cell) for cell in rows.selected]
    rows["selected"] = [
        float(max(scores.values()) if isinstance(scores, dict) else scores) for scores in selected
    ]
    # WSC's checkpoints are chosen by their loss, which is no score.
    rows["course"] = [
        float(np.mean(list(scores.values())))
        if isinstance(scores, dict) and task != _WSC
        else np.nan
        for scores, task in zip(selected, rows.task, strict=True)
    ]
    return Results(
        rows=rows,
        signals=pd.read_csv(folder / "signals.csv"),
        similarities=pd.read_csv(folder / "similarities.csv"),
        facts=pd.read_csv(folder / "facts.csv"),
    )


def source_table(read: Results) -> Table:
    """Every source's score beside what is to be had without it."""
    table = [["source", "metric", "score", "accuracy", "majority", "bag of words", "best step"]]
    facts = read.facts[read.facts.role == "source"].set_index("task")
    for source in study.SOURCES:
        rows = read.of("source", source.task)
        fact = facts.loc[source.task]
        metric = {"lm": "-loss (nats)", "text": "F1"}.get(str(fact.kind), str(fact.metrics))
        digits = "{:.2f}".format if fact.kind == "lm" else "{:.1f}".format
        table.append(
            [
                source.task + ("" if source.shippable else " (not shipped)"),
                "accuracy" if metric == "f1+em" else metric.replace("_with_invalid", ""),
                f"{digits(rows.score.mean())} ± {digits(rows.score.std())}",
                number(rows.accuracy.mean()),
                number(fact.majority),
                digits(fact.bag_of_words) if fact.kind == "lm" else number(fact.bag_of_words),
                ", ".join(str(step) for step in rows.sort_values("seed").step),
            ]
        )
    return table


def gains(read: Results, column: str = "score") -> pd.DataFrame:
    """Targets by sources: the gain over from scratch of the same seed, the mean over seeds.

    Args:
      column: ``score``, reported at the chosen checkpoint, or ``course``.
    """
    rows = read.rows[(read.rows.kind == "transfer") & (read.rows.seed == read.rows.source_seed)]
    scratch = read.rows[read.rows.kind == "scratch"].set_index(["task", "seed"])[column]
    base = scratch.loc[list(zip(rows.task, rows.seed, strict=True))].to_numpy()
    table = rows.assign(gain=rows[column] - base).pivot_table("gain", "task", "source")
    names = [name for name in read.targets if name in table.index]
    return table.loc[names, [s.task for s in study.SOURCES]]


def source_gains(read: Results) -> Table:
    """Sources by their mean gain over the targets they were tried on."""
    reported, course = gains(read), gains(read, "course")
    table = [["source", "gain, whole course", "targets better", "gain, reported", "best for"]]
    for source in course.mean().sort_values(ascending=False).index:
        column = course[source].dropna()
        best = [t for t in course.index if course.loc[t].idxmax() == source]
        table.append(
            [
                str(source),
                interval(list(column)),
                f"{int((column > 0).sum())} of {len(column)}",
                interval(list(reported[source].dropna())),
                ", ".join(best),
            ]
        )
    return table


def transfer_table(read: Results, column: str) -> Table:
    """Every pair's gain over from scratch, as the paper's Table 4 and Figure 4."""
    gained = gains(read, column)
    table = [["source", *gained.index]]
    for source in gained.columns:
        table.append([str(source), *(_signed(gained.loc[t, source]) for t in gained.index)])
    return table


def counts(read: Results) -> dict[str, tuple[int, int]]:
    """How often transfer was better than from scratch."""
    spread = {
        t: (
            read.scratch(t).std(),
            read.of("transfer", t).groupby("source").score.std().mean(),
        )
        for t in read.targets
    }
    counted = {}
    for name, column in (("reported score", "score"), ("whole course", "course")):
        gained = gains(read, column).to_numpy()
        known = gained[~np.isnan(gained)]
        above = int((known > 0).sum())
        best = int((np.nanmax(gained, axis=1) > 0).sum())
        counted[f"pairs above from scratch (mean of three seeds), {name}"] = above, len(known)
        counted[f"targets with a source above from scratch, {name}"] = best, len(gained)
    steadier = sum(b < a for a, b in spread.values())
    counted["targets steadier between seeds from a source than from scratch"] = (
        steadier,
        len(spread),
    )
    return counted


def number(value: object) -> str:
    return "" if value is None or pd.isna(value) else f"{float(value):.1f}"  # type: ignore[arg-type]


def _signed(value: float) -> str:
    return "" if np.isnan(value) else f"{value:+.1f}"
