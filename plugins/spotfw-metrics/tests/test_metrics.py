"""Every metric: its closed form, and what all promise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spotfw.contracts import SimilarityMetric
from spotfw.errors import WrongUse
from spotfw.plugins import Plugins
from spotfw.testing import check_similarity_metric
from spotfw_metrics import (
    BestMatchTokenCosine,
    LibraryCentredCosine,
    LinearCKA,
    MeanTokenEuclidean,
    PromptCosine,
    PromptEuclidean,
    SubspaceOverlap,
    plugin,
)

X, Y, Z = np.eye(3)
ZERO = np.zeros(3)

#: Those that need no frozen model.
METRICS: list[SimilarityMetric] = [
    MeanTokenEuclidean(),
    PromptEuclidean(),
    PromptCosine(),
    LibraryCentredCosine(),
    LinearCKA(),
    BestMatchTokenCosine(),
    SubspaceOverlap(rank=2),
]
COSINES = [m for m in METRICS if "euclidean" not in m.name]

floats = st.floats(-100, 100, width=32, allow_subnormal=False)
prompts = hnp.arrays(np.float32, (4, 3), elements=floats)


def named(metric: SimilarityMetric) -> str:
    return metric.name


def P(*rows: Any) -> Any:
    return np.array(rows, np.float32)


def test_the_entry_point_gives_them_all() -> None:
    installed = Plugins()
    assert {m.name for m in plugin.spotfw_similarity_metrics()} <= set(installed.names("metric"))
    assert not [f for f in installed.failures if f.plugin == "more_metrics"]


@pytest.mark.parametrize("metric", METRICS, ids=named)
@given(a=prompts, b=prompts)
def test_symmetric_and_in_range(metric: SimilarityMetric, a: Any, b: Any) -> None:
    assert metric.symmetric and metric.range is not None
    value = metric(a, b)
    assert metric.range[0] - 1e-9 <= value <= metric.range[1] + 1e-9
    assert metric(b, a) == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_a_prompt_is_most_like_itself(metric: SimilarityMetric) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 6, 5)).astype(np.float32)
    assert metric(a, a) == pytest.approx(1)
    assert metric(a, b) < 0.99


@pytest.mark.parametrize("metric", COSINES, ids=named)
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e3, 1e30])
def test_blind_to_scale(metric: SimilarityMetric, scale: float) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 6, 5))
    assert metric(a * scale, b) == pytest.approx(metric(a, b), abs=1e-9)


@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_a_stack_is_each_of_its_rows(metric: SimilarityMetric) -> None:
    rng = np.random.default_rng(2)
    query, *others = rng.normal(size=(4, 6, 5)).astype(np.float32)
    if not metric.pointwise:
        others = others[:1]
    stack = np.stack([metric.features(o) for o in others])
    similarities = metric.compare(metric.features(query), stack)
    np.testing.assert_allclose(similarities, [metric(query, o) for o in others], atol=1e-12)


@pytest.mark.parametrize("metric", COSINES, ids=named)
def test_zeros_are_like_nothing(metric: SimilarityMetric) -> None:
    assert metric(P(ZERO, ZERO), P(X, Y)) == 0
    assert metric(P(ZERO, ZERO), P(ZERO, ZERO)) == 0


@pytest.mark.parametrize("metric", METRICS, ids=named)
@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((0, 3)), np.full((2, 3), np.nan)])
def test_what_is_no_prompt(metric: SimilarityMetric, wrong: Any) -> None:
    with pytest.raises(WrongUse, match="finite numbers"):
        metric.features(wrong)


def test_euclidean() -> None:
    a, b = P(X, Y), P(Y, X)
    assert MeanTokenEuclidean()(a, b) == 1  # the same mean
    assert PromptEuclidean()(a, b) == pytest.approx(1 / 3)  # |a - b| = 2
    assert MeanTokenEuclidean()(P(3 * X, 3 * X), P(ZERO, ZERO)) == pytest.approx(1 / 4)


@given(a=prompts, b=prompts)
def test_euclidean_by_definition(a: Any, b: Any) -> None:
    wide = [p.astype(np.float64) for p in (a, b)]
    apart = np.sqrt(((wide[0] - wide[1]) ** 2).sum())
    assert PromptEuclidean()(a, b) == pytest.approx(1 / (1 + apart))


def test_prompt_cosine() -> None:
    assert PromptCosine()(P(X, Y), P(Y, X)) == pytest.approx(0, abs=1e-12)
    assert PromptCosine()(P(X, Y), P(X, Z)) == pytest.approx(1 / 2)
    assert PromptCosine()(P(3 * X, 4 * Y), P(X, ZERO)) == pytest.approx(3 / 5)
    assert PromptCosine()(P(X, Y), P(-2 * X, -2 * Y)) == pytest.approx(-1)


def test_library_centred_cosine() -> None:
    metric = LibraryCentredCosine()
    # Three directions that share Z: without it X is opposite to -X and square to Y.
    library = [P(Z + X), P(Z - X)]
    stack = np.stack([metric.features(p) for p in library])
    similarities = metric.compare(metric.features(P(Z + X)), stack)
    np.testing.assert_allclose(similarities, [1, -1])
    # With Y as the query, both are equally alike, and what all share counts no more.
    similarities = metric.compare(metric.features(P(Z + Y)), stack)
    np.testing.assert_allclose(similarities, [0, 0], atol=1e-12)
    # One prompt has nothing to centre on.
    assert metric(P(Z + X), P(Z - X)) == pytest.approx(0, abs=1e-12)
    assert metric(P(Z), P(Z + X)) == pytest.approx(0.5**0.5)


def test_linear_cka_by_definition() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 6, 9))
    grams = []
    for p in (a, b):  # dimensions are examples: H K H with K = P^T P
        centring = np.eye(9) - 1 / 9
        grams.append(centring @ p.T @ p @ centring)
    hsic = [[np.trace(gram @ other) for other in grams] for gram in grams]
    expected = hsic[0][1] / np.sqrt(hsic[0][0] * hsic[1][1])
    assert LinearCKA()(a, b) == pytest.approx(expected)


def test_linear_cka_is_blind_to_rotations_of_tokens() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(2, 6, 9))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    assert LinearCKA()(rotation @ a, b) == pytest.approx(LinearCKA()(a, b))
    assert LinearCKA()(np.full((2, 3), 0.1), P(X, Y)) == 0  # constant tokens centre to zeros


def test_best_match_token_cosine() -> None:
    metric = BestMatchTokenCosine()
    assert metric(P(X, Y), P(5 * Y, X)) == pytest.approx(1)  # blind to order and lengths
    assert metric(P(X, Y), P(X, Z)) == pytest.approx(1 / 2)
    assert metric(P(X, X), P(X, Y)) == pytest.approx((1 + 1 / 2) / 2)
    assert metric(P(X, X), P(-X, -X)) == pytest.approx(-1)


@given(a=prompts, b=prompts)
def test_best_match_by_definition(a: Any, b: Any) -> None:
    def cosine(x: Any, y: Any) -> float:
        x, y = x.astype(np.float64), y.astype(np.float64)
        size = np.linalg.norm(x) * np.linalg.norm(y)
        return float(x @ y / size) if size > 0 else 0.0

    def mean_of_best(p: Any, q: Any) -> float:
        return float(np.mean([max(cosine(x, y) for y in q) for x in p]))

    expected = (mean_of_best(a, b) + mean_of_best(b, a)) / 2
    assert BestMatchTokenCosine()(a, b) == pytest.approx(expected, abs=1e-6)


def test_subspace_overlap() -> None:
    plane = SubspaceOverlap(rank=2)
    assert plane(P(X, Y), P(X + Y, X - Y)) == pytest.approx(1)
    assert plane(P(X, Y), P(X, Z)) == pytest.approx(1 / 2)
    assert plane(P(X, X), P(X, Y)) == pytest.approx(1)  # a line within the plane
    assert SubspaceOverlap(rank=1)(P(9 * X, Y), P(Z, 9 * Y)) == pytest.approx(0)
    assert SubspaceOverlap(rank=1)(P(X, ZERO), P(X + Y, ZERO)) == pytest.approx(1 / 2)
    # A rank above both sizes is no fault.
    assert SubspaceOverlap(rank=50)(P(X, Y), P(Y, Z)) == pytest.approx(1 / 2)


@pytest.mark.parametrize("rank", [0, -1, 2.0, True, "2"])
def test_a_senseless_rank(rank: Any) -> None:
    with pytest.raises(WrongUse, match="rank must be a whole number of 1 or more"):
        SubspaceOverlap(rank=rank)


@pytest.mark.parametrize("metric", METRICS, ids=named)
def test_conformance(metric: SimilarityMetric) -> None:
    check_similarity_metric(metric)
