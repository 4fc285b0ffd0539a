"""Figures of a ranking against known results: closed forms, SciPy and scikit-learn, no answer."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import WrongUse
from spotfw.ranking import Ranked, Ranking, in_order
from spotfw.ranking import scores as ranking_scores
from spotfw.ranking.scores import (
    evaluate_ranking,
    hit_at_k,
    kendall,
    mean_figures,
    ndcg,
    regret_at_k,
    spearman,
)
from tests.places import SHARED

PUBLISHED = SHARED / "prompts" / "published_transfer"

# Three sources in the order 60, 90, 80 by falling similarity.
ALIKE, SCORES = [0.9, 0.1, 0.5], [60.0, 80.0, 90.0]


def ranking(*similarities: float, tasks: str = "abcdefgh") -> Ranking:
    items = [
        Ranked(rank=0, id=f"id-{n}", task=task, similarity=value)
        for n, (task, value) in enumerate(zip(tasks, similarities, strict=False))
    ]
    return Ranking(items=in_order(items))


def test_by_hand() -> None:
    assert spearman(ALIKE, SCORES) == pytest.approx(-0.5)
    assert kendall(ALIKE, SCORES) == pytest.approx(-1 / 3)
    assert [regret_at_k(ALIKE, SCORES, k) for k in (1, 2, 3)] == [30, 0, 0]
    assert [hit_at_k(ALIKE, SCORES, k) for k in (1, 2, 3)] == [0, 1, 1]
    gain = 60 + 90 / math.log2(3) + 80 / 2
    best = 90 + 80 / math.log2(3) + 60 / 2
    assert ndcg(ALIKE, SCORES) == pytest.approx(gain / best)
    assert ndcg(ALIKE, SCORES, 1) == pytest.approx(60 / 90)


def test_a_perfect_and_a_reversed_ranking() -> None:
    scores = [3.0, 1.0, 2.0]
    assert (spearman(scores, scores), kendall(scores, scores), ndcg(scores, scores)) == (1, 1, 1)
    reverse = [-s for s in scores]
    assert (spearman(reverse, scores), kendall(reverse, scores)) == (-1, -1)
    assert ndcg(reverse, scores) < 1


distinct = st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=30, unique=True)


@given(distinct, st.data())
def test_against_scipy_and_scikit_learn(order: list[int], data: st.DataObject) -> None:
    stats = pytest.importorskip("scipy.stats")
    metrics = pytest.importorskip("sklearn.metrics")
    alike = np.array(order) / 1e6
    drawn = st.lists(st.integers(0, 100), min_size=len(order), max_size=len(order))
    scores = np.array(data.draw(drawn), np.float64)
    k = data.draw(st.integers(1, len(order)))
    if len(set(scores)) > 1:
        assert spearman(alike, scores) == pytest.approx(stats.spearmanr(alike, scores)[0])
        assert kendall(alike, scores) == pytest.approx(stats.kendalltau(alike, scores)[0])
    if scores.any():
        for most in (None, k):
            expected = metrics.ndcg_score([scores], [alike], k=most)
            assert ndcg(alike, scores, most) == pytest.approx(expected)
    ranked = [score for _, score in sorted(zip(-alike, scores, strict=True))]
    assert regret_at_k(alike, scores, k) == max(scores) - max(ranked[:k])
    assert hit_at_k(alike, scores, k) == (regret_at_k(alike, scores, k) == 0)


@given(distinct)
def test_regret_falls_with_k(order: list[int]) -> None:
    scores = np.sort(order)
    regrets = [regret_at_k(order, scores, k) for k in range(1, len(order) + 1)]
    assert regrets == sorted(regrets, reverse=True)
    assert regrets[-1] == 0


def test_ties_stand_as_given() -> None:
    assert regret_at_k([0.3, 0.1 + 0.2], [1, 2], 1) == 1  # equal up to rounding
    assert regret_at_k([0.1 + 0.2, 0.3], [2, 1], 1) == 0


def test_what_has_no_answer_is_nan_with_a_reason() -> None:
    flat = evaluate_ranking(ranking(0.5, 0.5, 0.5), {"a": 1, "b": 2, "c": 3})
    assert math.isnan(flat.spearman)
    assert math.isnan(flat.kendall)
    assert "all similarities are equal" in flat.undefined["spearman"]
    equal = evaluate_ranking(ranking(0.5, 0.4), {"a": 70.0, "b": 70.0})
    assert "all scores are equal" in equal.undefined["kendall"]
    assert (equal.regret[1], equal.hit[1], equal.ndcg) == (0, 1, 1)
    single = evaluate_ranking(ranking(0.5), {"a": 70.0})
    assert "two sources" in single.undefined["spearman"]
    assert single.regret == {1: 0}
    below = evaluate_ranking(ranking(0.5, 0.4), {"a": 70.0, "b": -3.0})
    assert "negative" in below.undefined["ndcg@1"]
    assert below.to_dict()["ndcg"] is None
    nothing = evaluate_ranking(ranking(0.5, 0.4), {"a": 0.0, "b": 0.0})
    assert "0" in nothing.undefined["ndcg"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("function", [spearman, kendall, ndcg])
def test_nan_and_infinity_are_refused(function: Any, bad: float) -> None:
    with pytest.raises(WrongUse, match="1 values that are NaN"):
        function([0.1, bad], [1, 2])
    with pytest.raises(WrongUse, match="1 values that are NaN"):
        function([0.1, 0.2], [1, bad])
    with pytest.raises(WrongUse, match="scores of b are"):
        evaluate_ranking(ranking(0.5, 0.4), {"a": 1.0, "b": bad})


@pytest.mark.parametrize("k", [0, -1, 4])
def test_a_k_out_of_range(k: int) -> None:
    for function in (regret_at_k, hit_at_k, ndcg):
        with pytest.raises(WrongUse, match="Use 1 to 3"):
            function(ALIKE, SCORES, k)
    with pytest.raises(WrongUse, match="ranking of 3"):
        evaluate_ranking(ranking(0.3, 0.2, 0.1), {"a": 1, "b": 2, "c": 3}, ks=[k])


def test_shapes_that_do_not_match() -> None:
    for a, b in (([1.0], [1.0, 2.0]), ([[1.0]], [[1.0]])):
        with pytest.raises(WrongUse, match="One similarity and one score"):
            spearman(a, b)
    with pytest.raises(WrongUse, match="no source"):
        ndcg([], [])


def test_a_ranking_by_task_or_id_and_what_is_missing() -> None:
    scores = evaluate_ranking(
        ranking(0.9, 0.8, 0.7, 0.6, tasks="aabc"), {"a": 50.0, "id-1": 80.0, "b": 60.0, "z": 1.0}
    )
    assert scores.count == 3
    assert scores.missing == ("c",)
    assert scores.unused == ("z",)
    assert scores.regret == {1: 30, 3: 0}  # the second prompt of a has a score of its own
    assert list(scores.figures())[:3] == ["spearman", "kendall", "ndcg"]
    assert set(scores.to_dict()) >= {"regret@1", "hit@3", "ndcg@3", "missing"}


def test_nothing_to_judge() -> None:
    with pytest.raises(WrongUse, match=r"\(z\) is of a source of the ranking \(a, b\)"):
        evaluate_ranking(ranking(0.5, 0.4), {"z": 1.0})
    with pytest.raises(WrongUse, match="which is empty"):
        evaluate_ranking(Ranking(items=()), {"z": 1.0})


def test_means_leave_out_what_is_undefined() -> None:
    sloped = evaluate_ranking(ranking(0.5, 0.4), {"a": 1.0, "b": 2.0})
    flat = evaluate_ranking(ranking(0.5, 0.4), {"a": 2.0, "b": 2.0})
    means = mean_figures([sloped, flat])
    assert means["spearman"] == pytest.approx(-1)
    assert means["hit@1"] == 0.5  # the hit rate
    assert math.isnan(mean_figures([flat])["spearman"])
    assert mean_figures([]) == {}


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="needs ../shared/prompts/published_transfer")
def test_on_the_published_table() -> None:
    """A ranking of the library gives what the arrays give."""
    import csv

    from spotfw.plugins import Plugins
    from spotfw.prompts import Provenance, SoftPrompt

    with (PUBLISHED / "transfer.csv").open(newline="") as file:
        header, *lines = list(csv.reader(file))
    row = next(line for line in lines if line[0] == "snli")
    scores = {t: 100 * float(v) for t, v in zip(header[1:], row[1:], strict=True)}
    metric = Plugins(entry_points=False).metric("average_token_cosine")
    tasks = [line[0] for line in lines if line[0] != "snli"]
    arrays = {t: np.load(PUBLISHED / f"{t}.npy", allow_pickle=False) for t in [*tasks, "snli"]}
    items = [
        Ranked(rank=0, id=t, task=t, similarity=float(metric(arrays["snli"], arrays[t])))
        for t in tasks
    ]
    assert SoftPrompt(arrays["snli"], Provenance()).length == 100
    evaluated = evaluate_ranking(Ranking(items=in_order(items)), scores, ks=[1, 3, 16])
    assert evaluated.count == 16
    assert evaluated.unused == ("random", "snli")
    alike, values = [i.similarity for i in items], [scores[t] for t in tasks]
    assert evaluated.spearman == pytest.approx(spearman(alike, values))
    assert evaluated.regret == {k: regret_at_k(alike, values, k) for k in (1, 3, 16)}
    assert ranking_scores.KS == (1, 3, 5)
