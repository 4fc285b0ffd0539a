"""The paper's data sets that t5.data has as tasks (appendix B), for listing without TensorFlow.

t5's names and t5's tasks, text and scores without TensorFlow where a folder is bound to them.
Where TFDS has prepared the data, it reads the rows; of C4, seqio makes the examples.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from spotfw.errors import SpotError
from spotfw.tasks import Mixture, Task
from spotfw.tasks.rows.bound import describe_columns
from spotfw.tasks.rows.digests import digest_of_values, file_digest
from spotfw.tasks.rows.prepared import prepared_content
from spotfw.tasks.scoring import Scorer, metric_functions, to_answers
from spotfw.tasks.t5.cached import or_cached
from spotfw.tasks.t5.entry import T5Entry, usual_splits
from spotfw.tasks.t5.examples import examples
from spotfw.tasks.t5.generation import Translation, summarize
from spotfw.tasks.t5.genres import by_genre
from spotfw.tasks.t5.glue import GLUE
from spotfw.tasks.t5.questions import squad
from spotfw.tasks.t5.rows import bound_folder, file_of, how_to_get, open_rows, usable_rows
from spotfw.tasks.t5.super_glue import SUPER_GLUE

_BLEU = Scorer(metric_functions(("bleu",)))


def _translation(name: str, tfds: str, language: str, short: str, **facts: Any) -> T5Entry:
    return T5Entry(
        name=name,
        also=(short, tfds.partition("_translate")[0] + f"_{language}"),
        family="translation",
        type="generation",
        metrics=("bleu",),
        tfds=tfds,
        columns={"en": "str", language: str},
        examples=Translation("en", language),
        score=_BLEU,
        groups=("appendix B", "translation"),
        **facts,
    )


#: All of them, in the order of appendix B.
ENTRIES: tuple[T5Entry, ...] = (
    T5Entry(
        name="c4_v220_prefix_lm",
        also=("c4", "c4_prefix_lm"),
        family="language modeling",
        type="generation",
        metrics=("bleu",),
        examples=None,
        score=_BLEU,
        tfds="c4/en:2.2.0",
        splits=usual_splits(364_868_892, 364_608),
        columns={
            **{"text": "str", "url": "text?", "timestamp": "text?"},
            **{"content-type": "text?", "content-length": "text?"},
        },
        licence="ODC-By 1.0; Common Crawl's terms of use",
        citation="Raffel et al. 2020",
        groups=("appendix B", "C4", "study source"),
        description="Goes on with a text of the web. t5 gives it no metric; checkpoints are "
        "compared by BLEU against the text's own continuation",
    ),
    *GLUE,
    *SUPER_GLUE,
    T5Entry(
        name="squad_v010_allanswers",
        also=("squad", "squad_v1_1"),
        family="QA",
        type="qa",
        metrics=("squad",),
        tfds="squad/v1.1:3.0.0",
        splits=usual_splits(87_599, 10_570),
        columns={
            **{"context": "str", "question": "str", "answers.text": "list[str]+"},
            **{"answers.answer_start": "list[int32]?", "id": "text?", "title": "text?"},
        },
        examples=squad,
        score=Scorer(metric_functions(("squad",)), to_answers),
        licence="CC BY-SA 4.0",
        citation="Rajpurkar et al. 2016",
        groups=("appendix B", "study source"),
        description="Answers to questions about a paragraph of Wikipedia, in its words",
    ),
    _translation(
        "wmt_t2t_ende_v003",
        "wmt_t2t_translate/de-en:1.0.0",
        "de",
        "wmt_ende",
        splits=usual_splits(4_592_289, 3_000, 3_003),
        licence="by corpus: Europarl, Common Crawl, News Commentary; research use",
        citation="Bojar et al. 2014",
        description="English to German; the training text of WMT 2014, newstest2013 and 2014",
    ),
    _translation(
        "wmt15_enfr_v003",
        "wmt15_translate/fr-en:1.0.0",
        "fr",
        "wmt_enfr",
        splits=usual_splits(40_853_137, 4_503, 1_500),
        licence="by corpus: Europarl, Common Crawl, UN, Gigaword fr-en; research use",
        citation="Bojar et al. 2015",
        description="English to French",
    ),
    _translation(
        "wmt16_enro_v003",
        "wmt16_translate/ro-en:1.0.0",
        "ro",
        "wmt_enro",
        splits=usual_splits(610_320, 1_999, 1_999),
        licence="by corpus: Europarl, SETIMES2; research use",
        citation="Bojar et al. 2016",
        description="English to Romanian",
    ),
    T5Entry(
        name="cnn_dailymail_v002",
        also=("cnn_dailymail",),
        family="summarization",
        type="generation",
        metrics=("rouge",),
        tfds="cnn_dailymail:3.4.0",
        splits=usual_splits(287_113, 13_368, 11_490),
        columns={"article": "str", "highlights": "str", "id": "text?", "publisher": "text?"},
        examples=summarize,
        score=Scorer(metric_functions(("rouge",))),
        licence="texts of CNN and Daily Mail; research use",
        citation="Hermann et al. 2015; See et al. 2017",
        groups=("appendix B", "summarization"),
        description="The highlights of a piece of news",
    ),
)


def find_entry(name: str) -> T5Entry | None:
    """The entry of t5's name or a short one."""
    return next((e for e in ENTRIES if name == e.name or name in e.also), None)


def to_task(entry: T5Entry) -> Task:
    """An entry as a task, without importing TensorFlow; over seqio's cache where there is one."""
    task = _from_rows(entry)
    return task if entry.registered else or_cached(task, entry.name)


def _from_rows(entry: T5Entry) -> Task:
    makes_tokens = entry.examples is None
    return Task(
        name=entry.name,
        family=entry.family,
        type=entry.type,
        labels=entry.labels,
        metrics=entry.metrics,
        splits={name: rows for name, (_, rows) in entry.splits.items()},
        origin=f"seqio (tfds {entry.tfds})",
        examples=None if makes_tokens else functools.partial(examples, entry),
        score=None if makes_tokens else entry.score,
        build=functools.partial(_build, entry) if makes_tokens else None,
        description=entry.description,
        data=f"tfds {entry.tfds}",
        licence=entry.licence,
        citation=entry.citation,
        groups=entry.groups,
        check=functools.partial(_check, entry),
        walk=functools.partial(usable_rows, entry) if makes_tokens else None,
        train_examples=entry.train_examples,
        how_to_get=how_to_get(entry),
        columns=describe_columns(entry.schema),
        content=functools.partial(_content, entry),
    )


class T5Tasks:
    """t5.data's tasks for the paper's data sets, under t5's names and short ones."""

    name = "t5"

    def tasks(self) -> Iterable[Task | Mixture]:
        """All of them, once each, and MNLI once more, with its validation sets told apart."""
        return [*map(to_task, ENTRIES), _mnli_by_genre()]

    def short_names(self) -> list[str]:
        """Other names that `find` knows, for suggestions."""
        return [name for entry in ENTRIES for name in entry.also]

    def find(self, name: str) -> Task | None:
        """The task of a short name (``glue_mnli``), None where there is none."""
        entry = find_entry(name)
        return None if entry is None else to_task(entry)


def _mnli_by_genre() -> Task:
    entry = find_entry("glue_mnli")
    assert entry is not None
    return by_genre(_from_rows(entry))


def _content(entry: T5Entry) -> dict[str, str]:
    """t5's task by its name, which has a version, and the files or TFDS's data set it reads."""
    facts = [entry.name, entry.tfds, entry.labels, entry.metrics, entry.train_label]
    parts = {"definition": digest_of_values([*facts, describe_columns(entry.schema)])}
    try:
        folder = bound_folder(entry)
    except SpotError:
        folder = None  # reported when the rows are read
    if folder is None:
        return {**parts, **prepared_content((entry.tfds,))}
    files = [path for split in entry.splits if (path := file_of(entry, split, folder))]
    return {**parts, **{path.name: file_digest(path) for path in files}}


def _build(entry: T5Entry, vocabulary: Any) -> Any:
    from spotfw.tasks.t5.build import build

    return build(entry, vocabulary)


def _check(entry: T5Entry, splits: Sequence[str]) -> None:
    if bound_folder(entry) is not None:
        for split in splits:
            open_rows(entry, split)
        return
    from spotfw.tasks.t5.build import check_prepared

    check_prepared(entry, splits)
