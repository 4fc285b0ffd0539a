"""Metrics of ``t5.evaluation.metrics`` by name, and what each needs answers to be.

A test holds this page against t5 itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from spotfw.errors import UnknownName, WrongUse

#: What answers are: one of some labels, a number, any of several answers, or free text.
LABEL, NUMBER, ANSWERS, TEXT = "label", "number", "answers", "text"

#: Metric -> kinds of answers it can score.
METRICS: dict[str, frozenset[str]] = {
    "accuracy": frozenset({LABEL, TEXT}),
    "all_match": frozenset({LABEL, TEXT}),
    "bleu": frozenset({TEXT}),
    "coqa_f1": frozenset({ANSWERS}),
    "f1_score_with_invalid": frozenset({LABEL}),
    "matthews_corrcoef": frozenset({LABEL}),
    "mean_multiclass_f1": frozenset({LABEL}),
    "pearson_corrcoef": frozenset({NUMBER}),
    "rouge": frozenset({TEXT}),
    "sequence_accuracy": frozenset({LABEL, TEXT}),
    "spearman_corrcoef": frozenset({NUMBER}),
    "squad": frozenset({ANSWERS}),
    "trivia_qa": frozenset({ANSWERS}),
}

#: What t5 has too but a table cannot use, and why.
REFUSED: dict[str, str] = {
    "auc": "it needs the model's likelihood of each label, and only decoded text is scored",
    "deduplicate_metric": "it needs groups of rows",
    "edit_distance": "lower is better, and the best checkpoint is the one that scores highest",
    "mean_group_metric": "it needs groups of rows",
    "multirc_f1_over_all_answers": "it is f1_score_with_invalid for MultiRC's nested answers; "
    "use that one",
    "rank_classification": "it needs the model's likelihood of each label",
    "score_auc": "it needs the model's likelihood of each label",
    "sklearn_metrics_wrapper": "it makes metrics; matthews_corrcoef is the one offered",
    "span_squad": "it needs answers as positions; use squad with the answers' text",
}


def check_metrics(names: Sequence[str], kind: str, labels: int, where: str) -> None:
    """Checks that each metric exists and fits the answers.

    Args:
      names: metrics as written.
      kind: what answers are.
      labels: number of labels.
      where: what to say the metric stands in.

    Raises:
      UnknownName: t5 has no such metric.
      WrongUse: it has, but it cannot score this kind of answer.
    """
    for name in names:
        if name in REFUSED:
            raise WrongUse(f"The metric {name!r} of {where} cannot be used: {REFUSED[name]}.")
        if name not in METRICS:
            raise UnknownName("metric", name, METRICS)
        if kind not in METRICS[name]:
            fitting = sorted(m for m, kinds in METRICS.items() if kind in kinds)
            raise WrongUse(
                f"The metric {name!r} of {where} does not score answers of the kind {kind!r}. "
                f"For these there are {', '.join(fitting)}."
            )
        if name == "f1_score_with_invalid" and labels != 2:
            raise WrongUse(
                f"The metric {name!r} of {where} is for two labels, but the task has {labels}. "
                "Use mean_multiclass_f1."
            )
