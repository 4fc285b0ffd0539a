"""SuperGLUE as t5.data has it (Wang et al. 2019b): facts for listings, texts and scores."""

from __future__ import annotations

from typing import Any

from spotfw.tasks.scoring import Scorer, metric_functions
from spotfw.tasks.scoring.groups import MeanOverGroups, OncePerGroup, OverValues
from spotfw.tasks.t5.columns import NamedColumns
from spotfw.tasks.t5.coreference import names_referent, wsc
from spotfw.tasks.t5.entry import T5Entry, usual_splits
from spotfw.tasks.t5.faults import wsc_fault
from spotfw.tasks.t5.glue import INDEX, NLI2, PREMISE, of_classes
from spotfw.tasks.t5.questions import multirc, multirc_value, record, record_value

YES_NO = ("False", "True")
_F1, _ALL_MATCH, _SQUAD = metric_functions(("f1_score_with_invalid", "all_match", "squad"))


def _super_glue(short: str, *groups: str, **facts: Any) -> T5Entry:
    return T5Entry(
        groups=("appendix B", "SuperGLUE", *groups),
        **{
            "name": f"super_glue_{short}_v102",
            "also": (f"super_glue_{short}",),
            "tfds": f"super_glue/{short}:1.0.2",
            **of_classes(short, facts),
        },
    )


SUPER_GLUE = (
    _super_glue(
        "boolq",
        "study target",
        family="QA",
        labels=YES_NO,
        splits=usual_splits(9_427, 3_270, 3_245),
        columns={"question": "str", "passage": "str", "label": "label", **INDEX},
        licence="CC BY-SA 3.0",
        citation="Clark et al. 2019",
        description="Yes or no to a question about a passage of Wikipedia",
    ),
    _super_glue(
        "cb",
        "NLI",
        "study target",
        family="NLI",
        labels=("entailment", "contradiction", "neutral"),
        metrics=("mean_3class_f1", "accuracy"),
        splits=usual_splits(250, 56, 250),
        columns=PREMISE,
        licence="no explicit licence; research use",
        citation="De Marneffe et al. 2019",
        description="Is the writer committed to an embedded clause?",
    ),
    _super_glue(
        "copa",
        "study target",
        family="QA",
        labels=("choice1", "choice2"),
        splits=usual_splits(400, 100, 500),
        columns={
            **{"premise": "str", "choice1": "str", "choice2": "str", "question": "str"},
            **{"label": "label", **INDEX},
        },
        licence="BSD 2-clause",
        citation="Roemmele et al. 2011",
        description="Which of two choices is the cause or the effect of a premise?",
    ),
    _super_glue(
        "multirc",
        "study source",
        family="QA",
        labels=YES_NO,
        metrics=("f1", "em"),
        examples=multirc,
        score=Scorer((OverValues(_F1), MeanOverGroups(_ALL_MATCH)), multirc_value),
        splits=usual_splits(27_243, 4_848, 9_693),
        columns={
            **{"paragraph": "str", "question": "str", "answer": "str", "label": "label"},
            **{"idx.paragraph": "int32", "idx.question": "int32", "idx.answer": "int32?"},
        },
        licence="research use",
        citation="Khashabi et al. 2018",
        description="Is an answer to a question about a paragraph right? F1 over all answers, "
        "and exact match over the answers of each question",
    ),
    _super_glue(
        "record",
        "study source",
        family="QA",
        type="qa",
        metrics=("squad",),
        splits=usual_splits(100_730, 10_000, 10_000),
        examples=record,
        score=Scorer((OncePerGroup(_SQUAD),), record_value),
        train_examples=138_854,
        columns={
            **{"passage": "str", "query": "str", "entities": "list[str]+", "answers": "list[str]+"},
            **{"idx.passage": "int32", "idx.query": "int32"},
        },
        licence="texts of CNN and Daily Mail; research use",
        citation="Zhang et al. 2018",
        description="Which entity of a passage stands for @placeholder in a query? An example "
        "for each right answer; a prediction scores its best match with any",
    ),
    _super_glue(
        "rte",
        family="NLI",
        labels=NLI2,
        splits=usual_splits(2_490, 277, 3_000),
        columns=PREMISE,
        licence="no explicit licence; research use",
        citation="Dagan et al. 2005",
        description="Does a premise entail a hypothesis? The pairs of GLUE's RTE",
    ),
    _super_glue(
        "wic",
        "study target",
        family="word sense",
        labels=YES_NO,
        splits=usual_splits(5_428, 638, 1_400),
        examples=NamedColumns("wic", ("sentence1", "sentence2", "word"), YES_NO),
        columns={
            **{"word": "str", "sentence1": "str", "sentence2": "str", "label": "label", **INDEX},
            **{"start1": "int32?", "start2": "int32?", "end1": "int32?", "end2": "int32?"},
        },
        licence="CC BY-NC 4.0",
        citation="Pilehvar and Camacho-Collados 2019",
        description="Does a word have one meaning in two sentences?",
    ),
    _super_glue(
        "wsc",
        "study target",
        name="super_glue_wsc_v102_simple",
        also=("super_glue_wsc", "super_glue_wsc_fixed"),
        tfds="super_glue/wsc.fixed:1.0.2",
        registered="super_glue_wsc_v102_simple_eval",
        train_label=1,
        train_examples=259,
        family="coreference",
        type="generation",
        splits=usual_splits(554, 104, 146),
        columns={
            **{"text": "str", "span1_text": "str", "span2_text": "str", "span2_index": "int32"},
            **{"span1_index": "int32?", "label": "int32", **INDEX},
        },
        licence="CC BY 4.0",
        citation="Levesque et al. 2012",
        description="What does a pronoun stand for? Trained on right referents only, scored on "
        "telling them from wrong ones: t5's simple_train and simple_eval in one",
        fault=wsc_fault,
        examples=wsc,
        score=Scorer(metric_functions(("accuracy",)), names_referent),
    ),
)
