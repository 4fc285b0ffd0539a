"""Metrics by their names in ``t5.evaluation.metrics``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spotfw.tasks.scoring import classes, correlations, questions, texts
from spotfw.tasks.scoring.scorer import MetricFn

#: Name -> function; ``mean_multiclass_f1``, which is made for a number of classes, is no part.
FUNCTIONS: Mapping[str, MetricFn] = {
    function.__name__: function
    for function in (
        classes.accuracy,
        classes.all_match,
        texts.bleu,
        questions.coqa_f1,
        classes.f1_score_with_invalid,
        classes.matthews_corrcoef,
        correlations.pearson_corrcoef,
        texts.rouge,
        classes.sequence_accuracy,
        correlations.spearman_corrcoef,
        questions.squad,
        questions.trivia_qa,
    )
}

#: The metric that is made for a number of classes.
MEAN_F1 = "mean_multiclass_f1"


def reported_name(name: str, labels: int = 0) -> str:
    """The name under which a task's score of a metric stands, as t5 names it.

    ``mean_multiclass_f1`` makes a metric for a number of classes, ``mean_3class_f1``.
    """
    return classes.MeanMulticlassF1(labels).__name__ if name == MEAN_F1 else name


def metric_functions(names: Iterable[str], labels: int = 0) -> list[MetricFn]:
    """The functions (targets, predictions) -> values of names.

    Args:
      names: of ``t5.evaluation.metrics``; `spotfw.tasks.tables.answers.METRICS` has them all.
      labels: number of class labels, of which ``mean_multiclass_f1`` is made.

    Raises:
      KeyError: there is no such metric.
    """
    return [
        classes.MeanMulticlassF1(labels) if name == MEAN_F1 else FUNCTIONS[name] for name in names
    ]
