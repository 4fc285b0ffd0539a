"""The noise of a gap between two scores: closed forms, limits, and what is noted of a run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.contracts import Evaluation
from spotfw.recipe.run_folder import Scored
from spotfw.recipe.sampling_noise import MOST_NOTED, noted, quantile, standard_error


def scored(right: list[bool] | None, score: float | None = None, examples: int = 0) -> Scored:
    if right is None:
        return Scored(step=1, loss=0.0, score=score or 0.0, metrics={}, examples=examples)
    mean = 100 * float(np.mean(right))
    evaluation = Evaluation(metrics={"a": mean}, score=mean, examples=len(right), right=right)
    return Scored(
        step=1, loss=0.0, score=mean, metrics={}, examples=len(right), right=noted(evaluation)
    )


def test_of_matched_answers_it_is_that_of_agresti_and_min() -> None:
    # 10 examples: 4 only ours right, 1 only theirs. With half an example in each of four cells,
    # b = 4.5 and c = 1.5 of 12: sqrt(b + c - (b - c)^2 / 12) / 12.
    ours = [True] * 4 + [False] + [True] * 3 + [False] * 2
    theirs = [False] * 4 + [True] + [True] * 3 + [False] * 2
    expected = 100 * math.sqrt(6 - 9 / 12) / 12
    assert standard_error(scored(ours), scored(theirs)) == pytest.approx(expected)


def test_else_it_is_that_of_two_shares_with_one_right_and_one_wrong_added() -> None:
    ours, theirs = scored(None, 60.0, 98), scored(None, 50.0, 98)
    shares = [(58.8 + 1) / 100, (49 + 1) / 100]
    expected = 100 * math.sqrt(sum(p * (1 - p) / 100 for p in shares))
    assert standard_error(ours, theirs) == pytest.approx(expected)


def test_a_score_outside_0_to_100_counts_as_the_nearer_end() -> None:
    assert standard_error(scored(None, -20.0, 10), scored(None, 120.0, 10)) == pytest.approx(
        standard_error(scored(None, 0.0, 10), scored(None, 100.0, 10))
    )


def test_of_unknown_examples_nothing_is_sure() -> None:
    assert standard_error(scored(None, 60.0), scored(None, 50.0, 98)) == math.inf


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=300))
def test_it_knows_no_order_and_is_never_0(pairs: list[tuple[bool, bool]]) -> None:
    ours, theirs = (scored([p[n] for p in pairs]) for n in (0, 1))
    error = standard_error(ours, theirs)
    assert error == pytest.approx(standard_error(theirs, ours))
    assert 0 < error <= 100 / math.sqrt(len(pairs))


def test_runs_that_are_right_on_the_same_examples_are_told_apart_sooner() -> None:
    same = [True] * 60 + [False] * 40
    better = [True] * 70 + [False] * 30
    paired = standard_error(scored(better), scored(same))
    assert paired < 0.6 * standard_error(scored(None, 70.0, 100), scored(None, 60.0, 100))


def test_gaps_by_chance_are_seldom_beyond_the_noise() -> None:
    rng = np.random.default_rng(0)
    count, beyond = 2000, 0
    errors = quantile(0.95, 1)
    for _ in range(count):
        ours, theirs = rng.random((2, 200)) < 0.6
        first, second = scored(list(ours)), scored(list(theirs))
        beyond += first.score - second.score > errors * standard_error(first, second)
    # One-sided at 5 %: 100 expected, a standard deviation of 10.
    assert 70 <= beyond <= 130


def test_many_comparisons_ask_for_more() -> None:
    assert quantile(0.95, 1) == pytest.approx(1.6449, abs=1e-4)
    assert quantile(0.95, 5) == pytest.approx(2.3263, abs=1e-4)  # 1 % each
    assert quantile(0.5, 1) == pytest.approx(0.0)
    assert quantile(0.95, 0) == quantile(0.95, 1)


def test_what_is_noted_of_a_run() -> None:
    many = [True] * (MOST_NOTED + 1)
    assert noted(Evaluation(metrics={}, score=100.0, examples=len(many), right=many)) == ""
    assert noted(Evaluation(metrics={}, score=1.0, examples=2)) == ""
    assert noted(Evaluation(metrics={}, score=1.0, examples=9, right=[True] + [False] * 8)) == (
        "8000"
    )


def test_answers_that_do_not_fit_the_examples_are_not_looked_at() -> None:
    odd = Scored(step=1, loss=0.0, score=50.0, metrics={}, examples=20, right="ff")
    none = Scored(step=1, loss=0.0, score=50.0, metrics={}, examples=20, right="no digits")
    plain = scored(None, 50.0, 20)
    assert standard_error(odd, none) == pytest.approx(standard_error(plain, plain))
