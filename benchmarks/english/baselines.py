"""What a task is worth without a language model: its majority class, and bags of words.

Of unlabelled text, how well pieces are guessed by their frequency alone. Of written answers
(SQuAD, ReCoRD) there is neither: they are no classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier

from benchmarks.english import measures
from benchmarks.english.bundle import Part, TaskData, read_bundle

#: Pieces of the model's vocabulary.
VOCABULARY = 10_112
_STRENGTHS = (0.03, 0.3, 3.0)


def facts(export: Path) -> list[dict[str, Any]]:
    """A row a task in its role: sizes, share cut, and both baselines on the reported rows."""
    rows = []
    for (role, name), task in read_bundle(export).items():
        majority, words = _scores(task)
        count = {f"{part}_rows": size for part, size in task.facts["parts"].items()}
        cut = {f"{part}_cut": share for part, share in task.facts["cut"].items()}
        rows.append(
            {
                "role": role,
                "task": name,
                "family": task.facts["family"],
                "kind": task.kind,
                "metrics": "+".join(task.facts["metrics"]),
                "shippable": task.facts.get("shippable", ""),
                **count,
                **cut,
                "left_out_of_report": task.facts["left_out_of_report"],
                "majority": "" if majority is None else round(majority, 2),
                "bag_of_words": "" if words is None else round(words, 2),
                "licence": task.facts["licence"],
                "citation": task.facts["citation"],
            }
        )
    return rows


def _scores(task: TaskData) -> tuple[float | None, float | None]:
    if task.kind == "referent":
        wrong = 100.0 * float(np.mean(np.array(task.report.referent_labels) == 0))
        return max(wrong, 100.0 - wrong), None
    if task.kind == "lm":
        return None, -_unigram_loss(task.train, task.report)
    if task.kind not in ("labels", "number"):
        return None, None
    train, select, report = _bags(task.train, task.select, task.report)
    gold = task.train.gold
    best: tuple[float, Any] | None = None
    for strength in _STRENGTHS:
        model = (
            OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear"))
            if task.kind == "labels"
            else Ridge(alpha=1.0 / strength)
        )
        model.fit(train, gold if task.kind == "labels" else _numbers(task, task.train))
        score = _score(task, task.select, model.predict(select))
        if best is None or score > best[0]:
            best = score, model
    assert best is not None
    most = np.bincount(gold).argmax() if task.kind == "labels" else 0.0
    constant = np.full(len(task.report), most)
    return _score(task, task.report, constant), _score(task, task.report, best[1].predict(report))


def _unigram_loss(train: Part, report: Part) -> float:
    """Nats a token where each piece is as likely as in the training part, whatever is around it."""
    counts = np.bincount(np.concatenate(train.targets), minlength=VOCABULARY) + 1.0
    losses = -np.log(counts / counts.sum())
    return float(np.mean(losses[np.concatenate(report.targets)]))


def _bags(train: Part, *others: Part) -> list[csr_matrix]:
    """Which pieces and pairs of pieces inputs have, and the share of their pieces seen twice.

    The share tells two texts that say the same apart, which a bag alone cannot.
    """
    vectorizer = CountVectorizer(
        ngram_range=(1, 2), binary=True, min_df=3, token_pattern=r"\S+", lowercase=False
    )
    bags: list[csr_matrix] = []
    for part in (train, *others):
        texts = [" ".join(map(str, ids[:-1])) for ids in part.inputs]
        words = vectorizer.transform(texts) if bags else vectorizer.fit_transform(texts)
        twice = np.array([[1.0 - len(set(ids.tolist())) / len(ids)] for ids in part.inputs])
        bags.append(csr_matrix(hstack([words, 10.0 * twice])))
    return bags


def _numbers(task: TaskData, part: Part) -> np.ndarray[Any, Any]:
    return np.array([float(label) for label in task.facts["labels"]])[part.gold]


def _score(task: TaskData, part: Part, predicted: np.ndarray[Any, Any]) -> float:
    if task.kind == "number":
        scores = measures.number_scores(_numbers(task, part), np.asarray(predicted, np.float64))
    else:
        scores = measures.class_scores(part.gold, predicted, len(task.label_ids))
    return measures.task_score(task.facts["metrics"], scores)
