"""The variants of SPoT's release: its names, columns and order, over the rows of ours."""

from __future__ import annotations

from typing import Any

import pytest

from spotfw_paper_tasks.build import score, to_task
from spotfw_paper_tasks.dataset import Dataset, Unusable
from spotfw_paper_tasks.families import all_datasets
from spotfw_paper_tasks.families.released import DATASETS, GROUP

BY_NAME = {dataset.name: dataset for dataset in DATASETS}
OTHERS = {d.name: d for d in all_datasets() if GROUP not in d.groups}

CLAIM = {"context": "It rained.", "premise": "It rained.", "hypothesis": "It was dry.", "label": 2}


@pytest.mark.parametrize(
    ("name", "row", "inputs", "targets"),
    [
        *(
            (
                f"spot_anli_r{number}",
                CLAIM,
                f"anli_r{number} hypothesis: It was dry. context: It rained.",
                "contradiction",
            )
            for number in (1, 2, 3)
        ),
        ("spot_snli", CLAIM, "snli hypothesis: It was dry. premise: It rained.", "contradiction"),
        (
            "spot_doc_nli",
            {**CLAIM, "label": 0},
            "doc_nli hypothesis: It was dry. premise: It rained.",
            "not_entailment",
        ),
        (
            "spot_aeslc",
            {"email_body": "See you at ten. ", "subject_line": "Ten\n"},
            "aeslc summarize: See you at ten.",
            "Ten",
        ),
        (
            "spot_cnn_dailymail",
            {"article": "It rained .", "highlights": "Rain ."},
            "cnn_dailymail summarize: It rained .",
            "Rain .",
        ),
        (
            "spot_samsum",
            {"dialogue": "A: Ten?", "summary": "They meet."},
            "samsum summarize: A: Ten?",
            "They meet.",
        ),
    ],
)
def test_rows_are_written_as_in_the_release(
    name: str, row: dict[str, Any], inputs: str, targets: str
) -> None:
    (example,) = BY_NAME[name].examples(row)
    assert (example.inputs, example.targets) == (inputs, targets)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_facts_and_rows_are_those_of_the_data_set_beside_it(dataset: Dataset) -> None:
    name = dataset.name.removeprefix("spot_")
    other = OTHERS.get("anli" if name.startswith("anli") else name)
    assert dataset.groups == (GROUP,) and "SPoT's release" in dataset.description
    assert dataset.splits.keys() >= {"train", "validation"}
    if other is not None:
        assert (dataset.columns, dataset.labels) == (other.columns, other.labels)
        assert set(dataset.tfds_names) <= set(other.tfds_names)


def test_the_rounds_are_all_of_anli() -> None:
    rounds = [BY_NAME[f"spot_anli_r{number}"] for number in (1, 2, 3)]
    for split, whole in OTHERS["anli"].splits.items():
        assert sum(r.splits[split].rows or 0 for r in rounds) == whole.rows
    assert [r.tfds_names for r in rounds] == [(name,) for name in OTHERS["anli"].tfds_names]


def test_classes_are_scored_by_accuracy_alone() -> None:
    dataset = BY_NAME["spot_doc_nli"]
    (example,) = dataset.examples({**CLAIM, "label": 0})
    assert to_task(dataset).metrics == ("accuracy",)
    assert score(dataset, [example], ["not_entailment"]) == {"accuracy": 100.0}
    assert score(dataset, [example], ["entailment"]) == {"accuracy": 0.0}


def test_what_is_odd_is_named_as_in_the_others() -> None:
    with pytest.raises(Unusable, match="context is empty"):
        BY_NAME["spot_anli_r1"].examples({**CLAIM, "context": " "})
    assert BY_NAME["spot_snli"].examples({**CLAIM, "label": -1}) == ()
    with pytest.raises(Unusable, match="'summary' is empty"):
        BY_NAME["spot_samsum"].examples({"dialogue": "A: Ten?", "summary": " "})
