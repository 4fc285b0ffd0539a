"""MRQA: golden examples, the same as t5's for SQuAD, and its scorer."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Example, Unusable
from spotfw_paper_tasks.families.mrqa import DATASETS, question_with_context

GOLDEN = [
    (
        {
            "qid": "b5f1",
            "question": 'Who wrote "Emma"?',
            "context": "[PAR] Emma, of 1815, is by Jane Austen.",
            "answers": ["Jane Austen", "Austen"],
        },
        'question: Who wrote " Emma " ? context: [ PAR ] Emma , of 1815 , is by Jane Austen . ',
        "Jane Austen",
        ["Jane Austen", "Austen"],
    ),
    (  # unicode stays together, white space folds, answers are padded as the text is
        {
            "qid": "",
            "question": "how much\tis\n it",
            "context": "[DOC] Das Café kostet 3,50 € · sagt der Wirt…",
            "answers": ["3,50 €"],
        },
        "question: how much is it context: [ DOC ] Das Café kostet 3 , 50 € · sagt der Wirt…",
        "3 , 50 €",
        ["3 , 50 €"],
    ),
    (  # blank answers are left out; dollars, backslashes and carets are punctuation
        {
            "qid": "x",
            "question": "What is a\\b^2?",
            "context": "It's $5.",
            "answers": [" ", "$5"],
        },
        "question: What is a \\ b ^ 2 ? context: It ' s $ 5 . ",
        " $ 5",
        [" $ 5"],
    ),
]


@pytest.mark.parametrize(("row", "inputs", "targets", "answers"), GOLDEN)
def test_golden(row: dict[str, Any], inputs: str, targets: str, answers: list[str]) -> None:
    assert question_with_context(row) == (
        Example(inputs=inputs, targets=targets, extra={"answers": answers, "id": row["qid"]}),
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answers": []}, "there is no answer"),
        ({"answers": ["", "  "]}, "there is no answer"),
        ({"question": " \n"}, "'question' is empty"),
        ({"context": ""}, "'context' is empty"),
    ],
)
def test_rows_without_question_context_or_answer(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        question_with_context({**GOLDEN[0][0], **change})


def test_texts_are_those_of_t5s_squad() -> None:
    from spotfw.tasks.seqio.compat import tf

    preprocessors = pytest.importorskip("t5.data.preprocessors")
    odd = "".join(map(chr, range(9, 300))) + " \u00a0\u2003 “x” 3.5% e\u0301 \t\r\n"
    rows = [row for row, *_ in GOLDEN] + [
        {"qid": "", "question": odd + "?", "context": odd, "answers": [odd]}
    ]
    for row in rows:
        mine = question_with_context(row)[0]
        answers = [text for text in row["answers"] if text.strip()]
        squad = {"id": "", **row, "answers": {"text": answers}}
        source = tf.data.Dataset.from_tensors(
            {
                "id": "",
                "question": squad["question"],
                "context": squad["context"],
                "answers": {"text": tf.constant(answers)},
            }
        )
        theirs = next(iter(preprocessors.squad(source).as_numpy_iterator()))
        assert mine.inputs == theirs["inputs"].decode()
        assert mine.targets == theirs["targets"].decode()
        assert mine.extra["answers"] == [answer.decode() for answer in theirs["answers"]]


def squad(targets: list[list[str]], predictions: list[str]) -> Any:
    """EM and F1 as the task gives them, through its post-processor."""
    task = DATASETS[0]
    postprocess = Postprocess(task)
    wanted = [
        postprocess("", Example(inputs="", targets="", extra={"answers": answers}), is_target=True)
        for answers in targets
    ]
    return metric_functions(task)[0](wanted, [postprocess(text) for text in predictions])


def test_the_best_of_all_answers_scores() -> None:
    assert squad([["Jane Austen", "Austen"]], ["the austen!"]) == {"em": 100, "f1": 100}
    # one word of two is right: precision 1, recall 1/2 against "Jane Austen"
    assert squad([["Jane Austen"], ["x"]], ["Jane", "y"])["f1"] == pytest.approx(100 / 3)
    assert squad([["Jane Austen"], ["x"]], ["Jane", "y"])["em"] == 0


TEXTS = st.text("ab the.,é", max_size=12)


@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
def test_scores_stay_in_bounds_and_more_answers_never_hurt(answers: list[str], said: str) -> None:
    fewer, more = squad([answers[:1]], [said]), squad([answers], [said])
    for name in ("em", "f1"):
        assert 0 <= fewer[name] <= more[name] <= 100
