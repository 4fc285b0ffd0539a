"""How alike tasks are, from a study's similarities: matrices, rankings, and what they foretell.

An embedding is known by its role (``source`` or ``target``), task and seed. Similarities may
stand in either order, and are of one model.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.study.findings.arithmetic import (
    baseline_scores,
    finished,
    prompt_scores,
    reduction,
    spread,
    task_means,
)
from spotfw.study.findings.tables import Table, mean_cell
from spotfw.study.rows import Row, Similarity

Floats = npt.NDArray[np.float64]

#: A measure of a ranking: (similarities [N], transfer scores [N]) -> a number, or None.
Measure = Callable[[Floats, Floats], float | None]


@attrs.frozen
class Embedded:
    """A task embedding, or with seed None all of a task's: (role, task, seed), and its family."""

    role: str
    task: str
    seed: int | None
    family: str = attrs.field(default="", eq=False)


@attrs.frozen(eq=False)
class Matrix:
    """Similarities of embeddings with each other.

    Attributes:
      labels: N of them.
      values: float64 [N, N], symmetric; NaN on the diagonal where an embedding was not
        compared with itself.
      left_out: names of tasks left out, for a similarity is missing or not a number.
    """

    labels: tuple[Embedded, ...]
    values: Floats
    left_out: tuple[str, ...]


@attrs.frozen
class Point:
    """A source prompt against a target (figure 4).

    Attributes:
      source, seed, family: the prompt's.
      similarity: to the target's embedding, the mean over the target's runs.
      reduction: the relative error reduction that the prompt gives there, in percent.
    """

    source: str
    seed: int
    family: str
    similarity: float
    reduction: float


@attrs.frozen
class Place:
    """A source task in a target's ranking: the mean similarity over all pairs of runs."""

    rank: int
    source: str
    family: str
    similarity: float


def metrics_of(similarities: Iterable[Similarity]) -> list[str]:
    """The metrics, in the order of the similarities."""
    return list(dict.fromkeys(one.metric for one in similarities))


def matrix(similarities: Iterable[Similarity], metric: str, *, each_run: bool = False) -> Matrix:
    """Every task against every other, the mean over all pairs of runs (footnote 11, figure 3).

    Args:
      similarities: of any metrics.
      metric: the one wanted.
      each_run: one label an embedding instead of one a task (figure 6).
    """
    sums: dict[tuple[Embedded, Embedded], list[float]] = {}
    labels: dict[Embedded, Embedded] = {}
    for a, b, value in _pairs(similarities, metric):
        if not each_run:
            a, b = attrs.evolve(a, seed=None), attrs.evolve(b, seed=None)
        labels.setdefault(a, a)
        labels.setdefault(b, b)
        sums.setdefault((a, b), []).append(value)
        if a != b:
            sums.setdefault((b, a), []).append(value)
    names = list(labels)
    values = np.full((len(names), len(names)), np.nan)
    places = {name: place for place, name in enumerate(names)}
    for (a, b), found in sums.items():
        values[places[a], places[b]] = np.mean(found)
    kept = _comparable(values)
    return Matrix(
        labels=tuple(names[i] for i in kept),
        values=values[np.ix_(kept, kept)],
        left_out=tuple(sorted({names[i].task for i in set(range(len(names))).difference(kept)})),
    )


def rankings(similarities: Iterable[Similarity], metric: str) -> dict[str, list[Place]]:
    """Each target's source tasks from most to least alike; ties by name."""
    found: dict[str, dict[str, list[float]]] = {}
    families: dict[str, str] = {}
    for target, source, value in _target_pairs(similarities, metric):
        found.setdefault(target.task, {}).setdefault(source.task, []).append(value)
        families[source.task] = source.family
    ranked = {}
    for task, sources in found.items():
        means = {source: float(np.mean(values)) for source, values in sources.items()}
        order = sorted(means, key=lambda s: (-round(means[s], 12), s))
        ranked[task] = [
            Place(rank, source, families[source], means[source])
            for rank, source in enumerate(order, start=1)
        ]
    return ranked


def same_family_first(similarities: Sequence[Similarity], metric: str) -> tuple[int, int]:
    """How many targets rank a source of their own family first, of how many that have one."""
    families = {t.task: t.family for t, _, _ in _target_pairs(similarities, metric)}
    first = having = 0
    for task, places in rankings(similarities, metric).items():
        if any(place.family == families[task] for place in places):
            having += 1
            first += places[0].family == families[task]
    return first, having


def points(
    rows: Sequence[Row], similarities: Iterable[Similarity], metric: str
) -> dict[str, list[Point]]:
    """Each target's source prompts: similarity against relative error reduction (figure 4)."""
    alike: dict[tuple[str, int, str], list[float]] = {}
    families: dict[str, str] = {}
    for target, source, value in _target_pairs(similarities, metric):
        alike.setdefault((source.task, source.seed or 0, target.task), []).append(value)
        families[source.task] = source.family
    scratch = task_means(baseline_scores(rows))
    found: dict[str, list[Point]] = {}
    for (name, seed, task), scores in prompt_scores(rows).items():
        values = alike.get((name, seed, task))
        gained = spread(scores)
        if not values or gained is None or task not in scratch:
            continue
        reduced = reduction(scratch[task].mean, gained.mean)
        if reduced is not None:
            point = Point(name, seed, families[name], float(np.mean(values)), reduced)
            found.setdefault(task, []).append(point)
    return found


def retrieval_table(
    rows: Sequence[Row],
    similarities: Sequence[Similarity],
    measures: Mapping[str, Measure] | None = None,
) -> Table:
    """How well each metric's ranking foretells transfer, by measures of rankings.

    Each target and seed ranks all source prompts by their similarity to its embedding; the
    ranking is held against the scores that the prompts gave with that seed. Told is the mean
    over targets, then mean and deviation over seeds.

    Args:
      rows: of one model, with transfers.
      similarities: of the same.
      measures: by heading, by default those of `spotfw.ranking.scores`. A measure that gives
        None or no number leaves that target out.
    """
    scores: dict[tuple[str, int], dict[tuple[str, int], float]] = {}
    for row in finished(rows, "transfer"):
        key = row.source or "", row.source_seed or 0
        scores.setdefault((row.task, row.seed), {})[key] = row.score or 0.0
    if measures is None:
        measures = _measures(max((len(one) for one in scores.values()), default=0))
    lines: list[list[Any]] = []
    notes = [
        "Each target's ranking of all source prompts against the scores that they gave. Mean "
        "over targets; mean and standard deviation over seeds."
    ]
    for metric in metrics_of(similarities):
        alike: dict[tuple[str, int], dict[tuple[str, int], float]] = {}
        for target, source, value in _target_pairs(similarities, metric):
            queries = alike.setdefault((target.task, target.seed or 0), {})
            queries[source.task, source.seed or 0] = value
        found: dict[str, dict[int, list[float]]] = {name: {} for name in measures}
        silent = 0
        for (task, seed), queries in alike.items():
            shared = sorted(queries.keys() & scores.get((task, seed), {}).keys())
            if not shared:
                continue
            x = np.array([queries[key] for key in shared])
            y = np.array([scores[task, seed][key] for key in shared])
            for name, measure in measures.items():
                value_or_none = measure(x, y)
                if value_or_none is None or not math.isfinite(value_or_none):
                    silent += 1
                else:
                    found[name].setdefault(seed, []).append(value_or_none)
        cells = [
            attrs.evolve(mean_cell(spread(float(np.mean(v)) for v in seeds.values())), digits=2)
            for seeds in found.values()
        ]
        lines.append([metric, *cells])
        if silent:
            notes.append(
                f"{metric}: {silent} values left out, for scores or similarities do not vary, or "
                "are fewer than k."
            )
    return Table(
        name="retrieval",
        title="How well a ranking foretells transfer",
        columns=["metric", *measures],
        rows=lines,
        notes=notes,
    )


def _measures(count: int) -> dict[str, Measure]:
    """Those of `spotfw.ranking.scores`, with every usual k that `count` prompts allow."""
    from spotfw.ranking import scores as of

    def at(measure: Callable[..., float], k: int, x: Floats, y: Floats) -> float | None:
        return measure(x, y, k) if k <= len(x) else None  # a begun study has fewer in places

    ks = [k for k in of.KS if k <= count]
    return {
        "Spearman": of.spearman,
        "Kendall": of.kendall,
        "NDCG": of.ndcg,
        **{f"regret@{k}": functools.partial(at, of.regret_at_k, k) for k in ks},
        **{f"hit rate@{k}": functools.partial(at, of.hit_at_k, k) for k in ks},
    }


def _pairs(
    similarities: Iterable[Similarity], metric: str
) -> Iterable[tuple[Embedded, Embedded, float]]:
    for one in similarities:
        if one.metric == metric:
            yield (
                Embedded(one.role_a, one.task_a, one.seed_a, one.family_a),
                Embedded(one.role_b, one.task_b, one.seed_b, one.family_b),
                math.nan if one.similarity is None else one.similarity,
            )


def _target_pairs(
    similarities: Iterable[Similarity], metric: str
) -> list[tuple[Embedded, Embedded, float]]:
    """Pairs of a target with a source of another task, the target first.

    A metric that is not symmetric compares both ways; then the target's query counts.
    """
    found: dict[tuple[Embedded, Embedded], float] = {}
    for a, b, value in _pairs(similarities, metric):
        if (a.role, b.role) == ("target", "source"):
            found[a, b] = value
        elif (b.role, a.role) == ("target", "source"):
            found.setdefault((b, a), value)
    return [
        (target, source, value)
        for (target, source), value in found.items()
        if target.task != source.task and math.isfinite(value)
    ]


def _comparable(values: Floats) -> list[int]:
    """Places of a matrix without a gap between them: the gappiest is left out, and again."""
    kept = list(range(len(values)))
    gaps = ~np.isfinite(values)
    np.fill_diagonal(gaps, False)
    while kept:
        counts = gaps[np.ix_(kept, kept)].sum(axis=1)
        worst = int(np.argmax(counts))
        if counts[worst] == 0:
            break
        del kept[worst]
    return kept
