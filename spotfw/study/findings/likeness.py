"""How alike tasks are, from a study's similarities: matrices, rankings, and points of transfer.

An embedding is known by its role (``source`` or ``target``), task and seed. Similarities may
stand in either order, and are of one model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.study.findings.arithmetic import (
    baseline_scores,
    prompt_scores,
    reduction,
    spread,
    task_means,
)
from spotfw.study.rows import Row, Similarity

Floats = npt.NDArray[np.float64]


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
      left_out: names of tasks left out, because a similarity is missing or not a number.
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
    return list(dict.fromkeys(s.metric for s in similarities))


def compared_by(similarities: Iterable[Similarity]) -> list[str]:
    """The metrics by which sources were compared with each other, and not with targets alone.

    A metric that looks at a target says nothing of two sources.
    """
    within, sources = set[str](), dict[str, set[tuple[str, int]]]()
    for pair in similarities:
        sources.setdefault(pair.metric, set()).add((pair.task_b, pair.seed_b))
        if pair.role_a == pair.role_b:
            within.add(pair.metric)
    # Of a target and a single source there is no other pair.
    return [metric for metric, others in sources.items() if metric in within or len(others) == 1]


def matrix(similarities: Iterable[Similarity], metric: str, *, each_run: bool = False) -> Matrix:
    """Every task against every other, the mean over all pairs of runs (footnote 11, figure 3).

    Args:
      similarities: of any metrics.
      metric: of those to take.
      each_run: a label for each embedding instead of each task (figure 6).
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
    for (a, b), alike in sums.items():
        values[places[a], places[b]] = np.mean(alike)
    kept = _comparable(values)
    return Matrix(
        labels=tuple(names[i] for i in kept),
        values=values[np.ix_(kept, kept)],
        left_out=tuple(sorted({names[i].task for i in set(range(len(names))).difference(kept)})),
    )


def rankings(similarities: Iterable[Similarity], metric: str) -> dict[str, list[Place]]:
    """Each target's source tasks from most to least alike; ties by name."""
    alike: dict[str, dict[str, list[float]]] = {}
    families: dict[str, str] = {}
    for target, source, value in target_pairs(similarities, metric):
        alike.setdefault(target.task, {}).setdefault(source.task, []).append(value)
        families[source.task] = source.family
    ranked = {}
    for task, sources in alike.items():
        means = {source: float(np.mean(values)) for source, values in sources.items()}
        order = sorted(means, key=lambda s: (-round(means[s], 12), s))
        ranked[task] = [
            Place(rank, source, families[source], means[source])
            for rank, source in enumerate(order, start=1)
        ]
    return ranked


def same_family_first(similarities: Sequence[Similarity], metric: str) -> tuple[int, int]:
    """How many targets rank a source of their own family first, of how many that have one."""
    families = {t.task: t.family for t, _, _ in target_pairs(similarities, metric)}
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
    for target, source, value in target_pairs(similarities, metric):
        alike.setdefault((source.task, source.seed or 0, target.task), []).append(value)
        families[source.task] = source.family
    scratch = task_means(baseline_scores(rows))
    by_target: dict[str, list[Point]] = {}
    for (name, seed, task), scores in prompt_scores(rows).items():
        values = alike.get((name, seed, task))
        gained = spread(scores)
        if not values or gained is None or task not in scratch:
            continue
        reduced = reduction(scratch[task].mean, gained.mean)
        if reduced is not None:
            point = Point(name, seed, families[name], float(np.mean(values)), reduced)
            by_target.setdefault(task, []).append(point)
    return by_target


def target_pairs(
    similarities: Iterable[Similarity], metric: str
) -> list[tuple[Embedded, Embedded, float]]:
    """Pairs of a target with a source of another task, the target first.

    A metric that is not symmetric compares both ways; then the target's query counts.
    """
    pairs: dict[tuple[Embedded, Embedded], float] = {}
    for a, b, value in _pairs(similarities, metric):
        if (a.role, b.role) == ("target", "source"):
            pairs[a, b] = value
        elif (b.role, a.role) == ("target", "source"):
            pairs.setdefault((b, a), value)
    return [
        (target, source, value)
        for (target, source), value in pairs.items()
        if target.task != source.task and math.isfinite(value)
    ]


def _pairs(
    similarities: Iterable[Similarity], metric: str
) -> Iterable[tuple[Embedded, Embedded, float]]:
    for pair in similarities:
        if pair.metric == metric:
            yield (
                Embedded(pair.role_a, pair.task_a, pair.seed_a, pair.family_a),
                Embedded(pair.role_b, pair.task_b, pair.seed_b, pair.family_b),
                math.nan if pair.similarity is None else pair.similarity,
            )


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
