"""Caches of ``seqio_cache_tasks``: their examples are read, and within bounds."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spotfw.errors import SpotError, UnknownName, WrongUse
from spotfw.tasks import Task
from spotfw.tasks.content import content_of
from spotfw.tasks.examples import read_examples
from spotfw.tasks.preview import preview
from spotfw.tasks.rows.cached import VARIABLE, cached_folder
from spotfw.tasks.scores import score
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.t5.catalogue import T5Tasks
from spotfw.tasks.t5.registry import SeqioRegistry
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary
from spotfw.tasks.whereabouts import whereabouts
from tests.places import ROOT

NAME = "spotfw_cached_reviews"
TEXTS = [("good film", "yes"), ("dull book", "no"), ("a play", "yes"), ("no", "no"), ("ü", "no")]


def _register(
    vocabulary: Any, name: str = NAME, placeholder: bool = True, required: bool = False
) -> Any:
    """A task whose source is gone once it is cached, with preprocessors on both sides of that."""

    def gone(split: str, shuffle_files: bool, seed: int | None = None) -> Any:
        raise AssertionError("the source is read")

    def same(targets: Any, predictions: Any) -> dict[str, float]:
        return {"same": float(targets == predictions)}

    seqio.TaskRegistry.add(
        name,
        source=seqio.FunctionDataSource(gone, splits=("train", "validation")),
        preprocessors=[
            seqio.preprocessors.tokenize,
            *([seqio.CacheDatasetPlaceholder(required)] if placeholder else []),
            seqio.preprocessors.append_eos_after_trim,
        ],
        metric_fns=[same],
        output_features=dict.fromkeys(("inputs", "targets"), seqio.Feature(vocabulary)),
    )
    return seqio.TaskRegistry.get(name)


def write_cache(task: Any, parent: Path, shards: int = 2) -> Path:
    """What ``seqio_cache_tasks`` writes, by the functions of seqio that it writes it by."""
    folder = parent / seqio.get_task_dir_from_name(task.name)
    folder.mkdir()
    for split in ("train", "validation"):
        columns = zip(*TEXTS if split == "train" else TEXTS[:2], strict=True)
        rows = dict(zip(("inputs", "targets"), map(list, columns), strict=True))
        dataset = task.preprocess_precache(tf.data.Dataset.from_tensor_slices(rows))
        examples = list(dataset.as_numpy_iterator())
        prefix = seqio.get_cached_tfrecord_prefix(str(folder), split)
        for shard in range(shards):
            with tf.io.TFRecordWriter(f"{prefix}-{shard:05d}-of-{shards:05d}") as writer:
                for example in examples[shard::shards]:
                    writer.write(seqio.dict_to_tfexample(example).SerializeToString())
        features = {
            key: {"shape": [None] * spec.shape.rank, "dtype": spec.dtype.name}
            for key, spec in dataset.element_spec.items()
        }
        info = {"num_shards": shards, "features": features, "seqio_version": seqio.__version__}
        Path(seqio.get_cached_info_path(str(folder), split)).write_text(json.dumps(info))
        stats = {"examples": len(examples)}
        Path(seqio.get_cached_stats_path(str(folder), split)).write_text(json.dumps(stats))
    (folder / "COMPLETED").write_text("")
    return folder


@pytest.fixture
def spelling(tiny_model: Path) -> str:
    return str(tiny_model / "spiece.model")


@pytest.fixture
def cache(spelling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the registered task's cache, which `VARIABLE` names."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    task = _register(seqio.SentencePieceVocabulary(spelling, 9))
    try:
        yield write_cache(task, tmp_path)
    finally:
        seqio.TaskRegistry.remove(NAME)


def known(name: str = NAME) -> Task:
    task = SeqioRegistry().find(name)
    assert isinstance(task, Task)
    return task


def test_the_examples_are_those_of_the_cache(cache: Path, spelling: str, tmp_path: Path) -> None:
    task, vocabulary = known(), SentencePieceVocabulary(spelling, 9)
    read = read_examples(task, "train", vocabulary, 6, 4)
    # As seqio itself reads it, in the same order.
    before = seqio.get_global_cache_dirs()
    seqio.set_global_cache_dirs([str(tmp_path)])
    try:
        lengths = {"inputs": 6, "targets": 4}
        registered = seqio.TaskRegistry.get(NAME)
        dataset = registered.get_dataset(lengths, "train", use_cached=True, shuffle=False)
        wanted = list(dataset.as_numpy_iterator())
    finally:
        seqio.set_global_cache_dirs(before)
    assert [row.tolist() for row in read.inputs] == [row["inputs"].tolist() for row in wanted]
    assert [row.tolist() for row in read.targets] == [row["targets"].tolist() for row in wanted]
    assert {e.inputs for e in read.raw()} == {text for text, _ in TEXTS}
    assert sorted(map(len, read.inputs))[-1] == 6 and all(row[-1] == 1 for row in read.inputs)
    # And scored as it is registered.
    looked_at = read_examples(task, "validation", vocabulary, 6, 4, for_scoring=True)
    assert score(looked_at, [e.targets for e in looked_at.raw()]) == {"same": 1.0}


def test_a_cache_that_seqio_cache_tasks_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    """``python -m seqio.scripts.cache_tasks_main --min_shards=2`` with Apache Beam 2.60."""
    monkeypatch.setenv(VARIABLE, str(ROOT / "tests" / "golden" / "seqio_cache"))
    name = "spotfw_golden_reviews"
    _register(seqio.ByteVocabulary(), name)
    try:
        task, vocabulary = known(name), ByteVocabulary()
        assert task.splits == {"train": 5, "validation": 2}
        read = read_examples(task, "train", vocabulary, 99, 9)
        assert {(e.inputs, e.targets) for e in read.raw()} == set(TEXTS)
        for example, ids in zip(read.raw(), read.inputs, strict=True):
            assert ids.tolist() == [*vocabulary.encode(example.inputs), 1]
    finally:
        seqio.TaskRegistry.remove(name)


def test_what_is_known_of_a_cached_task(cache: Path) -> None:
    task = known()
    assert task.splits == {"train": 5, "validation": 2} and task.training_size == 5
    assert task.origin == f"seqio cache {cache}"
    assert whereabouts(task) == ("seqio cache", str(cache))
    assert task.check is not None
    task.check(["train", "validation"])
    with pytest.raises(UnknownName, match="test"):
        task.check(["test"])


def test_a_change_of_the_cache_is_a_change_of_the_task(cache: Path) -> None:
    before = content_of(known())
    assert "train.tfrecord-00000-of-00002" in before and "info.train.json" in before
    files = [cache / f"train.tfrecord-0000{i}-of-00002" for i in (0, 1)]
    files[0].write_bytes(files[1].read_bytes())
    after = content_of(known())
    assert [k for k in before if before[k] != after[k]] == ["train.tfrecord-00000-of-00002"]


def test_tokens_of_another_vocabulary_are_refused(cache: Path, spelling: str) -> None:
    for other in (SentencePieceVocabulary(spelling, 10), ByteVocabulary()):
        with pytest.raises(SpotError, match=r"tokens of another vocabulary .*, extra_ids=9, "):
            read_examples(known(), "train", other, 6, 4)


def test_a_vocabulary_that_cannot_be_compared(tmp_path: Path, cache: Path, spelling: str) -> None:
    other = "spotfw_cached_elsewhere"
    task = _register(seqio.SentencePieceVocabulary(str(tmp_path / "gone.model")), other)
    os.rename(cache, tmp_path / other)
    try:
        with pytest.raises(SpotError, match=r"vocabulary of the seqio task .* cannot be read"):
            known(other).build(seqio.SentencePieceVocabulary(spelling, 9))
    finally:
        seqio.TaskRegistry.remove(task.name)


def test_text_in_a_cache_becomes_the_model_s_tokens(cache: Path, tmp_path: Path) -> None:
    """A task that makes tokens behind its placeholder goes with every model."""
    name, seen = "spotfw_cached_text", seqio.TaskRegistry.get(NAME)
    steps = [seqio.CacheDatasetPlaceholder(), *seen.preprocessors[:1], *seen.preprocessors[2:]]
    task = seqio.TaskRegistry.add(
        name, source=seen.source, preprocessors=steps, output_features=seen.output_features
    )
    try:
        write_cache(task, tmp_path)
        (shown,) = preview(known(name), "train", 1)
        assert (shown["inputs"], shown["targets"]) == TEXTS[0]
        read = read_examples(known(name), "train", ByteVocabulary(), 99, 9)
        assert read.inputs[0].tolist() == [*ByteVocabulary().encode(TEXTS[0][0]), 1]
    finally:
        seqio.TaskRegistry.remove(name)


def test_a_task_without_a_placeholder(cache: Path, tmp_path: Path, spelling: str) -> None:
    name = "spotfw_never_cached"
    _register(seqio.SentencePieceVocabulary(spelling, 9), name, placeholder=False)
    os.rename(cache, tmp_path / name)
    try:
        with pytest.raises(SpotError, match="no CacheDatasetPlaceholder"):
            read_examples(known(name), "train", SentencePieceVocabulary(spelling, 9), 6, 4)
    finally:
        seqio.TaskRegistry.remove(name)


def test_a_task_that_is_read_from_its_cache_alone(
    cache: Path, tmp_path: Path, spelling: str
) -> None:
    name, vocabulary = "spotfw_cache_required", SentencePieceVocabulary(spelling, 9)
    _register(seqio.SentencePieceVocabulary(spelling, 9), name, required=True)
    try:
        with pytest.raises(SpotError, match=f"only be read from its cache.*{VARIABLE}"):
            read_examples(known(name), "train", vocabulary, 6, 4)
        os.rename(cache, tmp_path / name)
        assert len(read_examples(known(name), "train", vocabulary, 6, 4)) == 5
    finally:
        seqio.TaskRegistry.remove(name)


def test_a_task_of_the_paper_is_read_from_its_cache(cache: Path, tmp_path: Path) -> None:
    assert "tfds" in T5Tasks().find("glue_cola").origin
    os.rename(cache, tmp_path / "glue_cola_v002")
    cola = T5Tasks().find("glue_cola")
    assert cola.makes_tokens and cola.splits["train"] == 5 and cola.family == "acceptability"
    assert known("glue_cola_v002").origin == cola.origin


def test_no_folder_and_no_whole_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached_folder(NAME) == cache
    assert [cached_folder(name) for name in ("..", "a/b", ":", "other")] == [None] * 4
    (cache / "COMPLETED").unlink()
    assert known().origin == "seqio"
    monkeypatch.setenv(VARIABLE, "gs://bucket/cache")
    with pytest.raises(WrongUse, match=f"{VARIABLE} names gs, which is no folder"):
        known()


def _info(cache: Path, **values: Any) -> None:
    path = cache / "info.train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def _features(shape: Any, kind: Any = "int32") -> dict[str, Any]:
    return {"features": {"inputs": {"shape": shape, "dtype": kind}}}


@pytest.mark.parametrize(
    "values",
    [
        {"num_shards": 10**9},
        {"num_shards": True},
        {"features": []},
        _features([None, 2**30]),
        _features([2**40]),
        _features([None, None]),
        _features([None, 0]),
        _features([None], "variant"),
        {"seqio_version": "no version"},
    ],
)
def test_what_a_cache_says_of_itself_has_bounds(
    cache: Path, spelling: str, values: dict[str, Any]
) -> None:
    _info(cache, **values)
    task = known()  # a listing goes on
    with pytest.raises(SpotError, match=r"info\.train\.json"):
        read_examples(task, "train", SentencePieceVocabulary(spelling, 9), 6, 4)


def _longer(path: Path) -> None:
    """A record that says it has 2^40 bytes, for which TensorFlow would make room."""
    path.write_bytes(struct.pack("<QI", 2**40, 0) + path.read_bytes()[12:])


def _piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _beside(path: Path) -> None:
    (path.parent / "train.tfrecord-x-of-9992").write_bytes(path.read_bytes())


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_longer, "longer than the file"),
        (_piped, "named pipe"),
        (_beside, "no file of this split"),
        (Path.unlink, "it is not there"),
        (lambda path: path.write_bytes(path.read_bytes()[:-3]), "longer than the file"),
        (lambda path: path.write_bytes(b""), "5 examples, and the files have 2"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"film", b"flim")), "cannot be"),
    ],
)
def test_records_have_bounds(cache: Path, spelling: str, spoil: Any, why: str) -> None:
    spoil(cache / "train.tfrecord-00000-of-00002")
    with pytest.raises(SpotError, match=why):
        read_examples(known(), "train", SentencePieceVocabulary(spelling, 9), 6, 4)


def test_a_cache_of_another_task(cache: Path, spelling: str) -> None:
    for split in ("train", "validation"):
        path = cache / f"info.{split}.json"
        text = path.read_text().replace('"targets"', '"answers"')
        path.write_text(text)
    with pytest.raises(SpotError, match="not of the task as it is registered now"):
        read_examples(known(), "train", SentencePieceVocabulary(spelling, 9), 6, 4)
