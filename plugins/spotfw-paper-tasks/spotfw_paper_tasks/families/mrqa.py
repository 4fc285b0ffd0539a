"""MRQA 2019's six training sets: a question, a passage, all spans that answer it.

Texts are as t5.data.preprocessors.squad writes SQuAD, which the paper's released MRQA tasks
do too: "question: ... context: ..." with punctuation set apart. TFDS holds the shared task's
own cut of the six sets (Fisch et al. 2019, table 1); its marks [TLE], [PAR] and [DOC] stay.

EM and F1 are SQuAD's, the best over all answers, as the shared task scores. As in t5 both
sides have their punctuation set apart: "U.S." is compared as "u s" and not as "us".
"""

from __future__ import annotations

from spotfw.tasks.t5.punctuation import join, pad_punctuation
from spotfw_paper_tasks.dataset import Dataset, Example, Row, Split, Unusable
from spotfw_paper_tasks.scoring import targets

_SHARED_TASK = "Fisch et al. 2019"


def question_with_context(row: Row) -> tuple[Example]:
    """A question about a passage; the first answer is the target, all of them score.

    Raises:
      Unusable: question or context is empty, or the row has no answer.
    """
    for column in ("question", "context"):
        if not row[column].strip():
            raise Unusable(f"{column!r} is empty")
    answers = [pad_punctuation(answer) for answer in row["answers"] if answer.strip()]
    if not answers:
        raise Unusable("there is no answer")
    question, context = pad_punctuation(row["question"]), pad_punctuation(row["context"])
    return (
        Example(
            inputs=join("question:", question, "context:", context),
            targets=answers[0],
            extra={"answers": answers, "id": row.get("qid") or ""},
        ),
    )


def _mrqa(
    name: str, train: int, validation: int, licence: str, citation: str, description: str
) -> Dataset:
    return Dataset(
        name=f"mrqa_{name}",
        family="QA",
        type="qa",
        groups=("MRQA", "appendix B"),
        tfds=f"mrqa/{name}:1.0.0",
        splits={
            "train": Split(source="train", rows=train),
            "validation": Split(source="validation", rows=validation),
        },
        columns={"question": str, "context": str, "answers": "list[text]", "qid": "text?"},
        examples=question_with_context,
        postprocess=targets.answers,
        metrics={"squad": "squad"},
        licence=licence,
        citation=f"{citation}; {_SHARED_TASK}",
        description=description,
    )


DATASETS: tuple[Dataset, ...] = (
    _mrqa(
        "squad",
        86_588,
        10_507,
        "CC BY-SA 4.0",
        "Rajpurkar et al. 2016",
        "MRQA's cut of SQuAD 1.1: questions about paragraphs of Wikipedia",
    ),
    _mrqa(
        "news_qa",
        74_160,
        4_212,
        "research use (NewsQA's licence; CNN's texts)",
        "Trischler et al. 2017",
        "MRQA's cut of NewsQA: questions about news of CNN, answerable ones only",
    ),
    _mrqa(
        "trivia_qa",
        61_688,
        7_785,
        "Apache 2.0 (questions); web texts have their own",
        "Joshi et al. 2017",
        "MRQA's cut of TriviaQA, web version: quiz questions with pages found for them",
    ),
    _mrqa(
        "search_qa",
        117_384,
        16_980,
        "no explicit licence known; research use",
        "Dunn et al. 2017",
        "MRQA's cut of SearchQA: Jeopardy! clues with snippets found for them",
    ),
    _mrqa(
        "hotpot_qa",
        72_928,
        5_901,
        "CC BY-SA 4.0",
        "Yang et al. 2018",
        "MRQA's cut of HotpotQA: questions over two paragraphs, without distractors",
    ),
    _mrqa(
        "natural_questions",
        104_071,
        12_836,
        "CC BY-SA 3.0",
        "Kwiatkowski et al. 2019",
        "MRQA's cut of Natural Questions: short answers within long ones",
    ),
)
