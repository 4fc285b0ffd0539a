import pytest

from spotfw_paper_tasks.dataset import Unusable
from spotfw_paper_tasks.families.beyond import ag_news, dream, imdb_reviews, sst5, subj

TALK = {"id": "1#0", "dialogue_id": "1", "dialogue": ["M: Tea?", "W:  No, thanks."],
        "question": "Will she drink?", "choice": ["Yes.", "No.", "Maybe."], "answer": "No.",
        "label": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("examples", "row", "inputs", "targets"),
    [
        (imdb_reviews, {"text": "Good.<br /><br />Really.", "label": 1},
         "imdb_reviews text: Good.  Really.", "positive"),
        (imdb_reviews, {"text": "Böse", "label": 0}, "imdb_reviews text: Böse", "negative"),
        (imdb_reviews, {"text": " so  so ", "label": 0}, "imdb_reviews text:  so  so ", "negative"),
        (ag_news, {"title": "Oil up", "description": "Oil  rose\\to  #36;50.", "label": 2},
         "ag_news title: Oil up description: Oil  rose\\to  #36;50.", "Business"),
        (ag_news, {"title": "São Paulo", "description": "Won.", "label": 1},
         "ag_news title: São Paulo description: Won.", "Sports"),
        (ag_news, {"title": "Mars", "description": "Water.", "label": 3},
         "ag_news title: Mars description: Water.", "Sci/Tech"),
        (sst5, {"text": "a  gem .", "label": 4}, "sst5 text: a  gem .", "very positive"),
        (sst5, {"text": "meh", "label": 2}, "sst5 text: meh", "neutral"),
        (sst5, {"text": "cliché .", "label": 0}, "sst5 text: cliché .", "very negative"),
        (subj, {"text": "he  leaves .", "label": 1}, "subj text: he  leaves .", "objective"),
        (subj, {"text": "dull .", "label": 0}, "subj text: dull .", "subjective"),
        (subj, {"text": "a café .", "label": 1}, "subj text: a café .", "objective"),
        (dream, TALK, "dream question: Will she drink? choice1: Yes. choice2: No. choice3: Maybe. "
         "dialogue: M: Tea? W:  No, thanks.", "choice2"),
        (dream, {**TALK, "dialogue": ["M: Hm…"], "label": 2}, "dream question: Will she drink? "
         "choice1: Yes. choice2: No. choice3: Maybe. dialogue: M: Hm…", "choice3"),
        (dream, {**TALK, "question": "She  will?", "label": 0}, "dream question: She  will? "
         "choice1: Yes. choice2: No. choice3: Maybe. dialogue: M: Tea? W:  No, thanks.", "choice1"),
    ],
)  # fmt: skip
def test_rows_are_written_so(examples, row, inputs, targets):
    (example,) = examples(row)
    assert (example.inputs, example.targets, dict(example.extra)) == (inputs, targets, {})


@pytest.mark.parametrize(
    ("examples", "row", "reason"),
    [
        (imdb_reviews, {"text": "<br />", "label": 1}, "text is empty"),
        (ag_news, {"title": "", "description": "x", "label": 0}, "title is empty"),
        (sst5, {"text": "x", "label": 5}, "there are 5 classes"),
        (subj, {"text": "x"}, "label is no whole number"),
        (dream, {**TALK, "choice": ["Yes.", "No."]}, "choice is no list of 3 texts"),
        (dream, {**TALK, "dialogue": []}, "dialogue is empty"),
        (dream, {**TALK, "dialogue": "M: Tea?"}, "dialogue is no list of texts"),
        (dream, {**TALK, "dialogue": ["M: Tea?", 3]}, "dialogue is no list of texts"),
    ],
)
def test_the_fault_of_a_row_is_named(examples, row, reason):
    with pytest.raises(Unusable, match=reason):
        examples(row)


def test_an_unlabelled_review_gives_nothing():
    assert imdb_reviews({"text": "unsupervised", "label": -1}) == ()
