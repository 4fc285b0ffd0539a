"""Rows in TFDS's schema, made up here, and what T5 writes for them, written by hand.

task's short name -> (row, inputs, targets) each; a row of ReCoRD gives several examples.
"""

from __future__ import annotations

from typing import Any

Golden = tuple[dict[str, Any], str, str]


def _pair(task: str, first: str, second: str, labels: tuple[str, ...]) -> list[Golden]:
    """Rows of two texts and a class: what differs between such tasks is their names."""
    texts = [
        ("The tap drips.", "Water is falling."),
        ("Ann sold  her boat .", 'She said: "It is gone."'),
        ("Ein Café, 5 €", "naïve <b>bold</b> text\twith a tab"),
    ]
    return [
        (
            {first: a, second: b, "label": place, "idx": 7},
            f"{task} {first}: {a} {second}: {b}",
            labels[place],
        )
        for (a, b), place in zip(texts, [0, 1, len(labels) - 1], strict=True)
    ]


_ENTAILED = ("entailment", "not_entailment")

GOLDEN: dict[str, list[Golden]] = {
    "glue_cola": [
        (
            {"sentence": "The cat slept.", "label": 1, "idx": 0},
            "cola sentence: The cat slept.",
            "acceptable",
        ),
        (
            {"sentence": "Slept cat the.", "label": 0, "idx": 1},
            "cola sentence: Slept cat the.",
            "unacceptable",
        ),
        # idx may be left out of a file of one's own
        ({"sentence": " Who left?  ", "label": 1}, "cola sentence:  Who left?  ", "acceptable"),
    ],
    "glue_sst2": [
        (
            {"sentence": "a warm film ", "label": 1, "idx": 0},
            "sst2 sentence: a warm film ",
            "positive",
        ),
        (
            {"sentence": "dull , and long ", "label": 0, "idx": 1},
            "sst2 sentence: dull , and long ",
            "negative",
        ),
        ({"sentence": "ça va", "label": 1, "idx": 2}, "sst2 sentence: ça va", "positive"),
    ],
    "glue_mrpc": _pair("mrpc", "sentence1", "sentence2", ("not_equivalent", "equivalent")),
    "glue_qqp": _pair("qqp", "question1", "question2", ("not_duplicate", "duplicate")),
    "glue_mnli": [
        (
            {"premise": "A dog runs.", "hypothesis": "It moves.", "label": 0, "idx": 0},
            # T5 takes the columns by their names' order
            "mnli hypothesis: It moves. premise: A dog runs.",
            "entailment",
        ),
        (
            {"premise": "A dog runs.", "hypothesis": "It is old.", "label": 1, "idx": 1},
            "mnli hypothesis: It is old. premise: A dog runs.",
            "neutral",
        ),
        (
            {"premise": "A dog runs.", "hypothesis": "It sleeps.", "label": 2, "idx": 2},
            "mnli hypothesis: It sleeps. premise: A dog runs.",
            "contradiction",
        ),
    ],
    "glue_qnli": _pair("qnli", "question", "sentence", _ENTAILED),
    "glue_rte": _pair("rte", "sentence1", "sentence2", _ENTAILED),
    "glue_stsb": [
        (
            {"sentence1": "A man sings.", "sentence2": "A man is singing.", "label": 5.0, "idx": 0},
            "stsb sentence1: A man sings. sentence2: A man is singing.",
            "5.0",
        ),
        (
            {"sentence1": "A man sings.", "sentence2": "A cow eats.", "label": 0, "idx": 1},
            "stsb sentence1: A man sings. sentence2: A cow eats.",
            "0.0",
        ),
        (
            {"sentence1": "One.", "sentence2": "Two.", "label": 2.75, "idx": 2},
            "stsb sentence1: One. sentence2: Two.",
            "2.8",
        ),
        (
            {"sentence1": "One.", "sentence2": "Two.", "label": 3.267, "idx": 3},
            "stsb sentence1: One. sentence2: Two.",
            "3.2",
        ),
    ],
    "super_glue_boolq": [
        (
            {"question": "is tea hot", "passage": "Tea -- It is hot.", "label": 1, "idx": 0},
            "boolq passage: Tea -- It is hot. question: is tea hot",
            "True",
        ),
        (
            {"question": "is ice hot", "passage": "Ice -- It is cold.", "label": 0, "idx": 1},
            "boolq passage: Ice -- It is cold. question: is ice hot",
            "False",
        ),
        (
            {"question": "é", "passage": "line\nline", "label": 0, "idx": 2},
            "boolq passage: line\nline question: é",
            "False",
        ),
    ],
    "super_glue_cb": [
        (
            {"premise": "I know he left.", "hypothesis": "he left", "label": 0, "idx": 0},
            "cb hypothesis: he left premise: I know he left.",
            "entailment",
        ),
        (
            {"premise": "I doubt he left.", "hypothesis": "he left", "label": 1, "idx": 1},
            "cb hypothesis: he left premise: I doubt he left.",
            "contradiction",
        ),
        (
            {"premise": "If he left...", "hypothesis": "he left", "label": 2, "idx": 2},
            "cb hypothesis: he left premise: If he left...",
            "neutral",
        ),
    ],
    "super_glue_copa": [
        (
            {
                "premise": "It rained.",
                "choice1": "We got wet.",
                "choice2": "We got rich.",
                "question": "effect",
                "label": 0,
                "idx": 0,
            },
            "copa choice1: We got wet. choice2: We got rich. premise: It rained. question: effect",
            "choice1",
        ),
        (
            {
                "premise": "I slept.",
                "choice1": "I ran.",
                "choice2": "I was tired.",
                "question": "cause",
                "label": 1,
                "idx": 1,
            },
            "copa choice1: I ran. choice2: I was tired. premise: I slept. question: cause",
            "choice2",
        ),
        (
            {"premise": "A", "choice1": "B", "choice2": "C", "question": "cause", "label": 0},
            "copa choice1: B choice2: C premise: A question: cause",
            "choice1",
        ),
    ],
    "super_glue_multirc": [
        (
            {
                "paragraph": "<b>Sent 1: </b>Bo fell.<br><b>Sent 2: </b>He cried.<br>",
                "question": "Who fell?",
                "answer": "Bo",
                "label": 1,
                "idx": {"paragraph": 3, "question": 1, "answer": 0},
            },
            "multirc question: Who fell? answer: Bo paragraph: Sent 1: Bo fell. Sent 2: He cried. ",
            "True",
        ),
        (
            {
                "paragraph": "Bo fell.",
                "question": "Who fell?",
                "answer": "Al",
                "label": 0,
                "idx": {"paragraph": 3, "question": 1, "answer": 1},
            },
            "multirc question: Who fell? answer: Al paragraph: Bo fell.",
            "False",
        ),
        (
            {
                "paragraph": "No marks here",
                "question": "Q",
                "answer": "A",
                "label": 1,
                "idx": {"paragraph": 4, "question": 2},
            },
            "multirc question: Q answer: A paragraph: No marks here",
            "True",
        ),
    ],
    "super_glue_record": [
        (
            {
                "passage": "Bo met Al.\n@highlight\nBo waved\n@highlight\nAl left",
                "query": "Then @placeholder waved.",
                "entities": ["Bo", "Al"],
                "answers": ["Bo"],
                "idx": {"passage": 0, "query": 0},
            },
            # after a full stop the mark becomes a space, elsewhere a full stop
            "record query: Then @placeholder waved. entities: Bo, Al "
            "passage: Bo met Al. Bo waved. Al left",
            "Bo",
        ),
        (
            {
                "passage": "Rome is old",
                "query": "@placeholder is a city.",
                "entities": ["Rome"],
                "answers": ["Rome"],
                "idx": {"passage": 1, "query": 1},
            },
            "record query: @placeholder is a city. entities: Rome passage: Rome is old",
            "Rome",
        ),
        (
            {
                "passage": 'He said "no"\n@highlight\nYes',
                "query": "@placeholder?",
                "entities": ["A", "B", "C"],
                "answers": ["C"],
                "idx": {"passage": 2, "query": 2},
            },
            'record query: @placeholder? entities: A, B, C passage: He said "no" Yes',
            "C",
        ),
    ],
    "super_glue_rte": [
        (
            {"premise": "It is on.", "hypothesis": "It works.", "label": 0, "idx": 0},
            "rte hypothesis: It works. premise: It is on.",
            "entailment",
        ),
        (
            {"premise": "It is on.", "hypothesis": "It is red.", "label": 1, "idx": 1},
            "rte hypothesis: It is red. premise: It is on.",
            "not_entailment",
        ),
        (
            {"premise": " x ", "hypothesis": "y", "label": 1},
            "rte hypothesis: y premise:  x ",
            "not_entailment",
        ),
    ],
    "super_glue_wic": [
        (
            {
                "word": "bank",
                "sentence1": "The bank is shut.",
                "sentence2": "We sat on the bank.",
                "start1": 4,
                "end1": 8,
                "start2": 14,
                "end2": 18,
                "label": 0,
                "idx": 0,
            },
            "wic sentence1: The bank is shut. sentence2: We sat on the bank. word: bank",
            "False",
        ),
        (
            {"word": "run", "sentence1": "I run.", "sentence2": "You run.", "label": 1},
            "wic sentence1: I run. sentence2: You run. word: run",
            "True",
        ),
        (
            {"word": "ß", "sentence1": "ß 1", "sentence2": "ß 2", "label": 1, "idx": 2},
            "wic sentence1: ß 1 sentence2: ß 2 word: ß",
            "True",
        ),
    ],
    "super_glue_wsc": [
        (
            {
                "text": "Ann thanked Bea because she had helped.",
                "span1_text": "Bea",
                "span2_text": "she",
                "span1_index": 2,
                "span2_index": 4,
                "label": 1,
                "idx": 0,
            },
            "wsc: Ann thanked Bea because *she* had helped.",
            "Bea",
        ),
        (
            {
                "text": "The box held the cup until it broke in two.",
                "span1_text": "The box",
                "span2_text": "it",
                "span1_index": 0,
                "span2_index": 6,
                "label": 1,
                "idx": 1,
            },
            "wsc: The box held the cup until *it* broke in two.",
            "The box",
        ),
        (
            {
                "text": "Tom's dog saw Jim, and he ran off.",
                "span1_text": "Jim",
                "span2_text": "he",
                "span2_index": 5,
                "label": 1,
            },
            "wsc: Tom's dog saw Jim, and *he* ran off.",
            "Jim",
        ),
    ],
    "squad": [
        (
            {
                "id": "1",
                "title": "Tea",
                "context": "Tea, a drink, is hot.",
                "question": "What is tea?",
                "answers": {"text": ["a drink", "drink"], "answer_start": [5, 7]},
            },
            "question: What is tea ? context: Tea , a drink , is hot . ",
            "a drink",
        ),
        (
            {
                "id": "2",
                "title": "Pi",
                "context": "Pi  is\t3.14\n(about).",
                "question": "Pi's value?",
                "answers": {"text": ["3.14"], "answer_start": [7]},
            },
            "question: Pi ' s value ? context: Pi is 3 . 14 ( about ) . ",
            "3 . 14",
        ),
        (
            {"context": "Rémi « le chat", "question": "Qui", "answers": {"text": ["Rémi"]}},
            "question: Qui context: Rémi « le chat",
            "Rémi",
        ),
    ],
    "wmt_ende": [
        (
            {"en": "Good day.", "de": "Guten Tag."},
            "translate English to German: Good day.",
            "Guten Tag.",
        ),
        (
            {"en": "An ox stands by the hill", "de": "Ein Ochse steht am Berg"},
            "translate English to German: An ox stands by the hill",
            "Ein Ochse steht am Berg",
        ),
        ({"en": " a  b ", "de": "ä  ß "}, "translate English to German:  a  b ", "ä  ß "),
    ],
    "wmt_enfr": [
        (
            {"en": "Good day.", "fr": "Bonjour."},
            "translate English to French: Good day.",
            "Bonjour.",
        ),
        (
            {"en": "Why?", "fr": "Pourquoi le chat dort-il ?"},
            "translate English to French: Why?",
            "Pourquoi le chat dort-il ?",
        ),
        ({"en": "5 €", "fr": "5 €"}, "translate English to French: 5 €", "5 €"),
    ],
    "wmt_enro": [
        ({"en": "Yes.", "ro": "Da."}, "translate English to Romanian: Yes.", "Da."),
        (
            {"en": "No.", "ro": "Nu este nimic acolo."},
            "translate English to Romanian: No.",
            "Nu este nimic acolo.",
        ),
        ({"en": "Thanks", "ro": "Mulțumesc"}, "translate English to Romanian: Thanks", "Mulțumesc"),
    ],
    "cnn_dailymail": [
        (
            {"article": "(CNN) Rain fell.", "highlights": "Rain fell .\nMore to come .", "id": "a"},
            "summarize: (CNN) Rain fell.",
            "Rain fell .\nMore to come .",
        ),
        (
            {"article": "Sun.", "highlights": "The sun shines ."},
            "summarize: Sun.",
            "The sun shines .",
        ),
        ({"article": "É  x", "highlights": "more of it"}, "summarize: É  x", "more of it"),
    ],
}
