"""Metrics of classes and of texts that are right or wrong as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

Values = Mapping[str, Any]


def accuracy(targets: Sequence[Any], predictions: Sequence[Any]) -> Values:
    """Share of predictions that are right, in percent."""
    kinds = {*map(type, targets), *map(type, predictions)}
    if len(targets) == len(predictions) and kinds in ({int}, {str}):
        # What scikit-learn gives too; to import it takes longer than to score.
        right = [p == t for t, p in zip(targets, predictions, strict=True)]
        return {"accuracy": 100 * float(np.mean(right))}
    from sklearn.metrics import accuracy_score

    return {"accuracy": 100 * accuracy_score(targets, predictions)}


def sequence_accuracy(targets: Sequence[str], predictions: Sequence[str]) -> Values:
    """Share of texts that are right to the character, in percent."""
    if len(targets) != len(predictions):
        raise AssertionError(f"{len(predictions)} predictions for {len(targets)} targets")
    right = [p == t for t, p in zip(targets, predictions, strict=True)]
    return {"sequence_accuracy": 100 * np.mean(right)}


def all_match(targets: Sequence[Any], predictions: Sequence[Any]) -> Values:
    """100 where every prediction is right, else 0."""
    return {"exact_match": 100 * float(np.array_equal(targets, predictions))}


def f1_score_with_invalid(targets: Sequence[int], predictions: Sequence[int]) -> Values:
    """F1 of the class 1 of two, in percent; a prediction that is no class counts as wrong."""
    from sklearn.metrics import f1_score

    right, given = np.array(targets), np.array(predictions)
    no_class = (given != 0) & (given != 1)
    given[no_class] = 1 - right[no_class]
    return {"f1": 100 * f1_score(right, given)}


def matthews_corrcoef(targets: Sequence[int], predictions: Sequence[int]) -> Values:
    """Matthews' correlation of classes, -100 to 100."""
    from sklearn.metrics import matthews_corrcoef as coefficient

    return {"matthews_corrcoef": 100 * coefficient(targets, predictions)}


@attrs.frozen
class MeanMulticlassF1:
    """The unweighted mean of each class's F1, in percent, as ``mean_Nclass_f1``.

    Attributes:
      classes: number of classes; a prediction that is none of them is of no class.
    """

    classes: int

    @property
    def __name__(self) -> str:
        return f"mean_{self.classes}class_f1"

    def __call__(self, targets: Sequence[int], predictions: Sequence[int]) -> Values:
        from sklearn.metrics import fbeta_score

        labels = range(self.classes)
        value = fbeta_score(targets, predictions, beta=1, labels=labels, average="macro")
        return {self.__name__: 100 * value}
