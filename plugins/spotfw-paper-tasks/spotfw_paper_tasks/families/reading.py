"""DROP and RACE: reading that asks for counting, and school examinations.

DROP's passages keep their punctuation, other than SQuAD's in t5: set apart, "1,234.5" would
no longer be a number to DROP's scorer. RACE names its choices A to D before the article, so
that a long article is cut and not the choices; the model answers with the letter.
"""

from __future__ import annotations

import calendar
import re

from spotfw.tasks.t5.punctuation import join
from spotfw_paper_tasks.dataset import Dataset, Example, Row, Split, Unusable
from spotfw_paper_tasks.scoring import targets
from spotfw_paper_tasks.scoring.drop import drop

#: RACE's choices.
LETTERS = ("A", "B", "C", "D")

_TFDS_DATE = re.compile(
    rf"(\d*)-({'|'.join(name for name in calendar.month_name if name)})-(\d+)", re.IGNORECASE
)


def drop_examples(row: Row) -> tuple[Example]:
    """A question of DROP; the crowd's first answer is the target, validated ones count too.

    An answer is a number, a date or a span. TFDS (2.0.0) keeps only the first of several
    spans and writes dates as ``1992-March-4``; they become ``4 March 1992``, the order in
    which the published scorer compares them.

    Raises:
      Unusable: question or passage is empty, or no answer has any text.
    """
    for column in ("question", "passage"):
        if not row[column].strip():
            raise Unusable(f"{column!r} is empty")
    given = [row["answer"], *(row.get("validated_answers") or ())]
    answers = list(dict.fromkeys(_date_in_order(text.strip()) for text in given if text.strip()))
    if not answers:
        raise Unusable("there is no answer")
    return (
        Example(
            inputs=join("drop question:", row["question"], "context:", row["passage"]),
            targets=answers[0],
            extra={"answers": answers, "id": row.get("query_id") or ""},
        ),
    )


def race_examples(row: Row) -> tuple[Example, ...]:
    """One example for each question about an article.

    Raises:
      Unusable: the article is empty, questions, answers and options differ in number, there
        is no question, an answer is no letter of A to D, or it names an option that is not
        there.
    """
    if not row["article"].strip():
        raise Unusable("'article' is empty")
    questions, answers, options = row["questions"], row["answers"], row["options"]
    if not len(questions) == len(answers) == len(options):
        raise Unusable(
            f"{len(questions)} questions, {len(answers)} answers and {len(options)} "
            "lists of options do not fit together"
        )
    if not questions:
        raise Unusable("there is no question")
    for answer, choices in zip(answers, options, strict=True):
        if answer not in LETTERS[: len(choices)]:
            raise Unusable(f"the answer {answer!r} is none of {len(choices)} options")
        if len(choices) > len(LETTERS):
            raise Unusable(f"a question has {len(choices)} options, not {len(LETTERS)}")
    name = row.get("example_id") or ""
    return tuple(
        Example(
            inputs=join(
                "race question:", question, *_lettered(choices), "article:", row["article"]
            ),
            targets=answer,
            # high or middle school, which RACE's papers report apart
            extra={"id": f"{name}/{place}", "level": name.rstrip("0123456789.tx")},
        )
        for place, (question, answer, choices) in enumerate(
            zip(questions, answers, options, strict=True)
        )
    )


def _lettered(choices: list[str]) -> list[str]:
    return [f"{letter}: {choice}" for letter, choice in zip(LETTERS, choices, strict=False)]


def _date_in_order(text: str) -> str:
    date = _TFDS_DATE.fullmatch(text)
    if date is None:
        return text
    year, month, day = date.groups()
    return " ".join(part for part in (day, month, year) if part)


DATASETS: tuple[Dataset, ...] = (
    Dataset(
        name="drop",
        family="QA",
        type="qa",
        groups=("study source",),
        tfds="drop:2.0.0",
        splits={
            "train": Split(source="train", rows=77_409),
            "validation": Split(source="dev", rows=9_536),
        },
        columns={
            "passage": str,
            "question": str,
            "answer": "text",
            "validated_answers": "list[text]?",
            "query_id": "text?",
        },
        examples=drop_examples,
        postprocess=targets.answers,
        metrics={"drop": drop},
        licence="CC BY-SA 4.0",
        citation="Dua et al. 2019",
        description="Questions that ask for counting, adding or sorting what a passage says",
    ),
    Dataset(
        name="race",
        family="QA",
        type="classification",
        groups=("study source",),
        labels=LETTERS,
        tfds=("race/high:2.0.0", "race/middle:2.0.0"),
        splits={
            # Articles: Lai et al. 2017, table 2. They hold 87,866, 4,887 and 4,934 questions.
            "train": Split(source="train", rows=25_137),
            "validation": Split(source="dev", rows=1_389),
            "test": Split(source="test", rows=1_407),
        },
        train_examples=87_866,
        columns={
            "article": str,
            "questions": "list[text]",
            "answers": "list[str]",
            "options": "list[list[text]]",
            "example_id": "text?",
        },
        examples=race_examples,
        metrics={"accuracy": "accuracy"},
        licence="non-commercial research only",
        citation="Lai et al. 2017",
        description="English examinations of Chinese schools; a row is an article with its "
        "questions (87,866 in train), each an example",
    ),
)
