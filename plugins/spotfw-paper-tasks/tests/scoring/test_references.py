"""BLEU and ROUGE over several references, against sacrebleu, rouge_score and t5."""

from __future__ import annotations

import pytest

from spotfw_paper_tasks.scoring.references import bleu, rouge

SYSTEM = [
    "The dog bit the man.",
    "It wasn't surprising.",
    "The man had just bitten him.",
]
FIRST = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
SECOND = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]


def test_bleu_is_sacrebleus_own_example() -> None:
    # The README of sacrebleu 2 prints 48.53 for these three sentences.
    targets = [list(pair) for pair in zip(FIRST, SECOND, strict=True)]
    assert bleu(targets, SYSTEM)["bleu"] == pytest.approx(48.530827, abs=1e-5)


def test_examples_may_differ_in_the_number_of_references() -> None:
    import sacrebleu

    targets = [[FIRST[0], SECOND[0]], [FIRST[1]], [FIRST[2], SECOND[2]]]
    expected = sacrebleu.corpus_bleu(SYSTEM, [FIRST, [SECOND[0], None, SECOND[2]]]).score
    assert bleu(targets, SYSTEM)["bleu"] == expected


def test_a_target_may_be_a_text_or_carry_its_source() -> None:
    plain = bleu(FIRST, SYSTEM)
    carried = [{"source": "x", "references": [text]} for text in FIRST]
    assert plain == bleu(carried, SYSTEM) == bleu([[text] for text in FIRST], SYSTEM)
    assert rouge(FIRST, SYSTEM) == rouge(carried, SYSTEM)


def test_rouge_is_the_mean_over_examples_of_the_best_reference() -> None:
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rouge1", "rouge2", "rougeLsum"])
    for name, value in rouge([[a, b] for a, b in zip(FIRST, SECOND, strict=True)], SYSTEM).items():
        best = [
            max(scorer.score(text, given)[name].fmeasure for text in pair)
            for pair, given in zip(zip(FIRST, SECOND, strict=True), SYSTEM, strict=True)
        ]
        assert value == pytest.approx(100 * sum(best) / 3)


def test_rouge_of_one_reference_is_t5s() -> None:
    from spotfw.tasks.seqio.compat import t5

    # One sentence, so that t5's bootstrap has nothing to resample.
    target, prediction = "a cat sat . it purred .", "it purred . a cat sat ."
    assert rouge([target], [prediction]) == pytest.approx(
        t5.evaluation.metrics.rouge([target], [prediction])
    )
    assert rouge([target], [prediction])["rougeLsum"] == 100


@pytest.mark.parametrize("metric", [bleu, rouge])
def test_nothing_predicted_scores_nothing(metric: object) -> None:
    assert set(metric([["a b c d e"]], [""]).values()) == {0.0}  # type: ignore[operator]
