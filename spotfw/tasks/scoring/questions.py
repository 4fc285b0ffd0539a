"""Metrics of answers to questions, each scored by its best match with any right answer.

SQuAD's (Rajpurkar et al. 2016), TriviaQA's (Joshi et al. 2017) and CoQA's (Reddy et al. 2019):
texts are compared in lower case, without punctuation and articles.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_DELETED = str.maketrans("", "", string.punctuation)
#: TriviaQA has three more quotation marks, and a space for each mark.
_SPACED = str.maketrans(dict.fromkeys(f"{string.punctuation}\u2018\u2019\u00b4", " "))


def squad(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Mapping[str, Any]:
    """Mean exact match ``em`` and F1 over words ``f1``, in percent.

    Args:
      targets: all right answers of each question, at least one.
      predictions: one answer each.
    """
    return _match(targets, predictions, normalize_squad)


def trivia_qa(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Mapping[str, Any]:
    """As `squad`, with TriviaQA's punctuation."""
    return _match(targets, predictions, normalize_trivia_qa)


def coqa_f1(targets: Sequence[Sequence[str]], predictions: Sequence[str]) -> Mapping[str, Any]:
    """Mean F1 over words, in percent; nothing said where nothing is right is right."""
    best = []
    for answers, prediction in zip(targets, predictions, strict=False):
        if not isinstance(answers, Sequence):
            raise AssertionError(f"the right answers are no sequence but {answers!r}")
        said = normalize_squad(prediction).split()
        words = [normalize_squad(answer).split() for answer in answers]
        best.append(max(_f1(right, said) if right or said else 1 for right in words))
    return {"f1": np.mean(np.array(best)) * 100}


def normalize_squad(text: str) -> str:
    """Lower case, without punctuation and articles, one space between words."""
    return _plain(text, _DELETED)


def normalize_trivia_qa(text: str) -> str:
    """As `normalize_squad`, with a space in place of each mark."""
    return _plain(text, _SPACED)


def _plain(text: str, marks: Mapping[int, Any]) -> str:
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(marks)).split())


def _match(
    targets: Sequence[Sequence[str]], predictions: Sequence[str], plain: Callable[[str], str]
) -> Mapping[str, Any]:
    if len(targets) != len(predictions):
        raise ValueError(f"{len(predictions)} predictions for {len(targets)} questions")
    exact, shared = [], []
    for answers, prediction in zip(targets, predictions, strict=True):
        said = plain(prediction)
        right = [plain(answer) for answer in answers]
        exact.append(max(answer == said for answer in right))
        shared.append(max(_f1(answer.split(), said.split()) for answer in right))
    return {"em": np.mean(exact) * 100, "f1": np.mean(shared) * 100}


def _f1(right: Sequence[str], said: Sequence[str]) -> float:
    """F1 over words with their multiplicity, 0 to 1; 0 of nothing in common."""
    common = sum((Counter(said) & Counter(right)).values())
    if not common:
        return 0
    precision, recall = common / len(said), common / len(right)
    return (2 * precision * recall) / (precision + recall)
