"""What a vocabulary knows of texts, and whether a task can be learned with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw.config import TuningSettings
from spotfw.errors import SpotError
from spotfw.tasks import Example, Task
from spotfw.tasks.fit import Reader, alike, check_fit, covering, needed_target_length
from spotfw.tasks.knowledge import knowledge
from spotfw.tasks.sample import EXAMPLES, MOST_READ, sample, spread
from spotfw.tasks.vocabulary import ByteVocabulary
from tests.tasks.test_spelling import FOLDING

READER = Reader(name="playground", vocabulary=FOLDING, pieces=839)
CHINESE = (
    "\u8fd9\u90e8\u7535\u5f71\u592a\u7cbe\u5f69\u4e86",
    "\u5267\u60c5\u975e\u5e38\u65e0\u804a",
)
KNOWN = ("the story was good", "the story was very bad", "the film was good")


def task_of(
    rows: Sequence[tuple[str, str]], labels: tuple[str, ...] = (), type: str = "generation"
) -> Task:
    return Task(
        name="toy",
        family="other",
        type=type,
        labels=labels,
        metrics=("sequence_accuracy",),
        splits={"train": None},
        examples=lambda split: [Example(inputs=i, targets=t) for i, t in rows],
        score=lambda examples, texts: {},
    )


def messages(task: Task, answers: bool = True, **settings: int) -> list[str]:
    """What is reported of a task, of its single split."""
    looked_at = [sample(task, "train", FOLDING)]
    return check_fit(task, looked_at, TuningSettings(**settings), READER, answers=answers)


def test_shares_of_what_is_unknown_and_spelled():
    # Of the words that differ: "good" and "splendid", spelled; the frame is no part of it.
    knows = knowledge(["the story was good", "the story was splendid"], FOLDING)
    assert (knows.unknown, knows.spelled) == (0.0, 0.5)
    # "caf" and an unknown letter: a quarter of it; nothing of the other.
    knows = knowledge(["caf\xe9", "\u597d"], FOLDING)
    assert knows.unknown == pytest.approx(2 / 5)
    assert (knows.mostly_unknown, knows.nothing_known) == (0.5, 0.5)
    assert knowledge([], FOLDING).unknown == 0.0


def test_a_frame_that_is_known_hides_nothing():
    knows = knowledge([f"film review: {text}" for text in CHINESE], FOLDING)
    assert (knows.unknown, knows.mostly_unknown, knows.nothing_known) == (1.0, 1.0, 1.0)


def test_a_vocabulary_of_letters_is_meant_to_spell():
    assert knowledge(["wonderful", "terrible"], ByteVocabulary()).spelled == 0.0


@given(st.lists(st.text("ab \u597d\xe9.", max_size=12), max_size=6))
def test_shares_are_shares(texts):
    knows = knowledge(texts, FOLDING)
    shares = (knows.unknown, knows.spelled, knows.mostly_unknown, knows.nothing_known)
    assert all(0 <= share <= 1 for share in shares)
    assert knows.nothing_known <= knows.mostly_unknown or "." in "".join(texts)


@pytest.mark.parametrize("frame", ["{}", "film review: {}", "{} ."])
def test_inputs_without_a_known_word_are_refused(frame):
    rows = [(frame.format(text), "good") for text in CHINESE]
    with pytest.raises(SpotError, match=r"100% of the inputs are unknown to .* about 800 words"):
        messages(task_of(rows, ("good", "bad")))


def test_some_unknown_inputs_are_reported_with_their_share():
    rows = [(text, "good") for text in (*KNOWN, CHINESE[0])]
    (message,) = messages(task_of(rows, ("good", "bad")))
    assert "(25% of the inputs by more than half)" in message
    assert "knows about 800 words" in message


def test_spelled_words_are_reported_with_their_share():
    rows = [("quixotic xylophones", "good"), ("jaundiced zeitgeist", "bad")]
    (message,) = messages(task_of(rows, ("good", "bad")))
    assert "100% of the words spelled out" in message


def test_nothing_is_reported_of_what_fits():
    assert messages(task_of([(text, "good") for text in KNOWN], ("good", "bad"))) == []


def test_cut_inputs_are_reported_and_those_alike_refused():
    rows = [(f"{word} {'story ' * 20}", "good") for word in ("good", "bad", "very")]
    (message,) = messages(task_of(rows, ("good", "bad")), max_input_length=10)
    assert "100% (train) of the inputs of task 'toy' are cut at 10" in message
    assert "--max-input-length 22 keeps" in message
    rows = [(f"{'story ' * 20}{word}", "good") for word in ("good", "bad", "very")]
    with pytest.raises(SpotError, match="different inputs are the same tokens"):
        messages(task_of(rows, ("good", "bad")), max_input_length=10)
    assert messages(task_of(rows, ("good", "bad")), max_input_length=22) == []


def test_no_length_is_proposed_that_keeps_no_more_than_the_one_that_cuts():
    # Of 20 inputs one is cut: the other 95% are whole already.
    rows = [(f"{'story ' * (20 if n == 0 else n % 4)}{n}", "good") for n in range(20)]
    task = task_of(rows, ("good", "bad"))
    assert not [text for text in messages(task, max_input_length=10) if "are cut at" in text]
    two = task_of([(f"{'story ' * 20}film", "good"), *rows], ("good", "bad"))
    (message,) = [text for text in messages(two, max_input_length=10) if "are cut at" in text]
    assert "10% (train)" in message and "--max-input-length 2" in message


def test_labels_that_are_cut_or_written_otherwise_are_reported():
    rows = [("the story was good", "Good Story"), ("the story was bad", "bad story")]
    task = task_of(rows, ("Good Story", "bad story"), "classification")
    (message,) = messages(task, max_target_length=2)
    assert "2 of 2 labels of task 'toy' are cut at 2 tokens" in message
    assert "'Good Story' as 'good'" in message and "--max-target-length 3" in message
    (message,) = messages(task)
    assert "compared so: 'Good Story' as 'good story'." in message


def test_of_texts_to_write_on_neither_cuts_nor_strange_words_are_reported():
    rows = [(text, f"{text} and jaundiced zeitgeist") for text in KNOWN]
    rows += [("quixotic xylophones", "jaundiced zeitgeist")] * 3
    task = attrs.evolve(task_of(rows), metrics=())
    said = " ".join(messages(task, max_target_length=5))
    assert "can hardly teach it words" in said and "cannot be right" in said
    assert messages(task, answers=False, max_target_length=5) == []


def test_free_text_that_is_cut_or_not_given_back_is_reported():
    rows = [(text, text) for text in KNOWN]
    (message,) = messages(task_of(rows), max_target_length=5)
    assert "33% (train) of the targets of task 'toy' are cut at 5 tokens" in message
    assert "--max-target-length 6 keeps them whole" in message
    (message,) = messages(task_of([(text, text.title()) for text in KNOWN]))
    assert "100% of the targets of task 'toy' are not given back" in message


def test_free_text_without_a_difference_is_refused():
    with pytest.raises(SpotError, match="different targets are the same tokens"):
        messages(task_of([(text, text) for text in KNOWN[:2]]), max_target_length=4)
    rows = list(zip(KNOWN, CHINESE, strict=False))
    with pytest.raises(SpotError, match="100% of the targets are unknown"):
        messages(task_of(rows))


def test_numbers_that_are_cut_are_refused():
    rows = [("the story was good", "3.8"), ("the story was bad", "1.2")]
    assert messages(task_of(rows, type="regression"), max_target_length=5) == []
    with pytest.raises(SpotError, match=r"other numbers. Raise --max-target-length to 5"):
        messages(task_of(rows, type="regression"), max_target_length=4)


def test_lengths_that_are_needed():
    task = task_of([("a", "good"), ("b", "very good story")], ("good", "the bad story was long"))
    looked_at = [sample(task, "train", FOLDING)]
    assert needed_target_length(task, looked_at, READER) == 1 + len(
        FOLDING.encode("the bad story was long")
    )
    assert covering(looked_at, "target", 0.0) == 4
    assert covering(looked_at, "target", 0.5) == 2
    assert covering([], "target", 0.0) == 0


@given(st.lists(st.text("abAB ", max_size=4), max_size=8), st.integers(1, 5))
def test_alike_is_one_where_one_text_is_left_and_none_where_all_are(texts, limit):
    ids = [list(text.encode()) for text in (" ".join(t.casefold().split()) for t in texts)]
    different = {tuple(i) for i in ids}
    kept = {tuple(i[: limit - 1]) for i in ids}
    share = alike(texts, ids, limit)
    assert 0 <= share <= 1
    assert (share == 0) == (len(kept) == len(different) or len(different) < 2)
    assert (share == 1) == (len(kept) == 1 and len(different) > 1)


def test_a_sample_is_spread_over_a_list_and_bounded_of_what_does_not_end():
    rows = [Example(inputs=str(n), targets="") for n in range(10 * EXAMPLES)]
    chosen = [int(e.inputs) for e in spread(rows, EXAMPLES)]
    assert chosen == list(range(0, 10 * EXAMPLES, 10))
    assert spread(rows[:3], EXAMPLES) == rows[:3]
    read = 0

    def endless() -> Iterator[Any]:
        nonlocal read
        while True:
            read += 1
            yield rows[0]

    assert len(spread(endless(), EXAMPLES)) == EXAMPLES
    assert read == MOST_READ
