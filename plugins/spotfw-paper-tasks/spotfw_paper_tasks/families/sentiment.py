"""Sentiment beside SST-2: CR, GoEmotions, Sentiment140, Yelp polarity.

The text is ``<task> text: ...`` and the target the class name, T5's form for one column
(`t5.data.preprocessors.glue`; SST-2's column is called ``sentence``).
"""

from __future__ import annotations

from spotfw_paper_tasks.dataset import Dataset, Example, Published, Row, Split, Unusable
from spotfw_paper_tasks.preprocessors.fields import classified, joined, text
from spotfw_paper_tasks.published import customer_reviews as files
from spotfw_paper_tasks.published import held_out
from spotfw_paper_tasks.scoring import label_sets

POLARITY = ("negative", "positive")

#: Sentiment140's numbers for them; 2, neutral, is in its test set only.
POLARITY_NUMBERS = {0: "negative", 4: "positive"}
NEUTRAL = 2

#: GoEmotions' 27 emotions and neutral, in the order of its own list.
EMOTIONS = (
    "admiration",
    "amusement",
    "anger",
    "annoyance",
    "approval",
    "caring",
    "confusion",
    "curiosity",
    "desire",
    "disappointment",
    "disapproval",
    "disgust",
    "embarrassment",
    "excitement",
    "fear",
    "gratitude",
    "grief",
    "joy",
    "love",
    "nervousness",
    "optimism",
    "pride",
    "realization",
    "relief",
    "remorse",
    "sadness",
    "surprise",
    "neutral",
)


def customer_reviews(row: Row) -> tuple[Example, ...]:
    """``customer_reviews text: ...``."""
    return classified("customer_reviews", {"text": text(row, "text")}, row, POLARITY)


def goemotions(row: Row) -> tuple[Example, ...]:
    """``goemotions text: ...``; the names of the row's emotions, sorted, as the target.

    A comment has one to several emotions; TFDS has one boolean column for each. T5 has no
    task with several labels a row. The names are written one after another, ``anger,
    sadness``: in alphabetical order, so that each set has one text only, and separated by
    commas, which no name holds.
    """
    marked = [name for name in EMOTIONS if _marked(row, name)]
    if not marked:
        raise Unusable("no emotion is marked")
    inputs = joined("goemotions", {"text": text(row, "comment_text")})
    return (Example(inputs=inputs, targets=label_sets.written(marked)),)


def _marked(row: Row, name: str) -> bool:
    value = row.get(name)
    if not isinstance(value, bool):
        raise Unusable(f"{name} is neither true nor false")
    return value


def sentiment140(row: Row) -> tuple[Example, ...]:
    """``sentiment140 text: ...``; polarity 0 is negative, 4 positive.

    The neutral tweets (2), which only the test set has, are left out by name: nothing in
    training is neutral, and the authors too test on the other two only (Go et al. 2009).
    """
    polarity = row.get("polarity")
    inputs = joined("sentiment140", {"text": text(row, "text")})
    if polarity == NEUTRAL:
        raise Unusable("polarity 2 is neutral, which no row of the training split is")
    if isinstance(polarity, bool) or polarity not in POLARITY_NUMBERS:
        raise Unusable(f"polarity is {polarity!r}, not 0, 2 or 4")
    return (Example(inputs=inputs, targets=POLARITY_NUMBERS[polarity]),)


def yelp_polarity_reviews(row: Row) -> tuple[Example, ...]:
    """``yelp_polarity_reviews text: ...``; TFDS calls the classes 1 and 2."""
    return classified("yelp_polarity_reviews", {"text": text(row, "text")}, row, POLARITY)


DATASETS = (
    Dataset(
        name="customer_reviews",
        family="sentiment",
        type="classification",
        groups=("appendix B", "sentiment", "study target"),
        labels=POLARITY,
        published=Published(
            address="https://github.com/harvardnlp/sent-conv-torch/tree/master/data",
            files={
                "train": ("custrev.all", files.POSITIVE),
                "validation": ("custrev.all", files.POSITIVE),
            },
            read=files.rows,
            split_of=held_out.split_of,
            note="Get custrev.all, or custrev.pos and custrev.neg; expect 3,775 sentences. They "
            "have no official split: a fifth, chosen by a digest of the text, is validation.",
        ),
        splits={"train": Split(source="custrev.all"), "validation": Split(source="custrev.all")},
        columns={"text": str, "label": "label"},
        examples=customer_reviews,
        metrics={"accuracy": "accuracy"},
        licence="none stated; research use",
        citation="Hu and Liu 2004",
        description="Customer reviews (CR), sentences; 3,775 in all, no official split",
    ),
    Dataset(
        name="goemotions",
        family="sentiment",
        type="classification",
        groups=("appendix B", "sentiment"),
        labels=EMOTIONS,
        tfds="goemotions:0.1.0",
        splits={
            "train": Split(source="train", rows=43_410),
            "validation": Split(source="validation", rows=5_426),
            "test": Split(source="test", rows=5_427),
        },
        columns={"comment_text": str, **dict.fromkeys(EMOTIONS, bool)},
        examples=goemotions,
        postprocess=label_sets.reader(EMOTIONS),
        metrics={"macro_f1": label_sets.macro_f1(EMOTIONS), "micro_f1": label_sets.micro_f1},
        licence="Apache 2.0, as the repository that holds it",
        citation="Demszky et al. 2020",
        description="Emotions of Reddit comments, one to several a comment, comma separated",
    ),
    Dataset(
        name="sentiment140",
        family="sentiment",
        type="classification",
        groups=("appendix B", "sentiment"),
        labels=POLARITY,
        tfds="sentiment140:1.0.0",
        # TFDS has no validation split; the labelled test set stands for it, as GLUE's does.
        splits={
            "train": Split(source="train", rows=1_600_000),
            "validation": Split(source="test", rows=498),
        },
        columns={"text": str, "polarity": int},
        examples=sentiment140,
        metrics={"accuracy": "accuracy"},
        licence="none stated; tweets under Twitter's terms",
        citation="Go et al. 2009",
        description="Tweets by their emoticons; validation is the test set but for neutral ones",
    ),
    Dataset(
        name="yelp_polarity_reviews",
        family="sentiment",
        type="classification",
        groups=("appendix B", "sentiment", "study source"),
        labels=POLARITY,
        tfds="yelp_polarity_reviews:0.2.0",
        splits={
            "train": Split(source="train", rows=560_000),
            "validation": Split(source="test", rows=38_000),
        },
        columns={"text": str, "label": "label"},
        examples=yelp_polarity_reviews,
        metrics={"accuracy": "accuracy"},
        licence="Yelp dataset terms; academic use",
        citation="Zhang et al. 2015",
        description="Yelp-2, polarity of reviews; validation is the test set",
    ),
)
