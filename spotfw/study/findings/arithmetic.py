"""The paper's arithmetic on a study's rows (section 3.2.3): means, changes, correlations.

A method's scores are a mapping from (target, seed) to a score in 0-100. Failed cells and
scores that are not a number count nowhere. Rows are of one frozen model; take those of
several apart with `of_model` first.

What the paper's tables are, as their numbers show:

* Standard deviations divide by the number of runs, not by one less. COPA has 100 examples, so
  its scores are whole numbers: three of them can give the mean and deviation of all 17 rows of
  table 4 if one divides by 3, of 7 rows if by 2.
* Table 3's relative change is the mean over targets of the relative error reduction. The best
  source of each column of table 4 gives 4.7 points and 20.9 %, a ratio of 4.41; the oracle's
  6.0 and 26.5 have 4.42. The reduction of the averages' error would have 3.95.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import attrs

from spotfw.errors import WrongUse
from spotfw.study.rows import Row

#: The score, 0-100, of each target and seed.
Scores = Mapping[tuple[str, int], float]

#: An error up to this is rounding, and none.
_NO_ERROR = 1e-9


def relative_error_reduction(baseline: float, score: float) -> float:
    """The share of the baseline's error that is gone, in percent (paper 3.2.1, table 5).

    100 * (score - baseline) / (100 - baseline); negative where the score is worse.

    Args:
      baseline, score: at most 100, up to rounding; a correlation, such as CoLA's, may be
        below 0.

    Raises:
      WrongUse: a score is above 100 or no number, or the baseline has no error to reduce.
    """
    for value in (baseline, score):
        if not -math.inf < value <= 100 + 1e-6:
            raise WrongUse(f"Scores are at most 100, but {value!r} was given.")
    if baseline >= 100:
        raise WrongUse("A baseline of 100 has no error left to reduce.")
    return 100 * (score - baseline) / (100 - baseline)


@attrs.frozen
class Spread:
    """Mean and standard deviation of some runs.

    Attributes:
      mean, std: of the values; the deviation divides by their number, as the paper's does.
      count: how many there are, at least one.
    """

    mean: float
    std: float
    count: int


@attrs.frozen(kw_only=True)
class Method:
    """A way of choosing what to start from: a strategy, its metric (or None) and its k."""

    strategy: str
    metric: str | None
    k: int | None


@attrs.frozen(kw_only=True)
class Change:
    """What a method gives over tuning from scratch (the columns of table 3).

    Attributes:
      absolute: points; for each seed the mean over targets of the score less the same
        seed's from scratch, then over seeds.
      relative: percent; likewise with each difference over the error, 100 - score, that is
        left from scratch on that target in the mean over seeds. Its mean is that of the
        targets' relative error reductions. None where no target has an error left.
      score: the mean over targets of the method's score, then over seeds.
      targets, seeds: what was averaged over.
      errorless: targets left out of `relative`, for from scratch none of their error is left.
    """

    absolute: Spread
    relative: Spread | None
    score: Spread
    targets: tuple[str, ...]
    seeds: tuple[int, ...]
    errorless: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Correlation:
    """Pearson's correlation, or why there is none.

    Attributes:
      r, p: the coefficient and its two-sided p-value; None where there is none.
      count: points that were used.
      dropped: points left out, for one of their values is not a number.
      why: the reason where `r` is None.
    """

    r: float | None
    p: float | None
    count: int
    dropped: int
    why: str | None = None


def spread(values: Iterable[float]) -> Spread | None:
    """Mean and standard deviation (over n, not n - 1); None of nothing."""
    values = list(values)
    if not values:
        return None
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
    return Spread(mean, math.sqrt(variance), len(values))


def finished(rows: Iterable[Row], *kinds: str) -> list[Row]:
    """Rows of these kinds that did not fail and whose score is a number."""
    return [
        row
        for row in rows
        if row.kind in kinds
        and row.error is None
        and row.score is not None
        and math.isfinite(row.score)
    ]


def models(rows: Iterable[Row]) -> list[str]:
    """The rows' models: the smaller before the larger where their sizes are known."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.model] = max(sizes.get(row.model, 0), row.parameters or 0)
    return sorted(sizes, key=lambda model: sizes[model])


def of_model(rows: Iterable[Row], model: str) -> list[Row]:
    """The rows of one model."""
    return [row for row in rows if row.model == model]


def baseline_scores(rows: Iterable[Row]) -> Scores:
    """Tuning from scratch."""
    return {(row.task, row.seed): _score(row) for row in finished(rows, "baseline")}


def oracle_scores(rows: Iterable[Row]) -> Scores:
    """The best of all source prompts, by brute force: for each target and seed (3.2.1)."""
    best: dict[tuple[str, int], float] = {}
    for row in finished(rows, "transfer"):
        key = row.task, row.seed
        best[key] = max(best.get(key, -math.inf), _score(row))
    return best


def strategy_scores(rows: Iterable[Row]) -> dict[Method, Scores]:
    """Each strategy with each metric and k, in the rows' order, k rising."""
    scores: dict[Method, dict[tuple[str, int], float]] = {}
    for row in finished(rows, "strategy"):
        method = Method(strategy=row.strategy or "", metric=row.metric, k=row.k)
        scores.setdefault(method, {})[row.task, row.seed] = _score(row)
    groups = list(dict.fromkeys((m.metric, m.strategy) for m in scores))
    order = {group: place for place, group in enumerate(groups)}
    return {
        method: scores[method]
        for method in sorted(scores, key=lambda m: (order[m.metric, m.strategy], m.k or 0))
    }


def named_scores(rows: Iterable[Row], kind: str) -> dict[str, Scores]:
    """Each task-agnostic source (``generic``), or way of tuning all weights (``model tuning``)."""
    scores: dict[str, dict[tuple[str, int], float]] = {}
    for row in finished(rows, kind):
        scores.setdefault(row.source or "", {})[row.task, row.seed] = _score(row)
    return dict(scores)


def pair_scores(rows: Iterable[Row]) -> dict[tuple[str, str], list[float]]:
    """The scores of every run of each transfer (source, target): a cell of table 4."""
    scores: dict[tuple[str, str], list[float]] = {}
    for row in finished(rows, "transfer"):
        scores.setdefault((row.source or "", row.task), []).append(_score(row))
    return scores


def prompt_scores(rows: Iterable[Row]) -> dict[tuple[str, int, str], list[float]]:
    """The same for each source prompt apart: (source, its seed, target)."""
    scores: dict[tuple[str, int, str], list[float]] = {}
    for row in finished(rows, "transfer"):
        key = row.source or "", row.source_seed or 0, row.task
        scores.setdefault(key, []).append(_score(row))
    return scores


def task_means(scores: Scores) -> dict[str, Spread]:
    """Each target's mean and standard deviation over seeds."""
    by_task: dict[str, list[float]] = {}
    for (task, _), score in scores.items():
        by_task.setdefault(task, []).append(score)
    return {task: mean for task, values in by_task.items() if (mean := spread(values))}


def average(scores: Scores, targets: Sequence[str]) -> Spread | None:
    """The mean over targets for each seed, then over seeds; see `whole_part`."""
    tasks, seeds = whole_part(scores, targets)
    if not tasks:
        return None
    return spread(math.fsum(scores[t, s] for t in tasks) / len(tasks) for s in seeds)


def whole_part(scores: Scores, targets: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The targets and seeds that can be averaged over while cells are missing.

    The seeds that have every target, so that averages stay comparable; where there is no
    such seed, the targets that every seed has.
    """
    seeds = sorted({seed for _, seed in scores})
    full = tuple(s for s in seeds if all((t, s) in scores for t in targets))
    if full and targets:
        return tuple(targets), full
    return tuple(t for t in targets if all((t, s) in scores for s in seeds)), tuple(seeds)


def change(baseline: Scores, scores: Scores, targets: Sequence[str]) -> Change | None:
    """What a method gives over the baseline; None where they share no target and seed."""
    both = {key: score for key, score in scores.items() if key in baseline}
    tasks, seeds = whole_part(both, targets)
    if not tasks or not seeds:
        return None
    scratch = task_means(baseline)
    left = {t: 100 - scratch[t].mean for t in tasks}
    errors = {t: error for t, error in left.items() if error > _NO_ERROR}
    gains = {s: {t: both[t, s] - baseline[t, s] for t in tasks} for s in seeds}
    absolute = spread(math.fsum(gains[s].values()) / len(tasks) for s in seeds)
    score = spread(math.fsum(both[t, s] for t in tasks) / len(tasks) for s in seeds)
    assert absolute is not None and score is not None
    return Change(
        absolute=absolute,
        relative=spread(
            math.fsum(100 * gains[s][t] / errors[t] for t in errors) / len(errors)
            for s in (seeds if errors else ())
        ),
        score=score,
        targets=tasks,
        seeds=seeds,
        errorless=tuple(t for t in tasks if t not in errors),
    )


def reduction(baseline: float, score: float) -> float | None:
    """The relative error reduction in percent; None where the baseline has no error left."""
    if 100 - baseline <= _NO_ERROR:
        return None
    return relative_error_reduction(baseline, score)


def pearson(x: Sequence[float], y: Sequence[float]) -> Correlation:
    """Pearson's correlation of two lists of equal length; never raises for their values.

    Fewer than three points, or values that do not vary, have no correlation: see `why`.
    """
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if math.isfinite(a) and math.isfinite(b)]
    count, dropped = len(pairs), len(x) - len(pairs)

    def none(why: str) -> Correlation:
        return Correlation(r=None, p=None, count=count, dropped=dropped, why=why)

    if count < 3:
        return none(f"{count} {'point' if count == 1 else 'points'}, and three are needed")
    left, right = zip(*pairs, strict=True)
    for name, values in (("similarities", left), ("scores", right)):
        # Up to rounding: the mean of equal numbers may differ in its last digit.
        if max(values) - min(values) <= 1e-12 * max(1.0, *map(abs, values)):
            return none(f"the {name} do not vary")
    from scipy.stats import pearsonr

    result = pearsonr(left, right)
    r, p = float(result.statistic), float(result.pvalue)
    if not math.isfinite(r):
        return none("the values hardly vary")
    return Correlation(r=r, p=p, count=count, dropped=dropped)


def _score(row: Row) -> float:
    assert row.score is not None
    return row.score
