"""DROP and RACE: golden examples and rows that cannot be used."""

from __future__ import annotations

from typing import Any

import pytest

from spotfw_paper_tasks.build import Postprocess
from spotfw_paper_tasks.dataset import Example, Unusable
from spotfw_paper_tasks.families.reading import DATASETS, drop_examples, race_examples

DROP = {
    "query_id": "q-1",
    "passage": "Denver kicked goals of 23, 41 and 50 yards.\nThey won 1,234.5 to 2.",
    "question": "How many field goals were kicked?",
    "answer": "3",
    "validated_answers": [],
}
DROP_GOLDEN = [
    (
        {},
        "drop question: How many field goals were kicked? context: Denver kicked goals of 23, "
        "41 and 50 yards. They won 1,234.5 to 2.",
        "3",
        ["3"],
    ),
    (  # a number and spans of other annotators; the same twice counts once, blanks not
        {"validated_answers": ["3", "three goals", " ", "23, 41 and 50"]},
        "drop question: How many field goals were kicked? context: Denver kicked goals of 23, "
        "41 and 50 yards. They won 1,234.5 to 2.",
        "3",
        ["3", "three goals", "23, 41 and 50"],
    ),
    (  # a date as TFDS writes it, one without a year, and what only looks like one
        {
            "question": "When did it begin?",
            "answer": "1992-March-4",
            "validated_answers": ["-august-17", "10-yard-2"],
        },
        "drop question: When did it begin? context: Denver kicked goals of 23, 41 and 50 yards. "
        "They won 1,234.5 to 2.",
        "4 March 1992",
        ["4 March 1992", "17 august", "10-yard-2"],
    ),
    (  # a date without a day has no text in TFDS: another annotator's answer is the target
        {
            "passage": "Zoës army — 1648",
            "question": "Whose  army?",
            "answer": "",
            "validated_answers": ["Zoës"],
            "query_id": None,
        },
        "drop question: Whose army? context: Zoës army — 1648",
        "Zoës",
        ["Zoës"],
    ),
]


@pytest.mark.parametrize(("change", "inputs", "targets", "answers"), DROP_GOLDEN)
def test_drop_golden(change: dict[str, Any], inputs: str, targets: str, answers: list[str]) -> None:
    row = {**DROP, **change}
    assert drop_examples(row) == (
        Example(
            inputs=inputs,
            targets=targets,
            extra={"answers": answers, "id": row["query_id"] or ""},
        ),
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answer": " "}, "there is no answer"),
        ({"question": ""}, "'question' is empty"),
        ({"passage": "\n"}, "'passage' is empty"),
    ],
)
def test_drop_rows_that_lack_something(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        drop_examples({**DROP, **change})


def test_drop_scores_all_answers() -> None:
    postprocess = Postprocess(DATASETS[0])
    example = Example(inputs="", targets="3", extra={"answers": ["3", "three"]})
    assert postprocess("3", example, is_target=True) == ["3", "three"]
    assert postprocess("  4") == "  4"


ARTICLE = "Tom has a dog.\nIt is   old."
OPTIONS = ["A cat.", "A dog.", "Two dogs.", "Nothing."]
RACE = {
    "example_id": "high42.txt",
    "article": ARTICLE,
    "questions": ["What has Tom?", "The dog is _ ."],
    "answers": ["B", "D"],
    "options": [OPTIONS, ["new", "", "über 2 m", "old"]],
}
RACE_GOLDEN = [
    (
        "race question: What has Tom? A: A cat. B: A dog. C: Two dogs. D: Nothing. "
        "article: Tom has a dog. It is old.",
        "B",
        "high42.txt/0",
        "high",
    ),
    (
        "race question: The dog is _ . A: new B: C: über 2 m D: old "
        "article: Tom has a dog. It is old.",
        "D",
        "high42.txt/1",
        "high",
    ),
]


def test_race_golden_one_example_a_question() -> None:
    assert race_examples(RACE) == tuple(
        Example(inputs=inputs, targets=letter, extra={"id": name, "level": level})
        for inputs, letter, name, level in RACE_GOLDEN
    )


def test_race_golden_of_middle_school_and_without_a_name() -> None:
    row = {**RACE, "questions": [""], "answers": ["A"], "options": [["x", "y"]]}
    assert race_examples({**row, "example_id": "middle7.txt"}) == (
        Example(
            inputs="race question: A: x B: y article: Tom has a dog. It is old.",
            targets="A",
            extra={"id": "middle7.txt/0", "level": "middle"},
        ),
    )
    assert race_examples({**row, "example_id": None})[0].extra == {"id": "/0", "level": ""}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answers": ["B"]}, "2 questions, 1 answers and 2 lists of options do not fit"),
        ({"questions": [], "answers": [], "options": []}, "there is no question"),
        ({"answers": ["B", "E"]}, "the answer 'E' is none of 4 options"),
        ({"answers": ["B", "d"]}, "the answer 'd' is none of 4 options"),
        ({"options": [["x"], OPTIONS]}, "the answer 'B' is none of 1 options"),
        ({"options": [[*OPTIONS, "fifth"], OPTIONS]}, "a question has 5 options, not 4"),
        ({"article": " "}, "'article' is empty"),
    ],
)
def test_race_rows_that_cannot_be_used(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        race_examples({**RACE, **change})


def test_race_is_scored_by_the_letter() -> None:
    postprocess = Postprocess(DATASETS[1])
    assert [postprocess(text) for text in ("A", "D", "E", "")] == [0, 3, -1, -1]
