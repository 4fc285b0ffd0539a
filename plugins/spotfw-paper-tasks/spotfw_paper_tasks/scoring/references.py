"""BLEU and ROUGE against several references a text.

t5's own `bleu` takes references by stream, not by example, and its `rouge` only one. Here a
target is a text, a sequence of references, or a mapping with ``references`` (as SARI wants
it, which needs the source too).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: As t5.evaluation.metrics.rouge reports.
ROUGE = ("rouge1", "rouge2", "rougeLsum")


def references_of(target: Any) -> list[str]:
    """All references of one example."""
    if isinstance(target, str):
        return [target]
    return list(target["references"] if isinstance(target, Mapping) else target)


def bleu(targets: Sequence[Any], predictions: Sequence[str]) -> Mapping[str, float]:
    """Corpus BLEU by sacrebleu with its default tokenisation (13a), as GEM reports it.

    Args:
      targets: references of each example; their number may differ.
      predictions: one text each.

    Returns:
      ``bleu``, 0-100.
    """
    import sacrebleu

    references = [references_of(target) for target in targets]
    most = max(map(len, references), default=1)
    # sacrebleu takes the first references of all examples, then the second ones, and so on.
    streams = [
        [given[place] if place < len(given) else None for given in references]
        for place in range(most)
    ]
    return {"bleu": float(sacrebleu.corpus_bleu(list(predictions), streams).score)}


def rouge(targets: Sequence[Any], predictions: Sequence[str]) -> Mapping[str, float]:
    """Mean ROUGE F against the best reference of each example (Lin 2004, section 2.1).

    The plain mean, not t5's bootstrap, so that the same texts always give the same values.

    Args:
      targets: references of each example.
      predictions: one text each.

    Returns:
      ``rouge1``, ``rouge2`` and ``rougeLsum``, 0-100.
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(list(ROUGE))
    totals = dict.fromkeys(ROUGE, 0.0)
    for target, prediction in zip(targets, predictions, strict=True):
        references = [_lines(reference) for reference in references_of(target)]
        best = scorer.score_multi(references, _lines(prediction))
        for name in ROUGE:
            totals[name] += best[name].fmeasure
    return {name: 100.0 * total / max(len(targets), 1) for name, total in totals.items()}


def _lines(text: str) -> str:
    """A line a sentence where the text is tokenised, as t5 prepares texts for rougeLsum."""
    return text.replace(" . ", " .\n")
