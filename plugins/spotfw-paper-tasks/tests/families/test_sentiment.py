import json

import pytest

from spotfw_paper_tasks.dataset import Unusable
from spotfw_paper_tasks.examples import read_examples
from spotfw_paper_tasks.families.sentiment import (
    DATASETS,
    EMOTIONS,
    customer_reviews,
    goemotions,
    sentiment140,
    yelp_polarity_reviews,
)


def emotional(comment, *names):
    return {"comment_text": comment, **{name: name in names for name in EMOTIONS}}


def tweet(text, polarity):
    return {"text": text, "polarity": polarity, "date": "d", "query": "NO_QUERY", "user": "u"}


@pytest.mark.parametrize(
    ("examples", "row", "inputs", "targets"),
    [
        (
            customer_reviews,
            {"text": "the zoom is  great .", "label": 1},
            "customer_reviews text: the zoom is  great .",
            "positive",
        ),
        (
            customer_reviews,
            {"text": "it broke .", "label": 0},
            "customer_reviews text: it broke .",
            "negative",
        ),
        (
            customer_reviews,
            {"text": "naïve menus , 2 \" too small", "label": 0},
            'customer_reviews text: naïve menus , 2 " too small',
            "negative",
        ),
        (goemotions, emotional("Wow, thanks!", "surprise", "gratitude"),
         "goemotions text: Wow, thanks!", "gratitude, surprise"),
        (goemotions, emotional("[NAME] is here.", "neutral"),
         "goemotions text: [NAME] is here.", "neutral"),
        (goemotions, emotional("I am  so sad 😢", "sadness", "anger", "remorse"),
         "goemotions text: I am  so sad 😢", "anger, remorse, sadness"),
        (sentiment140, tweet("@bob  nooo :", 0), "sentiment140 text: @bob  nooo :", "negative"),
        (sentiment140, tweet("&lt;3 u", 4), "sentiment140 text: &lt;3 u", "positive"),
        (sentiment140, tweet("½ off ", 4), "sentiment140 text: ½ off ", "positive"),
        (
            yelp_polarity_reviews,
            {"text": "Bad.\\n\\nWorse.", "label": 0},
            "yelp_polarity_reviews text: Bad.\\n\\nWorse.",
            "negative",
        ),
        (
            yelp_polarity_reviews,
            {"text": "5 stars!", "label": 1},
            "yelp_polarity_reviews text: 5 stars!",
            "positive",
        ),
        (
            yelp_polarity_reviews,
            {"text": "très  bon", "label": 1},
            "yelp_polarity_reviews text: très  bon",
            "positive",
        ),
    ],
)  # fmt: skip
def test_rows_are_written_so(examples, row, inputs, targets):
    (example,) = examples(row)
    assert (example.inputs, example.targets, dict(example.extra)) == (inputs, targets, {})


@pytest.mark.parametrize(
    ("examples", "row", "reason"),
    [
        (customer_reviews, {"text": "", "label": 1}, "text is empty"),
        (yelp_polarity_reviews, {"text": "ok", "label": 2}, "there are 2 classes"),
        (sentiment140, tweet("fine", 2), "neutral"),
        (sentiment140, tweet("fine", 3), "not 0, 2 or 4"),
        (sentiment140, tweet("fine", "4"), "not 0, 2 or 4"),
        (sentiment140, tweet("fine", False), "not 0, 2 or 4"),
        (goemotions, emotional("hm"), "no emotion is marked"),
        (goemotions, {**emotional("hm", "joy"), "fear": 0}, "fear is neither true nor false"),
        (goemotions, emotional(" ", "joy"), "comment_text is empty"),
    ],
)
def test_the_fault_of_a_row_is_named(examples, row, reason):
    with pytest.raises(Unusable, match=reason):
        list(examples(row))


def test_an_unlabelled_review_gives_nothing():
    assert yelp_polarity_reviews({"text": "ok", "label": -1}) == ()


def test_a_target_of_goemotions_reads_back_as_its_emotions():
    (dataset,) = (d for d in DATASETS if d.name == "goemotions")
    (example,) = goemotions(emotional("x", "joy", "love", "admiration"))
    assert dataset.postprocess(example.targets, example=None, is_target=True) == [
        "admiration",
        "joy",
        "love",
    ]


def test_an_emotion_among_others_counts_as_seen(tmp_path, monkeypatch):
    monkeypatch.setenv("SPOTFW_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "goemotions").mkdir()
    row = emotional("x", *EMOTIONS[:-1])
    (tmp_path / "goemotions" / "train.jsonl").write_text(json.dumps(row) + "\n")
    (dataset,) = (d for d in DATASETS if d.name == "goemotions")
    (message,) = read_examples(dataset, "train").account.messages()
    assert "no row with the label 'neutral', so" in message


def test_there_are_27_emotions_and_neutral():
    assert len(set(EMOTIONS)) == 28
    assert list(EMOTIONS[:-1]) == sorted(EMOTIONS[:-1])
