"""GLUE as t5.data has it (Wang et al. 2019a): facts for listings, texts and scores.

Split sizes are those the benchmarks' papers and TFDS publish; a test split has no labels,
so it can be counted but not scored.
"""

from __future__ import annotations

from typing import Any

from spotfw.tasks.scoring import MEAN_F1, Scorer, ToLabel, metric_functions, to_number
from spotfw.tasks.t5.columns import NamedColumns, stsb
from spotfw.tasks.t5.entry import T5Entry, usual_splits
from spotfw.tasks.t5.faults import stsb_fault

NLI2 = ("entailment", "not_entailment")
NLI3 = ("entailment", "neutral", "contradiction")
INDEX = {"idx": "int32?"}
PAIR = {"sentence1": "str", "sentence2": "str", "label": "label", **INDEX}
PREMISE = {"premise": "str", "hypothesis": "str", "label": "label", **INDEX}


def _glue(short: str, *groups: str, **facts: Any) -> T5Entry:
    return T5Entry(
        name=f"glue_{short}_v002",
        also=(f"glue_{short}",),
        tfds=f"glue/{short}:1.0.0",
        groups=("appendix B", "GLUE", *groups),
        **of_classes(short, facts),
    )


def of_classes(short: str, facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a task, and where they do not say, how t5 writes and scores classes.

    Columns of text stand in the order of their names.
    """
    facts = {"type": "classification", "metrics": ("accuracy",), **facts}
    labels = facts.get("labels", ())
    if "examples" not in facts:
        columns = sorted({*facts["columns"]} - {"label", "idx"})
        facts["examples"] = NamedColumns(short, tuple(columns), labels)
    if "score" not in facts:
        mean_f1 = f"mean_{len(labels)}class_f1"
        names = [MEAN_F1 if name == mean_f1 else name for name in facts["metrics"]]
        facts["score"] = Scorer(metric_functions(names, len(labels)), ToLabel(labels))
    return facts


GLUE = (
    _glue(
        "cola",
        "study target",
        family="acceptability",
        labels=("unacceptable", "acceptable"),
        metrics=("matthews_corrcoef",),
        splits=usual_splits(8_551, 1_043, 1_063),
        columns={"sentence": "str", "label": "label", **INDEX},
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
        columns={"sentence": "str", "label": "label", **INDEX},
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
        columns=PAIR,
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
        columns={"question1": "str", "question2": "str", "label": "label", **INDEX},
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
        columns={"sentence1": "str", "sentence2": "str", "label": "float", **INDEX},
        licence="scores CC BY-SA 4.0; texts under their own licences",
        citation="Cer et al. 2017",
        description="How alike two sentences are, from 0 to 5, written to the nearest 0.2",
        fault=stsb_fault,
        examples=stsb,
        score=Scorer(metric_functions(("pearson_corrcoef", "spearman_corrcoef")), to_number),
    ),
    _glue(
        "mnli",
        "NLI",
        "study source",
        family="NLI",
        labels=NLI3,
        splits={
            "train": ("train", 392_702),
            "validation": ("validation_matched", 9_815),
            "validation_matched": ("validation_matched", 9_815),
            "validation_mismatched": ("validation_mismatched", 9_832),
            "test_matched": ("test_matched", 9_796),
            "test_mismatched": ("test_mismatched", 9_847),
        },
        columns=PREMISE,
        licence="OANC, CC BY 3.0 and CC BY-SA 3.0 by genre",
        citation="Williams et al. 2018",
        description="Does a premise entail a hypothesis? Validation is the matched genres'",
    ),
    _glue(
        "qnli",
        "NLI",
        "study source",
        family="NLI",
        labels=NLI2,
        splits=usual_splits(104_743, 5_463, 5_463),
        columns={"question": "str", "sentence": "str", "label": "label", **INDEX},
        licence="CC BY-SA 4.0",
        citation="Wang et al. 2019a",
        description="Does a sentence of SQuAD hold the answer to a question?",
    ),
    _glue(
        "rte",
        "NLI",
        "study target",
        family="NLI",
        labels=NLI2,
        splits=usual_splits(2_490, 277, 3_000),
        columns=PAIR,
        licence="no explicit licence; research use",
        citation="Dagan et al. 2005",
        description="Does one text entail another? The pairs of SuperGLUE's RTE",
    ),
)
