"""Rows of the true TFDS schemas (mocked) go through MRQA's, reading's, summaries' and GEM's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spotfw.tasks.rows.bound import BoundRow, check_rows
from spotfw_paper_tasks.build import Postprocess, metric_functions
from spotfw_paper_tasks.dataset import Dataset, Row
from spotfw_paper_tasks.families import gem, mrqa, reading, summarization
from spotfw_paper_tasks.mocked import possible
from spotfw_paper_tasks.rows import plain, schema

DATASETS = [*mrqa.DATASETS, *reading.DATASETS, *summarization.DATASETS, *gem.DATASETS]
SOURCES = [(dataset, name) for dataset in DATASETS for name in dataset.tfds_names]


def mocked(name: str, split: str) -> list[Row]:
    from spotfw.tasks.seqio.compat import tf  # noqa: F401  (quiets TensorFlow first)

    tfds: Any = pytest.importorskip("tensorflow_datasets")
    with tfds.testing.mock_data(num_examples=2, policy=tfds.testing.MockPolicy.USE_CODE):
        builder = tfds.builder(name)
        assert builder.info.full_name == name.replace(":", "/")  # name and version exist
        return [plain(row) for row in tfds.as_numpy(builder.as_dataset(split=split))]


@pytest.mark.parametrize(("dataset", "name"), SOURCES, ids=[name for _, name in SOURCES])
def test_rows_of_the_true_schema_become_examples_that_score(dataset: Dataset, name: str) -> None:
    rows = mocked(name, dataset.splits["validation"].source)
    mended = [possible(dataset.name, row) for row in rows]
    checked = list(check_rows(iter(enumerate(mended, 1)), Path(name), schema(dataset)))
    assert all(isinstance(row, BoundRow) for row in checked), checked
    examples = [e for row in checked for e in dataset.examples(row.cells)]  # type: ignore[union-attr]
    assert len(examples) >= 2

    postprocess = Postprocess(dataset)
    right = [postprocess(e.targets, example=e, is_target=True) for e in examples]
    given = [postprocess(e.targets) for e in examples]
    nonsense = [postprocess("%") for _ in examples]
    for metric in metric_functions(dataset):
        best, worst = metric(right, given), metric(right, nonsense)
        assert best.keys() == worst.keys()
        for key in best:
            assert 0 <= worst[key] <= best[key] <= 100 + 1e-6, (metric, key)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_facts_are_all_there(dataset: Dataset) -> None:
    assert {"train", "validation"} <= dataset.splits.keys() <= {"train", "validation", "test"}
    assert all(split.rows for split in dataset.splits.values())
    assert dataset.licence and dataset.citation and dataset.description
    assert set(dataset.groups) & {"appendix B", "study source"}


def test_the_papers_groups_are_whole() -> None:
    def members(group: str) -> set[str]:
        return {dataset.name for dataset in DATASETS if group in dataset.groups}

    assert len(members("MRQA")) == 6
    assert len(members("GEM")) == 8
    assert len(members("summarization")) == 8  # and t5's CNN/Daily Mail
    assert members("study source") == {"drop", "race"}
    assert members("summarization") & members("GEM") == {"xsum", "wiki_lingua"}
    assert not members("study source") & members("appendix B")
    assert len({dataset.name for dataset in DATASETS}) == len(DATASETS) == 22
