"""Inputs as SPoT's released tasks have them, where they differ from those of the other families.

The release (google-research/prompt-tuning, ``prompt_tuning/spot``) registers GLUE and MRQA as
here, and these otherwise: the text is ``<task> <column>: ... <column>: ...`` with the columns'
own names and the hypothesis first, ANLI's rounds are a task each, every class is scored by
accuracy, and a summary's input is ``<task> summarize: ...``. Names are the release's, without
their version. Rows are those of the data set beside it.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from spotfw_paper_tasks.dataset import Dataset, Example, Row, Split
from spotfw_paper_tasks.families import nli, summarization
from spotfw_paper_tasks.preprocessors.fields import classified, text

GROUP = "released inputs"

_NLI = {dataset.name: dataset for dataset in nli.DATASETS}
_SUMMARIES = {dataset.name: dataset for dataset in summarization.DATASETS}

#: ANLI's rounds and their rows: train, validation, test.
ROUNDS = {
    "anli_r1": (16_946, 1_000, 1_000),
    "anli_r2": (45_460, 1_000, 1_000),
    "anli_r3": (100_459, 1_200, 1_200),
}

#: t5's data set, of which the others here have no own.
_CNN = attrs.evolve(
    _SUMMARIES["samsum"],
    name="cnn_dailymail",
    tfds="cnn_dailymail:3.4.0",
    splits={
        "train": Split(source="train", rows=287_113),
        "validation": Split(source="validation", rows=13_368),
        "test": Split(source="test", rows=11_490),
    },
    columns={"article": str, "highlights": str},
    licence="texts of CNN and Daily Mail; research use",
    citation="Hermann et al. 2015; See et al. 2017",
    description="The highlights of a piece of news",
)

#: Data set -> the columns of its document and its summary.
SUMMARIZED = {
    "aeslc": ("email_body", "subject_line"),
    "billsum": ("text", "summary"),
    "cnn_dailymail": ("article", "highlights"),
    "gigaword": ("document", "summary"),
    "multi_news": ("document", "summary"),
    "newsroom": ("text", "summary"),
    "samsum": ("dialogue", "summary"),
}


def pair(task: str, other: str, labels: tuple[str, ...]) -> Callable[[Row], tuple[Example, ...]]:
    """The preprocessor ``<task> hypothesis: ... <other>: ...``.

    Args:
      task: what the text begins with.
      other: the column of the premise, by the data's own name.
      labels: of the classes.
    """

    def examples(row: Row) -> tuple[Example, ...]:
        columns = {column: text(row, column) for column in ("hypothesis", other)}
        return classified(task, columns, row, labels)

    return examples


def _named(dataset: Dataset, name: str, **changes: object) -> Dataset:
    return attrs.evolve(
        dataset,
        name=f"spot_{name}",
        groups=(GROUP,),
        description=f"{dataset.description}; inputs as in SPoT's release",
        **changes,
    )


def _round(name: str) -> Dataset:
    rows = dict(zip(("train", "validation", "test"), ROUNDS[name], strict=True))
    return attrs.evolve(
        _named(
            _NLI["anli"],
            name,
            tfds=f"anli/{name[-2:]}:0.1.0",
            splits={split: Split(source=split, rows=count) for split, count in rows.items()},
            examples=pair(name, "context", nli.THREE_WAY),
        ),
        description=f"Adversarial NLI, round {name[-1]}; inputs as in SPoT's release",
    )


def _summaries(name: str) -> Dataset:
    preprocess = summarization.summarize(*SUMMARIZED[name])

    def examples(row: Row) -> tuple[Example, ...]:
        (example,) = preprocess(row)
        return (attrs.evolve(example, inputs=f"{name} {example.inputs}"),)

    return _named({**_SUMMARIES, _CNN.name: _CNN}[name], name, examples=examples)


DATASETS = (
    *map(_round, ROUNDS),
    _named(
        _NLI["doc_nli"],
        "doc_nli",
        examples=pair("doc_nli", "premise", nli.DOC_NLI),
        metrics={"accuracy": "accuracy"},
    ),
    _named(_NLI["snli"], "snli", examples=pair("snli", "premise", nli.THREE_WAY)),
    *map(_summaries, SUMMARIZED),
)
