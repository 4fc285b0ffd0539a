"""Semantic similarity beside GLUE's: Crisscrossed Captions."""

from __future__ import annotations

from spotfw.tasks.scoring import to_number
from spotfw_paper_tasks.dataset import Dataset, Example, Published, Row, Split, Unusable
from spotfw_paper_tasks.preprocessors.fields import joined, text
from spotfw_paper_tasks.published import crisscrossed
from spotfw_paper_tasks.scoring.numbers import rounded_to_fifths

#: The scale of Semantic Textual Similarity.
LOWEST, HIGHEST = 0.0, 5.0


def cxc(row: Row) -> tuple[Example, ...]:
    """``cxc sentence1: ... sentence2: ...``, the score to the nearest 0.2 as the target.

    CxC's ratings of caption pairs are on STS's scale, 0 to 5, and are written as T5 writes
    STS-B's (`t5.data.preprocessors.stsb`).
    """
    score = row.get("agg_score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise Unusable("agg_score is no number")
    if not LOWEST <= score <= HIGHEST:
        raise Unusable(f"agg_score is {score}, not between 0 and 5")
    columns = {"sentence1": text(row, "caption1"), "sentence2": text(row, "caption2")}
    return (Example(inputs=joined("cxc", columns), targets=rounded_to_fifths(score)),)


DATASETS = (
    Dataset(
        name="cxc",
        family="similarity",
        type="regression",
        groups=("appendix B", "paraphrasing/similarity", "study source"),
        published=Published(
            address=crisscrossed.ADDRESS,
            files={"train": "sts_val.csv", "validation": "sts_test.csv"},
            read=crisscrossed.rows,
            note=f"Put data/sts_val.csv and data/sts_test.csv of the repository and the captions, "
            f"Karpathy's {crisscrossed.KARPATHY} or MS-COCO's {crisscrossed.COCO}, in one folder; "
            "expect 88,054 pairs in both files together.",
        ),
        # The release has no training split. The paper trains on 88K pairs (Table 2), which is
        # both files; here the second is kept for validation. Their images do not overlap.
        splits={"train": Split(source="sts_val"), "validation": Split(source="sts_test")},
        columns={"caption1": str, "caption2": str, "agg_score": float},
        examples=cxc,
        postprocess=to_number,
        metrics={"pearson_corrcoef": "pearson_corrcoef", "spearman_corrcoef": "spearman_corrcoef"},
        licence="ratings: terms of their repository; captions: MS-COCO, CC BY 4.0",
        citation="Parekh et al. 2021",
        description="Crisscrossed Captions, similarity of caption pairs; train is its val file, "
        "validation its test file",
    ),
)
