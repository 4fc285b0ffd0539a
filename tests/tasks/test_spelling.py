"""Labels as a vocabulary writes them: scored through it, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.errors import SpotError
from spotfw.tasks import Example, Task
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.scoring import Scorer, ToLabel, metric_functions
from spotfw.tasks.spelling import as_decoded, as_written, spell_labels
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary
from tests.places import ROOT

#: Folds capitals, knows some 800 words and no sign of a heart.
FOLDING = SentencePieceVocabulary(
    str(ROOT / "plugins/spotfw-playground/spotfw_playground/model/spiece.model")
)
BYTES = ByteVocabulary()


def task_of(
    labels: tuple[str, ...], targets: tuple[str, ...] | None = None, scorer: Any = None
) -> Task:
    """A task whose examples have these targets, by default each label once."""
    rows = [Example(inputs="a film", targets=target) for target in targets or labels]
    accuracy = Scorer(metric_functions(["accuracy"]), ToLabel(labels))
    return Task(
        name="toy",
        family="other",
        type="classification",
        labels=labels,
        splits=dict.fromkeys(("train", "validation")),
        examples=lambda split: rows,
        score=scorer or accuracy,
    )


def decoded(texts: tuple[str, ...], vocabulary: Any, length: int) -> list[str]:
    """What a model writes that has learned the targets: their tokens, as many as are kept."""
    return [
        str(vocabulary.decode([*vocabulary.encode(text)[: length - 1], vocabulary.eos_id, 0]))
        for text in texts
    ]


@pytest.mark.parametrize(
    ("labels", "length"),
    [
        (("good", "bad"), 64),
        (("good \u2665", "bad"), 64),  # no piece: decoded as "good  \u2047 "
        (("Very Positive", "VERY NEGATIVE"), 64),
        (("the  good", "the bad "), 64),
        (("\uff47ood", "bad"), 64),  # a wide g, which the vocabulary makes a plain one
        (("good story", "bad story"), 2),  # cut, and still different
        (("Good Story", "BAD \u2665"), 2),
    ],
)
def test_a_learned_answer_is_right_however_the_vocabulary_writes_it(labels, length):
    task = task_of(labels)
    examples = read_examples(task, "validation", FOLDING, 64, length)
    right = decoded(labels, FOLDING, length)
    assert score(examples, right) == {"accuracy": 100.0}
    assert score(examples, right[::-1]) == {"accuracy": 0.0}
    assert score(examples, [right[0], "story"]) == {"accuracy": 50.0}
    # As the task writes it is right too: so answers of another prompt, or a person's, are.
    assert score(examples, labels) == {"accuracy": 100.0}


@pytest.mark.parametrize(
    ("labels", "length", "said"),
    [
        (("good", "Good"), 64, "'good' and 'Good' of task 'toy' are the same tokens"),
        (("\u597d", "\u574f"), 64, "are the same tokens"),
        (("yes \u2665", "yes \u2620"), 64, "are the same tokens"),
        (("good", "\u2665"), 64, "'\u2665' of task 'toy' is unknown to this model's vocabulary"),
        (("good", "\u200b"), 64, "is unknown to this model's vocabulary"),
        (("the good story", "the good music"), 3, "--max-target-length 4"),
        (("good", "good story"), 2, r"cut to the same tokens \('good'\)"),
        (("good", "bad"), 1, "cut to the same tokens"),
    ],
)
def test_labels_that_cannot_be_told_apart_are_refused(labels, length, said):
    with pytest.raises(SpotError, match=said):
        read_examples(task_of(labels), "train", FOLDING, 64, length)


@given(
    labels=st.lists(
        st.text("abcABC \u2665\u597d\u1e9e\ufb01", min_size=1, max_size=6), min_size=2, max_size=5
    ).map(lambda texts: tuple(dict.fromkeys(texts))),
    length=st.integers(1, 8),
)
def test_either_every_learned_label_is_right_or_they_are_refused(labels, length):
    task = task_of(labels)
    try:
        written = as_decoded(spell_labels(task, FOLDING, length))
    except SpotError:
        texts = decoded(labels, FOLDING, length)
        unknown = [not t.replace("\u2047", "").strip() for t in decoded(labels, FOLDING, 99)]
        assert len(set(texts)) < len(labels) or any(unknown)
        return
    texts = decoded(labels, FOLDING, length)
    assert [written.get(text, text) for text in texts] == list(labels)


def test_several_labels_in_a_target_are_scored_as_written():
    labels = ("Joy", "Love", "\u2665 anger")
    targets = ("Joy", "Joy, Love", "Love, \u2665 anger")

    def exact(examples: Any, texts: Any) -> dict[str, float]:
        right = [e.targets == t for e, t in zip(examples, texts, strict=True)]
        return {"exact": 100 * sum(right) / len(right)}

    examples = read_examples(task_of(labels, targets, exact), "validation", FOLDING, 64, 64)
    assert score(examples, decoded(targets, FOLDING, 64)) == {"exact": 100.0}
    # Also in an order that no target has.
    assert as_written("love, joy", examples.written) == "Love, Joy"


def test_several_labels_of_which_the_end_is_cut_are_refused():
    task = task_of(("joy", "love"), ("joy", "joy, love"))
    assert len(read_examples(task, "train", BYTES, 64, 10)) == 2
    with pytest.raises(SpotError, match=r"example 2 .*'joy, love', 10 tokens.* 10 or more"):
        read_examples(task, "train", BYTES, 64, 9)
