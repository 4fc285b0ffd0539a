import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Example, Unusable
from spotfw_paper_tasks.families.similarity import DATASETS, cxc
from spotfw_paper_tasks.scoring.numbers import rounded_to_fifths

ROW = {"caption1": "A cat.", "caption2": "A dog.", "agg_score": 1.0, "sampling_method": "c2c_isim"}


@pytest.mark.parametrize(
    ("row", "inputs", "targets"),
    [
        (
            {**ROW, "agg_score": 2.57},
            "cxc sentence1: A cat. sentence2: A dog.",
            "2.6",
        ),
        (
            {**ROW, "caption1": "Two  men on a bench", "agg_score": 0},
            "cxc sentence1: Two  men on a bench sentence2: A dog.",
            "0.0",
        ),
        (
            {**ROW, "caption2": "Un café — fermé.", "agg_score": 4.91},
            "cxc sentence1: A cat. sentence2: Un café — fermé.",
            "5.0",
        ),
    ],
)
def test_pairs_are_written_so(row, inputs, targets):
    (example,) = cxc(row)
    assert (example.inputs, example.targets) == (inputs, targets)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"agg_score": "3.1"}, "no number"),
        ({"agg_score": True}, "no number"),
        ({"agg_score": 5.1}, "not between 0 and 5"),
        ({"agg_score": -1}, "not between 0 and 5"),
        ({"agg_score": math.nan}, "not between 0 and 5"),
        ({"caption1": "\t"}, "caption1 is empty"),
    ],
)
def test_the_fault_of_a_pair_is_named(change, reason):
    with pytest.raises(Unusable, match=reason):
        cxc({**ROW, **change})


@given(st.floats(0, 5))
def test_rounding_is_to_the_nearest_fifth(score):
    text = rounded_to_fifths(score)
    assert abs(float(text) - score) <= 0.1 + 1e-9
    assert round(float(text) * 5, 9) == round(float(text) * 5)
    assert text == f"{np.round(score * 5) / 5:.1f}"  # halves go to even, as in tf.round


@pytest.mark.parametrize(
    ("text", "number"),
    [("3.4", 3.4), (" 2 ", 2.0), ("", -1.0), ("very", -1.0), ("nan", -1.0), ("inf", -1.0)],
)
def test_what_a_model_writes_is_a_number_or_minus_one(text, number):
    assert Postprocess(DATASETS[0])(text, example=Example(inputs="", targets="")) == number


def test_scores_are_scipys_correlations():
    targets = [float(rounded_to_fifths(x)) for x in np.linspace(0, 5, 40)]
    noise = np.random.default_rng(0).normal(size=40)
    predictions = [t + n for t, n in zip(targets, noise, strict=True)]
    scores = {}
    for metric in metric_functions(DATASETS[0]):
        scores.update(metric(targets, predictions))
    assert scores["pearson_corrcoef"] == pytest.approx(
        100 * scipy.stats.pearsonr(targets, predictions)[0]
    )
    assert scores["spearman_corrcoef"] == pytest.approx(
        100 * scipy.stats.spearmanr(targets, predictions)[0]
    )
