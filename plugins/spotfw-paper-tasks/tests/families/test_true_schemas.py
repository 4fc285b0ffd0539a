"""Rows of TFDS's true schemas, and the real rows at hand, through the preprocessors."""

import json
from collections import Counter
from pathlib import Path

import pytest

from spotfw.tasks.rows.bound import BoundRow, UnlabelledRow, check_rows, read_file
from spotfw_paper_tasks.families import beyond, commonsense, nli, sentiment, similarity
from spotfw_paper_tasks.mocked import possible
from spotfw_paper_tasks.rows import plain, schema

DATASETS = [d for m in (nli, similarity, sentiment, commonsense, beyond) for d in m.DATASETS]
SHARED = Path(__file__).parents[5] / "shared" / "data"


@pytest.mark.parametrize("dataset", [d for d in DATASETS if d.tfds], ids=lambda d: d.name)
def test_rows_of_tfds_true_schema_give_examples(dataset):
    tfds = pytest.importorskip("tensorflow_datasets")
    rows = []
    with tfds.testing.mock_data(num_examples=4):
        for name in dataset.tfds_names:
            builder = tfds.builder(name)
            assert builder.info.full_name == name.replace(":", "/")
            assert set(dataset.columns) <= set(builder.info.features)
            rows += [plain(row) for row in tfds.as_numpy(builder.as_dataset(split="train"))]
    numbered = enumerate(possible(dataset.name, row) for row in rows)
    checked = list(check_rows(numbered, Path("mock"), schema(dataset)))
    assert all(isinstance(row, BoundRow) for row in checked), checked
    made = [example for row in checked for example in dataset.examples(row.cells)]
    assert len(made) == len(rows) == 4 * len(dataset.tfds_names)
    assert all(e.inputs.startswith(f"{dataset.name} ") for e in made)
    known = set(dataset.labels)
    assert all(set(e.targets.split(", ")) <= known for e in made)


def real_files():
    held = {path.name for path in SHARED.iterdir()} if SHARED.is_dir() else set()
    here = [
        (dataset, split)
        for dataset in DATASETS
        if dataset.name in held
        for split in ("train", "validation", "test")
        if (SHARED / dataset.name / f"{split}.jsonl").is_file()
    ]
    return [pytest.param(*file, id=f"{file[0].name}-{file[1]}") for file in here] or [
        pytest.param(None, None, marks=pytest.mark.skip(reason="the folder shared/data is absent"))
    ]


@pytest.mark.parametrize(("dataset", "split"), real_files())
def test_no_real_row_is_lost_and_labels_are_those_of_the_file(dataset, split):
    path = SHARED / dataset.name / f"{split}.jsonl"
    with path.open() as stream:
        counts = Counter(json.loads(line)["label"] for line in stream)
    rows = list(read_file(path, schema(dataset)))
    assert not [row for row in rows if not isinstance(row, BoundRow | UnlabelledRow)]
    made = Counter(
        example.targets
        for row in rows
        if isinstance(row, BoundRow)
        for example in dataset.examples(row.cells)
    )
    unlabelled = sum(isinstance(row, UnlabelledRow) for row in rows)
    assert unlabelled == counts.pop(-1, 0)
    assert made == {dataset.labels[label]: count for label, count in counts.items()}


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.name)
def test_what_is_known_of_a_data_set_is_said(dataset):
    assert dataset.tfds or dataset.published
    assert {"train", "validation"} <= set(dataset.splits)
    assert all(split.rows is None or split.rows > 0 for split in dataset.splits.values())
    assert dataset.groups
    assert dataset.licence
    assert dataset.citation
    assert dataset.metrics
    assert dataset.description
    if dataset.published:
        assert set(dataset.published.files) == set(dataset.splits)
        assert dataset.published.address.startswith("https://")
        assert dataset.published.note
