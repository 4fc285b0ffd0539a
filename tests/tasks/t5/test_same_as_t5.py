"""Examples and scores of bound t5 tasks against t5's own: to the character and the bit."""

from __future__ import annotations

import importlib.util
import json
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_datasets as tfds

from spotfw.tasks import Task, bindings
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.seqio.copy import copy_task
from spotfw.tasks.seqio.registered import registered_task
from spotfw.tasks.t5.catalogue import ENTRIES, find_entry, to_task
from spotfw.tasks.vocabulary import ByteVocabulary


def _beside(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOLDEN = _beside("t5_golden").GOLDEN
rows_of, text = (getattr(_beside("random_rows"), name) for name in ("rows_of", "text"))

PLAIN = [entry for entry in ENTRIES if entry.examples is not None]
every_plain = pytest.mark.parametrize("entry", PLAIN, ids=lambda e: e.also[0])
SPLITS = ("train", "validation")


@pytest.fixture
def ours(tmp_path, monkeypatch):
    """A task over rows in a bound folder: ``ours(entry, rows)``."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def make(entry, rows):
        for split in SPLITS:
            lines = "\n".join(json.dumps(row) for row in rows)
            (tmp_path / f"{split}.jsonl").write_text(lines)
        bindings.bind(entry.name, tmp_path)
        return to_task(entry)

    return make


def of_t5(entry, rows):
    """t5's registered task over rows, which reach it by a way of its own."""
    name = entry.registered or entry.name
    spec = registered_task(name).source.tfds_dataset.builder.info.features.get_tensor_spec()

    def filled(row, spec):
        return {
            key: filled(row.get(key) or {}, part)
            if isinstance(part, dict)
            else row.get(key, [] if part.shape.rank else "" if part.dtype == tf.string else 0)
            for key, part in spec.items()
        }

    def data(split, shuffle_files):
        made = [filled(row, spec) for row in rows]
        return tf.data.Dataset.from_generator(lambda: iter(made), output_signature=spec)

    def of_split(split):
        """Of WSC, what is trained on is a task of its own."""
        own = entry.train_label is not None and split == "train"
        task = registered_task(name.replace("eval", "train") if own else name)

        def build(vocabulary):
            feature = seqio.Feature(vocabulary, add_eos=True)
            return task.replace(
                source=seqio.FunctionDataSource(data, splits=[split]),
                output_features={"inputs": feature, "targets": feature},
            )

        return Task(
            name=entry.name, family="t5", type=entry.type, splits={split: None}, build=build
        )

    return {split: of_split(split) for split in SPLITS}


def read(task, split, limit=None):
    return read_examples(task, split, ByteVocabulary(), 10_000, 10_000, limit, for_scoring=True)


def same_examples(ours, theirs):
    """Texts, tokens and their order are one."""
    assert len(ours) == len(theirs) > 0
    for side in ("inputs", "targets"):
        texts = [[getattr(example, side) for example in e.raw()] for e in (ours, theirs)]
        assert texts[0] == texts[1]
        assert texts[1] == [e.extra[f"{side}_pretokenized"].decode() for e in theirs.raw()]
        np.testing.assert_array_equal(getattr(ours, side).flat, getattr(theirs, side).flat)
        np.testing.assert_array_equal(getattr(ours, side).offsets, getattr(theirs, side).offsets)


def same_scores(ours, theirs, labels, seed=0):
    """Values are one to the bit, for answers of many kinds and shares of right ones."""
    rng = random.Random(seed)
    targets = [example.targets for example in ours.raw()]
    for right in (0.0, 0.5, 0.9, 1.0):
        wrote = [
            target if rng.random() < right else _said(rng, targets, labels) for target in targets
        ]
        values = []
        for examples in (ours, theirs):
            np.random.seed(0)  # t5's ROUGE resamples
            values.append(score(examples, wrote))
        assert values[0] == values[1]
        assert list(values[0]) == list(values[1])


def _said(rng, targets, labels):
    """What a model may write."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(targets)
    if kind == 1 and labels:
        return rng.choice(labels)
    return rng.choice(["", " ", "nan", "inf", "-1", "3.4", "1e400", "0", "the", text(rng)])


@every_plain
def test_random_rows(entry, ours):
    rows = rows_of(entry, 60)
    task, theirs = ours(entry, rows), of_t5(entry, rows)
    same_examples(read(task, "train"), read(theirs["train"], "train"))
    mine, reference = read(task, "validation"), read(theirs["validation"], "validation")
    same_examples(mine, reference)
    same_scores(mine, reference, entry.labels)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_rows(name, ours):
    entry = find_entry(name)
    rows = [row for row, _, _ in GOLDEN[name]]
    mine, reference = (
        read(task, "validation") for task in (ours(entry, rows), of_t5(entry, rows)["validation"])
    )
    same_examples(mine, reference)
    same_scores(mine, reference, entry.labels)


@pytest.mark.parametrize("count", [1, 2])
@every_plain
def test_scores_of_few_examples(entry, count, ours):
    rows = rows_of(entry, count, seed=1)
    if entry.also[0] == "super_glue_record":
        rows = [{**row, "answers": row["answers"][:1]} for row in rows]
    if entry.type == "regression" and count == 1:
        pytest.skip("there is no correlation of one number")
    task, theirs = ours(entry, rows), of_t5(entry, rows)["validation"]
    same_scores(read(task, "validation"), read(theirs, "validation"), entry.labels, seed=2)


def test_the_two_texts_whose_pronoun_is_not_where_they_say(ours):
    from spotfw.tasks.t5.coreference import _MISPLACED

    entry = find_entry("super_glue_wsc")
    (good, *_), label = rows_of(entry, 1), 1
    rows = [
        {**good, "text": text, "span2_text": "him", "span2_index": 3, "label": label}
        for text in _MISPLACED
    ]
    task, theirs = ours(entry, rows), of_t5(entry, rows)
    for split in SPLITS:
        same_examples(read(task, split), read(theirs[split], split))
        assert all(" *him* " in example.inputs for example in read(task, split).raw())


def _records(path):
    """A file's rows, read by nothing of ours."""
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]


@pytest.mark.slow
@every_plain
def test_real_rows(entry, shared, monkeypatch):
    folder = shared / "data" / entry.also[0]
    folder = folder if folder.is_dir() else shared / "data" / bindings.folder_name(entry.tfds)
    if not folder.is_dir():
        pytest.skip(f"no real rows of {entry.name} beside the repository")
    monkeypatch.setenv(bindings.VARIABLE, str(shared / "data"))
    for split in SPLITS:
        theirs = read(of_t5(entry, _records(folder / f"{split}.jsonl")[:300])[split], split)
        ours = read(to_task(entry), split, len(theirs))
        same_examples(ours, theirs)
        if split == "validation":
            same_scores(ours, theirs, entry.labels)


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: e.also[0])
def test_rows_of_tfds(entry):
    if entry.registered:  # made-up WSC has no pronoun where it says there is one
        pytest.skip("t5 stops at a made-up row of WSC")
    registered = registered_task(entry.name)

    source = entry.splits["validation"][0]
    reference = Task(
        name=entry.name, family="t5", type=entry.type, build=partial(copy_task, registered)
    )
    with tfds.testing.mock_data(num_examples=12):
        theirs = read_examples(reference, source, ByteVocabulary(), 200, 50)
    with tfds.testing.mock_data(num_examples=12):
        ours = read_examples(to_task(entry), "validation", ByteVocabulary(), 200, 50)
    for side in ("inputs", "targets"):
        np.testing.assert_array_equal(getattr(ours, side).flat, getattr(theirs, side).flat)
        np.testing.assert_array_equal(getattr(ours, side).offsets, getattr(theirs, side).offsets)
    if entry.examples is not None:
        same_examples(ours, theirs)
        same_scores(ours, theirs, entry.labels)
