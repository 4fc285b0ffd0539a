"""Two studies in which every source was tuned from, in one form."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import attrs
import pandas as pd

from benchmarks.english import results
from spotfw_metrics import PastTransfers
from spotfw_metrics.past import Past, foretold

#: Of fusion by reciprocal ranks (Cormack et al. 2009); as `spotfw.ranking.fusion` has it.
CONSTANT = 60
#: Of the study on real text: the step whose prompt stands for a target, as its README has it.
STEP = 104

#: What a signal says of each source of a target by a seed; higher is more promising.
Signal = Callable[[str, int], "pd.Series"]


@attrs.frozen(eq=False)
class Course:
    """A study.

    Attributes:
      targets: names.
      runs: a row for each target, source and seed: ``score`` reached, ``course`` (the mean of the
        validation scores), ``selected`` (the best of them) and ``by_step``.
      scratch: the same of runs from scratch, and those with more steps.
      signals: by name.
      examples: validation examples of each target, where scores to select by are shares of them.
    """

    targets: tuple[str, ...]
    runs: pd.DataFrame
    scratch: pd.DataFrame
    signals: Mapping[str, Signal]
    examples: Mapping[str, int] = attrs.field(factory=dict)

    def truth(self, column: str) -> pd.DataFrame:
        """Targets by sources: the mean over seeds."""
        known = self.runs[self.runs[column].notna()]
        table = known.pivot_table(column, "task", "source")
        return table.loc[[name for name in self.targets if name in table.index]]

    def of(self, target: str, seed: int) -> pd.DataFrame:
        """The runs of a target and a seed, by source."""
        rows = self.runs[(self.runs.task == target) & (self.runs.seed == seed)]
        return rows.set_index("source")


def read_english(folder: Path) -> Course:
    """The study on real text."""
    read = results.read_results(folder)
    raw = pd.read_csv(folder / "rows.csv").selected
    rows = read.rows.assign(by_step=[_by_step(cell) for cell in raw])
    runs = rows[(rows.kind == "transfer") & (rows.seed == rows.source_seed)]
    alike, asked = read.similarities, read.signals
    alike = alike[alike.step == STEP]
    before = asked[asked.kind == "signal"].assign(seed=lambda frame: frame.source_seed)
    after = asked[(asked.kind == "drop") & asked.source.notna()]
    average, each = (
        _looked_up(alike[alike.metric == metric], "similarity")
        for metric in ("average_token", "per_token")
    )
    zero, centred = (_looked_up(before, name, -1) for name in ("loss", "centred"))
    tenth = _looked_up(after, "loss", -1)
    signals: dict[str, Signal] = {
        "average tokens": average,
        "per token": each,
        "zero-step loss": zero,
        "label-centred loss": centred,
        "gradient alignment": _looked_up(before, "gradient_cosine"),
        "loss after 10 steps": tenth,
        "loss drop in 10 steps": lambda target, seed: tenth(target, seed) - zero(target, seed),
        "average tokens + zero-step loss": fused([average, zero]),
        "per token + zero-step loss": fused([each, zero]),
        "per token + label-centred loss": fused([each, centred]),
        "per token + loss after 10 steps": fused([each, tenth]),
        "average tokens + per token + zero-step loss": fused([average, each, zero]),
        "gain on other targets": functools.partial(_elsewhere, runs, read.rows),
        **{
            f"past transfers, {name}": learned(runs, alike[alike.metric == metric], signal)
            for name, metric, signal in (
                ("average tokens", "average_token", average),
                ("per token", "per_token", each),
            )
        },
    }
    scratch = rows[rows.kind.isin(["scratch", "longer"])]
    facts = read.facts[(read.facts.role == "target") & (read.facts.kind == "labels")]
    examples = dict(zip(facts.task, facts.select_rows.astype(int), strict=True))
    return Course(tuple(read.targets), runs, scratch, signals, examples)


def read_miniature(folder: Path) -> Course:
    """The paper in miniature; its sources are prompts, each of a seed of its own."""
    rows = pd.read_csv(folder / "rows.csv", low_memory=False)
    runs = rows[rows.kind == "transfer"].assign(source=lambda frame: frame.source_id)
    runs = runs.assign(course=float("nan"), selected=runs.score, by_step=[{}] * len(runs))
    pairs = pd.read_csv(folder / "similarities.csv")
    pairs = pairs[(pairs.role_a == "target") & (pairs.role_b == "source")]
    prompts = _prompts(rows)
    pairs = pairs.assign(
        task=pairs.task_a, seed=pairs.seed_a, source=[prompts.get(id) for id in pairs.id_b]
    )
    sources = rows[rows.kind == "source"]
    tasks = dict(zip(sources.source_id, sources.task, strict=True))
    average, each = (
        _looked_up(pairs[pairs.metric == metric], "similarity")
        for metric in ("average_token_cosine", "per_token_cosine")
    )
    signals: dict[str, Signal] = {
        "average tokens": average,
        "per token": each,
        "average tokens + per token": fused([average, each]),
        **{
            f"past transfers, {name}": learned(runs, pairs[pairs.metric == metric], signal, tasks)
            for name, metric, signal in (
                ("average tokens", "average_token_cosine", average),
                ("per token", "per_token_cosine", each),
            )
        },
    }
    return Course(tuple(sorted(set(runs.task))), runs, rows[rows.kind == "baseline"], signals)


def learned(
    runs: pd.DataFrame,
    similarities: pd.DataFrame,
    signal: Signal,
    tasks: Mapping[str, str] | None = None,
) -> Signal:
    """What the metric `past_transfers` says with its own settings, the target itself left out.

    Args:
      runs: transfers; their scores are means over seeds.
      similarities: of past targets and sources by the prompt metric, likewise.
      signal: the prompt metric of the target and seed asked for.
      tasks: of sources that are prompts.
    """
    metric = PastTransfers()
    of_task = {name: name for name in set(runs.source)} if tasks is None else dict(tasks)
    scores, alike = (
        frame.assign(of=frame.source.map(of_task)).pivot_table(column, "task", "of")
        for frame, column in ((runs, "score"), (similarities, "similarity"))
    )
    alike = alike.reindex(index=scores.index, columns=scores.columns)
    past = Past(
        targets=tuple(scores.index),
        sources=tuple(scores.columns),
        scores=scores.to_numpy(float),
        alike=alike.to_numpy(float),
    )

    @functools.cache
    def value(target: str, seed: int) -> pd.Series:
        known = signal(target, seed).dropna()
        sources = [of_task.get(str(name)) for name in known.index]
        others = past.without(target)
        given = foretold(others, sources, known.to_numpy(float), metric.strength, metric.width)
        return pd.Series(given, index=known.index)

    return value


def fused(signals: Sequence[Signal]) -> Signal:
    """Reciprocal rank fusion, target by target and seed by seed."""

    def value(target: str, seed: int) -> pd.Series:
        ranks = [signal(target, seed).rank(ascending=False) for signal in signals]
        return sum(1.0 / (CONSTANT + rank) for rank in ranks)  # type: ignore[return-value]

    return value


def _looked_up(frame: pd.DataFrame, column: str, sign: int = 1) -> Signal:
    table = frame.pivot_table(column, ["task", "seed"], "source")

    def value(target: str, seed: int) -> pd.Series:
        if (target, seed) not in table.index:
            return pd.Series(float("nan"), index=table.columns)
        return sign * table.loc[(target, seed)]

    return value


def _elsewhere(runs: pd.DataFrame, rows: pd.DataFrame, target: str, seed: int) -> pd.Series:
    """What a source gained on all other targets: what a library of past transfers knows."""
    scratch = rows[rows.kind == "scratch"].set_index(["task", "seed"])["course"]
    others = runs[(runs.task != target) & runs.course.notna()]
    base = scratch.loc[list(zip(others.task, others.seed, strict=True))].to_numpy()
    return others.assign(gain=others.course - base).groupby("source").gain.mean()


def _by_step(cell: object) -> dict[int, float]:
    value = json.loads(str(cell))
    if not isinstance(value, dict):
        return {}
    return {int(step): float(score) for step, score in value.items()}


def _prompts(rows: pd.DataFrame) -> dict[str, str]:
    """Ids of prompts by how the similarities name them, the run's folder or the prompt's id."""
    sources = rows[rows.kind == "source"]
    named = {
        Path(str(folder)).name: id
        for folder, id in zip(sources.folder, sources.source_id, strict=True)
    }
    return {**named, **{id: id for id in sources.source_id}}
