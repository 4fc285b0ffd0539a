"""Scores from 0 to 100 of what a model wrote or thought likeliest; NumPy only."""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

#: As in t5.data.postprocessors.wsc_simple.
_DETERMINERS = {
    *("a", "an", "few", "her", "his", "each", "every", "many", "much", "my", "our", "some"),
    *("that", "the", "their", "these", "this", "those", "which", "whose", "your"),
}


def class_scores(gold: Places, predicted: Places, labels: int) -> dict[str, float]:
    """Accuracy, F1 of the label at place 1 (of two), mean F1, Matthews' correlation."""
    scores = {"accuracy": 100.0 * float((gold == predicted).mean())}
    f1 = [_f1(gold == label, predicted == label) for label in range(labels)]
    scores["mean_f1"] = float(np.mean(f1))
    if labels == 2:
        scores["f1"] = f1[1]
        scores["matthews"] = 100.0 * _correlation((gold == 1) * 1.0, (predicted == 1) * 1.0)
    return scores


def task_score(metrics: Sequence[str], scores: dict[str, float]) -> float:
    """The mean of the task's own metrics, as spotfw scores a checkpoint.

    MultiRC's (F1 and exact match of a question's answers) are replaced by accuracy: rows are
    drawn one by one here, not by question.
    """
    names = {
        "accuracy": "accuracy",
        "f1_score_with_invalid": "f1",
        "mean_3class_f1": "mean_f1",
        "matthews_corrcoef": "matthews",
        "pearson_corrcoef": "pearson",
        "spearman_corrcoef": "spearman",
        "squad": "f1",
    }
    chosen = [names[metric] for metric in metrics if metric in names]
    if "em" in metrics:
        chosen = ["accuracy"]
    return float(np.mean([scores[name] for name in chosen]))


def number_scores(gold: Numbers, predicted: Numbers) -> dict[str, float]:
    """Pearson's and Spearman's correlation; 0 where one of both is constant."""
    return {
        "pearson": 100.0 * _correlation(gold, predicted),
        "spearman": 100.0 * _correlation(_ranks(gold), _ranks(predicted)),
    }


def answer_scores(answers: Sequence[Sequence[str]], predicted: Sequence[str]) -> dict[str, float]:
    """SQuAD's F1 and exact match, the best over a question's answers."""
    f1 = [
        max(_token_f1(a, text) for a in right)
        for right, text in zip(answers, predicted, strict=True)
    ]
    exact = [
        max(float(_plain(a) == _plain(text)) for a in right)
        for right, text in zip(answers, predicted, strict=True)
    ]
    return {"f1": 100.0 * float(np.mean(f1)), "em": 100.0 * float(np.mean(exact))}


def referent_scores(
    referents: Sequence[str], labels: Sequence[int], predicted: Sequence[str]
) -> dict[str, float]:
    """WSC as t5 scores it: whether what was written is the referent, against the label."""
    right = [
        _names(text, referent) == label
        for text, referent, label in zip(predicted, referents, labels, strict=True)
    ]
    return {"accuracy": 100.0 * float(np.mean(right))}


def _names(text: str, referent: str) -> int:
    """1 where a text names the referent, 0 where not, -1 where it is empty."""
    said, meant = _without_determiners(text), _without_determiners(referent)
    if not said:
        return -1
    if ("'" in said) != ("'" in meant):
        return 0
    a, b = set(said.split(" ")), set(meant.split(" "))
    return int(a <= b or b <= a)


def _without_determiners(text: str) -> str:
    return " ".join(w for w in text.strip().lower().split(" ") if w not in _DETERMINERS)


def _plain(text: str) -> str:
    lower = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", lower).split())


def _token_f1(answer: str, text: str) -> float:
    a, b = _plain(answer).split(), _plain(text).split()
    same = sum((collections.Counter(a) & collections.Counter(b)).values())
    return 0.0 if not same else 2.0 * same / (len(a) + len(b))


def _f1(gold: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> float:
    hits = float((gold & predicted).sum())
    return 200.0 * hits / max(float(gold.sum() + predicted.sum()), 1.0)


def _correlation(a: Numbers, b: Numbers) -> float:
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _ranks(values: Numbers) -> Numbers:
    """Ranks, those of equals averaged."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return ((ends - counts + ends - 1) / 2.0)[inverse]
