"""Matrices, rankings and correlations from similarities."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from spotfw.study.findings import likeness
from spotfw.study.rows import Row, Similarity


def pair(
    a: tuple[str, str, int], b: tuple[str, str, int], value: float, metric: str = "m"
) -> Similarity:
    return Similarity(
        metric=metric,
        role_a=a[0], task_a=a[1], seed_a=a[2], family_a=a[1][0], id_a=f"{a}",
        role_b=b[0], task_b=b[1], seed_b=b[2], family_b=b[1][0], id_b=f"{b}",
        similarity=value,
    )  # fmt: skip


T0, T1 = ("target", "nt", 0), ("target", "nt", 1)
NEAR0, NEAR1, FAR0 = ("source", "near", 0), ("source", "near", 1), ("source", "far", 0)
PAIRS = [
    pair(NEAR0, T0, 0.9),
    pair(NEAR0, T1, 0.7),
    pair(NEAR1, T0, 0.5),
    pair(T1, NEAR1, 0.3),
    pair(FAR0, T0, 0.1),
    pair(FAR0, T1, 0.2),
    pair(NEAR0, NEAR1, 0.8),
    pair(NEAR0, FAR0, 0.0),
    pair(NEAR1, FAR0, 0.2),
    pair(T0, T1, 1.0),
]


def test_matrix_is_the_mean_over_run_pairs() -> None:
    matrix = likeness.matrix(PAIRS, "m")
    tasks = [label.task for label in matrix.labels]
    assert sorted(tasks) == ["far", "near", "nt"]
    near, target, far = tasks.index("near"), tasks.index("nt"), tasks.index("far")
    assert matrix.values[near, target] == pytest.approx((0.9 + 0.7 + 0.5 + 0.3) / 4)
    assert matrix.values[near, far] == pytest.approx(0.1)
    assert matrix.values[near, near] == pytest.approx(0.8)
    assert math.isnan(matrix.values[far, far])
    np.testing.assert_array_equal(matrix.values, matrix.values.T)
    assert matrix.left_out == ()


def test_matrix_of_each_run() -> None:
    matrix = likeness.matrix(PAIRS, "m", each_run=True)
    assert len(matrix.labels) == 5
    assert likeness.matrix(PAIRS, "another").labels == ()


def test_a_task_without_all_its_similarities_is_left_out() -> None:
    matrix = likeness.matrix([p for p in PAIRS if {p.task_a, p.task_b} != {"far", "near"}], "m")
    assert len(matrix.labels) == 2
    assert matrix.left_out in (("far",), ("near",))
    assert likeness.matrix([*PAIRS, pair(FAR0, T0, math.nan)], "m").labels


def test_rankings_by_mean_similarity() -> None:
    places = likeness.rankings(PAIRS, "m")["nt"]
    assert [(p.rank, p.source) for p in places] == [(1, "near"), (2, "far")]
    assert places[0].similarity == pytest.approx(0.6)
    assert likeness.same_family_first(PAIRS, "m") == (1, 1)


def test_ties_are_broken_by_name() -> None:
    tied = [pair(("source", name, 0), T0, 0.5) for name in ("c", "a", "b")]
    assert [p.source for p in likeness.rankings(tied, "m")["nt"]] == ["a", "b", "c"]


def test_a_metric_that_is_not_symmetric_asks_from_the_target() -> None:
    both = [pair(NEAR0, T0, 0.1), pair(T0, NEAR0, 0.9)]
    for order in itertools.permutations(both):
        assert likeness.rankings(order, "m")["nt"][0].similarity == 0.9


def test_a_target_among_the_sources_is_not_ranked_for_itself() -> None:
    own = [*PAIRS, pair(("source", "nt", 0), T0, 1.0)]
    assert [p.source for p in likeness.rankings(own, "m")["nt"]] == ["near", "far"]


def rows() -> list[Row]:
    made = [Row(kind="baseline", task="nt", family="n", seed=s, score=50.0) for s in (0, 1)]
    gains = {("near", 0): 20.0, ("near", 1): 10.0, ("far", 0): -5.0}
    for (source, source_seed), gain in gains.items():
        made += [
            Row(
                kind="transfer",
                task="nt",
                source=source,
                source_seed=source_seed,
                seed=seed,
                score=50 + gain,
            )
            for seed in (0, 1)
        ]
    return made


def test_points_hold_one_source_prompt_each() -> None:
    points = {(p.source, p.seed): p for p in likeness.points(rows(), PAIRS, "m")["nt"]}
    assert len(points) == 3
    assert points["near", 0].similarity == pytest.approx(0.8)
    assert points["near", 0].reduction == pytest.approx(40)
    assert points["far", 0].reduction == pytest.approx(-10)


def test_nothing_to_compare() -> None:
    assert likeness.points([], [], "m") == {}
    assert likeness.rankings([], "m") == {}
