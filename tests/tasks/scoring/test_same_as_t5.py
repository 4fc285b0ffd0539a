"""Metrics against t5's of the same names: to the bit, on answers of every kind."""

from __future__ import annotations

import math
import random
import string
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.tasks.scoring import metric_functions
from spotfw.tasks.scoring.groups import MeanOverGroups, OncePerGroup, OverValues
from spotfw.tasks.seqio.compat import t5
from spotfw.tasks.tables.answers import ANSWERS, LABEL, METRICS, NUMBER, TEXT

CLASSES = 3

WORDS = (
    "the",
    "a",
    "An",
    "cat",
    "cat's",
    "sat",
    "mat",
    "sat .",
    " . ",
    "Une",
    "été",
    "",
    "x-y",
    "3.5",
)
MARKS = f"{string.punctuation}\u2018\u2019\u00b4\u2026 \t\n\u00a0"


def theirs(name: str, classes: int = CLASSES) -> Any:
    """t5's own function, as t5 registers it with its tasks."""
    metrics = t5.evaluation.metrics
    if name == "matthews_corrcoef":
        return metrics.sklearn_metrics_wrapper(name, metric_post_process_fn=lambda x: 100 * x)
    if name == "mean_multiclass_f1":
        return metrics.mean_multiclass_f1(num_classes=classes)
    return getattr(metrics, name)


def outcome(metric: Any, targets: Any, predictions: Any) -> Any:
    """What a metric gives, or the kind of error it raises; nothing it warns of."""
    np.random.seed(7)  # ROUGE resamples
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            values = metric(list(targets), list(predictions))
        except Exception as error:
            return type(error).__name__
    return [(key, "nan" if math.isnan(v) else float(v).hex()) for key, v in values.items()]


def same(name: str, targets: Any, predictions: Any, classes: int = CLASSES) -> None:
    (ours,) = metric_functions([name], classes)
    expected = outcome(theirs(name, classes), targets, predictions)
    assert outcome(ours, targets, predictions) == expected


labels = st.integers(-1, CLASSES - 1)
numbers = st.one_of(
    st.sampled_from([-1.0, 0.0, 1.0, 2.6, 5.0]), st.floats(-5, 5, allow_subnormal=False)
)
texts = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
odd_texts = st.one_of(texts, st.text(MARKS + "abthe", max_size=10), st.text(max_size=6))
answers = st.lists(odd_texts, min_size=1, max_size=3)

PAIRS = {
    LABEL: st.lists(st.tuples(st.integers(0, CLASSES - 1), labels), max_size=12),
    NUMBER: st.lists(st.tuples(numbers, numbers), max_size=12),
    ANSWERS: st.lists(st.tuples(answers, odd_texts), max_size=6),
    TEXT: st.lists(st.tuples(odd_texts, odd_texts), max_size=6),
}


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name, kinds in METRICS.items() for kind in sorted(kinds) if name != "rouge"],
)
def test_any_answers(name: str, kind: str) -> None:
    @given(PAIRS[kind])
    def check(pairs: Any) -> None:
        same(name, [t for t, _ in pairs], [p for _, p in pairs])

    check()


def test_rouge_of_a_few_texts() -> None:
    # Its bootstrap is too slow for many.
    rng = random.Random(0)
    for count in (1, 2, 5):
        pairs = [
            [" ".join(rng.choices(WORDS, k=rng.randint(0, 9))) for _ in "tp"] for _ in range(count)
        ]
        same("rouge", *zip(*pairs, strict=True))
    same("rouge", [], [])


@pytest.mark.parametrize("classes", [2, 5])
@given(data=st.data())
def test_mean_f1_of_other_numbers_of_classes(classes: int, data: Any) -> None:
    pairs = data.draw(
        st.lists(st.tuples(st.integers(0, classes - 1), st.integers(-1, classes - 1)), max_size=9)
    )
    same("mean_multiclass_f1", [t for t, _ in pairs], [p for _, p in pairs], classes)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 2)), max_size=12))
def test_f1_of_two_classes(pairs: Any) -> None:
    same("f1_score_with_invalid", [t for t, _ in pairs], [p for _, p in pairs])


@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4))
def test_bleu_of_two_streams_of_references(rows: Any) -> None:
    streams = [[first for first, _, _ in rows], [second for _, second, _ in rows]]
    same("bleu", streams, [given for _, _, given in rows])


@pytest.mark.parametrize("name", sorted(METRICS))
@pytest.mark.parametrize(("targets", "predictions"), [(3, 2), (2, 3), (0, 0)])
def test_uneven_and_empty_lists(name: str, targets: int, predictions: int) -> None:
    kind = min(METRICS[name])
    right = {LABEL: [0, 1, 1], NUMBER: [0.0, 1.0, 3.0], ANSWERS: [["a", "b"]] * 3}
    given = {LABEL: [1, 1, 0], NUMBER: [2.0, 1.0, 0.0]}
    words = ["one two", "two", "three"]
    same(name, right.get(kind, words)[:targets], given.get(kind, words)[:predictions])


groups = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(-1, 1)), max_size=12)


def grouped(rows: Any) -> tuple[list[Any], list[Any]]:
    return [{"group": g, "value": t} for g, t, _ in rows], [{"value": p} for _, _, p in rows]


@given(groups)
def test_metrics_over_groups(rows: Any) -> None:
    metrics = t5.evaluation.metrics
    match, f1, accuracy = metric_functions(["all_match", "f1_score_with_invalid", "accuracy"])
    for ours, reference in (
        (MeanOverGroups(match), metrics.mean_group_metric(metrics.all_match)),
        (OverValues(f1), metrics.multirc_f1_over_all_answers),
        (OncePerGroup(accuracy), metrics.deduplicate_metric(metrics.accuracy)),
    ):
        assert outcome(ours, *grouped(rows)) == outcome(reference, *grouped(rows))


@given(st.lists(st.tuples(st.integers(0, 2), answers, odd_texts), min_size=1, max_size=6))
def test_squad_once_per_group(rows: Any) -> None:
    metrics = t5.evaluation.metrics
    (squad,) = metric_functions(["squad"])
    reference = metrics.deduplicate_metric(metrics.squad)
    assert outcome(OncePerGroup(squad), *grouped(rows)) == outcome(reference, *grouped(rows))


def test_the_names_of_metrics_are_those_in_messages() -> None:
    f1, mean_f1 = metric_functions(["f1_score_with_invalid", "mean_multiclass_f1"], 4)
    assert [m.__name__ for m in (f1, mean_f1, OverValues(f1), MeanOverGroups(f1))] == [
        "f1_score_with_invalid",
        "mean_4class_f1",
        "f1_score_with_invalid",
        "f1_score_with_invalid",
    ]
