"""Summaries: golden examples of every set, empty ones, and the same as t5's summarize."""

from __future__ import annotations

from typing import Any

import pytest

from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Dataset, Example, Unusable
from spotfw_paper_tasks.families.summarization import DATASETS

BY_NAME = {dataset.name: dataset for dataset in DATASETS}

GOLDEN = {
    "aeslc": [
        (
            {"email_body": "Hi Al,\n\nlunch at 12?\n", "subject_line": "Lunch?\n"},
            ("summarize: Hi Al,\n\nlunch at 12?", "Lunch?"),
        ),
        (
            {"email_body": "Über den Preis: 3,50 €", "subject_line": "RE: Preis / Größe"},
            ("summarize: Über den Preis: 3,50 €", "RE: Preis / Größe"),
        ),
        (
            {"email_body": "summarize: this", "subject_line": "Fwd:  two  spaces"},
            ("summarize: summarize: this", "Fwd:  two  spaces"),
        ),
    ],
    "billsum": [
        (
            {"text": "SECTION 1. SHORT TITLE.\n\n    Act.", "summary": "An Act.", "title": "T"},
            ("summarize: SECTION 1. SHORT TITLE.\n\n    Act.", "An Act."),
        ),
        (
            {"text": " Sec. 2 -- 50% ", "summary": "Amends $5 to $6.\n", "title": ""},
            ("summarize: Sec. 2 -- 50%", "Amends $5 to $6."),
        ),
        (
            {"text": "§ 3 ñ", "summary": "§ 3.", "title": "x"},
            ("summarize: § 3 ñ", "§ 3."),
        ),
    ],
    "wiki_lingua": [
        (
            {"source": "Boil water.", "target": "Make tea.", "references": []},
            ("summarize: Boil water.", "Make tea."),
        ),
        (
            {"source": "Step 1\tcut.", "target": " Cut it. ", "references": [" Cut it. "]},
            ("summarize: Step 1\tcut.", "Cut it."),
        ),
        (
            {"source": "Crème brûlée: heat.", "target": "Heat the crème."},
            ("summarize: Crème brûlée: heat.", "Heat the crème."),
        ),
    ],
    "gigaword": [
        (
            {"document": "police arrested UNK on monday .", "summary": "police arrest one"},
            ("summarize: police arrested UNK on monday .", "police arrest one"),
        ),
        (
            {"document": "shares rose #.# percent", "summary": "shares up"},
            ("summarize: shares rose #.# percent", "shares up"),
        ),
        (
            {"document": "`` yes '' , said -lrb- he -rrb-", "summary": "a"},
            ("summarize: `` yes '' , said -lrb- he -rrb-", "a"),
        ),
    ],
    "multi_news": [
        (
            {"document": "First. \n \n ||||| Second.", "summary": "Both."},
            ("summarize: First. \n \n ||||| Second.", "Both."),
        ),
        (
            {"document": "Only one. |||||", "summary": "\u2013 One."},
            ("summarize: Only one. |||||", "\u2013 One."),
        ),
        (
            {"document": "||||| é", "summary": "x\ny"},
            ("summarize: ||||| é", "x\ny"),
        ),
    ],
    "newsroom": [
        (
            {"text": "A story.", "summary": "In short.", "title": "T", "density": 1.5},
            ("summarize: A story.", "In short."),
        ),
        (
            {"text": "<p>Tag &amp; all</p>", "summary": "“Tags”"},
            ("summarize: <p>Tag &amp; all</p>", "“Tags”"),
        ),
        (
            {"text": "\r\nLine one\r\nLine two", "summary": "Lines\r\n"},
            ("summarize: Line one\r\nLine two", "Lines"),
        ),
    ],
    "samsum": [
        (
            {"dialogue": "Ann: hi\r\nBob: :) 😀", "summary": "Ann greets Bob.", "id": "1"},
            ("summarize: Ann: hi\r\nBob: :) 😀", "Ann greets Bob."),
        ),
        (
            {"dialogue": "Eve: <file_gif>", "summary": "Eve sends a gif.", "id": "2"},
            ("summarize: Eve: <file_gif>", "Eve sends a gif."),
        ),
        (
            {"dialogue": "Żaneta: cześć", "summary": "Żaneta says hello. ", "id": "3"},
            ("summarize: Żaneta: cześć", "Żaneta says hello."),
        ),
    ],
    "xsum": [
        (
            {"document": "Rain fell.\nMuch of it.", "summary": "It rained."},
            ("summarize: Rain fell.\nMuch of it.", "It rained."),
        ),
        (
            {"document": "The £5m deal", "summary": "A deal for £5m is done."},
            ("summarize: The £5m deal", "A deal for £5m is done."),
        ),
        (
            {"document": "Llanrhaeadr-ym-Mochnant: tŷ", "summary": "A house."},
            ("summarize: Llanrhaeadr-ym-Mochnant: tŷ", "A house."),
        ),
    ],
}


@pytest.mark.parametrize(
    ("name", "row", "texts"),
    [(name, row, texts) for name, rows in GOLDEN.items() for row, texts in rows],
)
def test_golden(name: str, row: dict[str, Any], texts: tuple[str, str]) -> None:
    inputs, targets = texts
    assert BY_NAME[name].examples(row) == (Example(inputs=inputs, targets=targets),)


def test_every_set_has_three_golden_rows() -> None:
    assert {name: len(rows) for name, rows in GOLDEN.items()} == dict.fromkeys(BY_NAME, 3)


def columns_of(dataset: Dataset) -> tuple[str, str]:
    document, summary = dataset.columns
    return document, summary


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_an_empty_document_or_summary_is_named(dataset: Dataset) -> None:
    for empty in columns_of(dataset):
        row = {**GOLDEN[dataset.name][0][0], empty: " \n"}
        with pytest.raises(Unusable, match=f"'{empty}' is empty"):
            dataset.examples(row)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_texts_are_those_of_t5s_summarize(dataset: Dataset) -> None:
    from spotfw.tasks.seqio.compat import tf

    preprocessors = pytest.importorskip("t5.data.preprocessors")
    document, summary = columns_of(dataset)
    for row, _ in GOLDEN[dataset.name]:
        # t5's keeps white space at the ends, which no token shows
        stripped = {key: row[key].strip() for key in (document, summary)}
        source = tf.data.Dataset.from_tensors(stripped)
        theirs = next(iter(preprocessors.summarize(source, document, summary).as_numpy_iterator()))
        (mine,) = dataset.examples(row)
        assert (mine.inputs, mine.targets) == (
            theirs["inputs"].decode(),
            theirs["targets"].decode(),
        )


def test_scores_are_rouge_1_2_and_lsum() -> None:
    task = BY_NAME["xsum"]
    postprocess = Postprocess(task)
    (rouge,) = metric_functions(task)
    same = rouge([postprocess("it rained a lot", {}, is_target=True)], [postprocess("it rained")])
    # 1-grams: precision 1, recall 2/4; 2-grams: precision 1, recall 1/3
    assert same == pytest.approx({"rouge1": 200 / 3, "rouge2": 50, "rougeLsum": 200 / 3})
