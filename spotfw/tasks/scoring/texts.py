"""Metrics of free text: BLEU by sacrebleu, ROUGE by Google's rouge-score."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

ROUGE = ("rouge1", "rouge2", "rougeLsum")


def bleu(targets: Sequence[Any], predictions: Sequence[str]) -> Mapping[str, Any]:
    """Corpus BLEU, 0 to 100, with sacrebleu's international tokenisation.

    Args:
      targets: one text for each prediction; or lists, of which the first holds the first
        reference of every example, the second the second ones, and so on.
      predictions: one text each.
    """
    import sacrebleu

    streams = [list(t) for t in targets] if isinstance(targets[0], list) else [targets]
    score = sacrebleu.corpus_bleu(
        predictions, streams, smooth_method="exp", smooth_value=0.0, tokenize="intl"
    )
    return {"bleu": score.score}


def rouge(targets: Sequence[str], predictions: Sequence[str]) -> Mapping[str, Any]:
    """ROUGE-1, ROUGE-2 and ROUGE-Lsum, F in percent: the median of a bootstrap's means.

    The bootstrap draws from NumPy's global generator, so that the last digits change from one
    call to the next, as they do in t5.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at import, from what rouge-score imports
        from rouge_score import rouge_scorer, scoring

    scorer = rouge_scorer.RougeScorer(rouge_types=ROUGE)
    bootstrap = scoring.BootstrapAggregator()
    for target, prediction in zip(targets, predictions, strict=False):
        bootstrap.add_scores(scorer.score(target=_lines(target), prediction=_lines(prediction)))
    result = bootstrap.aggregate()
    return {name: result[name].mid.fmeasure * 100 for name in ROUGE}


def _lines(text: str) -> str:
    """A line a sentence where the text is tokenised, which is what Lsum takes as sentences."""
    return text.replace(" . ", " .\n")
