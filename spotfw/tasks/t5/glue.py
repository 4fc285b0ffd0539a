"""GLUE and SuperGLUE as t5.data has them (Wang et al. 2019a, 2019b): facts for listings.

Split sizes are those the benchmarks' papers and TFDS publish; a test split has no labels,
so it can be counted but not scored.
"""

from __future__ import annotations

from typing import Any

from spotfw.tasks.t5.entry import T5Entry, usual_splits
from spotfw.tasks.t5.faults import stsb_fault, wsc_fault

_NLI2 = ("entailment", "not_entailment")
_NLI3 = ("entailment", "neutral", "contradiction")
_YES_NO = ("False", "True")
_INDEX = {"idx": "int32?"}
_PAIR = {"sentence1": "str", "sentence2": "str", "label": "label", **_INDEX}
_PREMISE = {"premise": "str", "hypothesis": "str", "label": "label", **_INDEX}


def _glue(short: str, *groups: str, **facts: Any) -> T5Entry:
    return T5Entry(
        name=f"glue_{short}_v002",
        also=(f"glue_{short}",),
        tfds=f"glue/{short}:1.0.0",
        groups=("appendix B", "GLUE", *groups),
        **{"type": "classification", "metrics": ("accuracy",), **facts},
    )


def _super_glue(short: str, *groups: str, **facts: Any) -> T5Entry:
    return T5Entry(
        groups=("appendix B", "SuperGLUE", *groups),
        **{
            "name": f"super_glue_{short}_v102",
            "also": (f"super_glue_{short}",),
            "tfds": f"super_glue/{short}:1.0.2",
            "type": "classification",
            "metrics": ("accuracy",),
            **facts,
        },
    )


GLUE = (
    _glue(
        "cola",
        "study target",
        family="acceptability",
        labels=("unacceptable", "acceptable"),
        metrics=("matthews_corrcoef",),
        splits=usual_splits(8_551, 1_043, 1_063),
        columns={"sentence": "str", "label": "label", **_INDEX},
        licence="no explicit licence; sentences quoted from linguistics publications",
        citation="Warstadt et al. 2019",
        description="Is a sentence acceptable English?",
    ),
    _glue(
        "sst2",
        "sentiment",
        "study source",
        family="sentiment",
        labels=("negative", "positive"),
        splits=usual_splits(67_349, 872, 1_821),
        columns={"sentence": "str", "label": "label", **_INDEX},
        licence="no explicit licence; research use",
        citation="Socher et al. 2013",
        description="Sentiment of phrases of film reviews",
    ),
    _glue(
        "mrpc",
        "paraphrasing/similarity",
        "study target",
        family="paraphrase",
        labels=("not_equivalent", "equivalent"),
        metrics=("f1_score_with_invalid", "accuracy"),
        splits=usual_splits(3_668, 408, 1_725),
        columns=_PAIR,
        licence="Microsoft Research Paraphrase Corpus licence; research use",
        citation="Dolan and Brockett 2005",
        description="Do two sentences of the news say the same?",
    ),
    _glue(
        "qqp",
        "paraphrasing/similarity",
        "study source",
        family="paraphrase",
        labels=("not_duplicate", "duplicate"),
        metrics=("f1_score_with_invalid", "accuracy"),
        splits=usual_splits(363_849, 40_430, 390_965),
        columns={"question1": "str", "question2": "str", "label": "label", **_INDEX},
        licence="Quora's terms of the release; non-commercial research",
        citation="Iyer et al. 2017",
        description="Do two questions of Quora ask the same?",
    ),
    _glue(
        "stsb",
        "paraphrasing/similarity",
        "study target",
        family="similarity",
        type="regression",
        metrics=("pearson_corrcoef", "spearman_corrcoef"),
        splits=usual_splits(5_749, 1_500, 1_379),
        columns={"sentence1": "str", "sentence2": "str", "label": "float", **_INDEX},
        licence="scores CC BY-SA 4.0; texts under their own licences",
        citation="Cer et al. 2017",
        description="How alike two sentences are, from 0 to 5, written to the nearest 0.2",
        fault=stsb_fault,
    ),
    _glue(
        "mnli",
        "NLI",
        "study source",
        family="NLI",
        labels=_NLI3,
        splits={
            "train": ("train", 392_702),
            "validation": ("validation_matched", 9_815),
            "validation_matched": ("validation_matched", 9_815),
            "validation_mismatched": ("validation_mismatched", 9_832),
            "test_matched": ("test_matched", 9_796),
            "test_mismatched": ("test_mismatched", 9_847),
        },
        columns=_PREMISE,
        licence="OANC, CC BY 3.0 and CC BY-SA 3.0 by genre",
        citation="Williams et al. 2018",
        description="Does a premise entail a hypothesis? Validation is the matched genres'",
    ),
    _glue(
        "qnli",
        "NLI",
        "study source",
        family="NLI",
        labels=_NLI2,
        splits=usual_splits(104_743, 5_463, 5_463),
        columns={"question": "str", "sentence": "str", "label": "label", **_INDEX},
        licence="CC BY-SA 4.0",
        citation="Wang et al. 2019a",
        description="Does a sentence of SQuAD hold the answer to a question?",
    ),
    _glue(
        "rte",
        "NLI",
        "study target",
        family="NLI",
        labels=_NLI2,
        splits=usual_splits(2_490, 277, 3_000),
        columns=_PAIR,
        licence="no explicit licence; research use",
        citation="Dagan et al. 2005",
        description="Does one text entail another? The pairs of SuperGLUE's RTE",
    ),
)


SUPER_GLUE = (
    _super_glue(
        "boolq",
        "study target",
        family="QA",
        labels=_YES_NO,
        splits=usual_splits(9_427, 3_270, 3_245),
        columns={"question": "str", "passage": "str", "label": "label", **_INDEX},
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
        columns=_PREMISE,
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
            **{"label": "label", **_INDEX},
        },
        licence="BSD 2-clause",
        citation="Roemmele et al. 2011",
        description="Which of two choices is the cause or the effect of a premise?",
    ),
    _super_glue(
        "multirc",
        "study source",
        family="QA",
        labels=_YES_NO,
        metrics=("f1", "em"),
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
        each="answers",
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
        labels=_NLI2,
        splits=usual_splits(2_490, 277, 3_000),
        columns=_PREMISE,
        licence="no explicit licence; research use",
        citation="Dagan et al. 2005",
        description="Does a premise entail a hypothesis? The pairs of GLUE's RTE",
    ),
    _super_glue(
        "wic",
        "study target",
        family="word sense",
        labels=_YES_NO,
        splits=usual_splits(5_428, 638, 1_400),
        columns={
            **{"word": "str", "sentence1": "str", "sentence2": "str", "label": "label", **_INDEX},
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
            **{"span1_index": "int32?", "label": "int32", **_INDEX},
        },
        licence="CC BY 4.0",
        citation="Levesque et al. 2012",
        description="What does a pronoun stand for? Trained on right referents only, scored on "
        "telling them from wrong ones: t5's simple_train and simple_eval in one",
        fault=wsc_fault,
    ),
)
