"""Splits tokenised in memory, and decoded texts scored against them."""

from __future__ import annotations

import json
import logging
from functools import partial
from types import SimpleNamespace
from typing import Any

import attrs
import numpy as np
import pytest

from spotfw.errors import SpotError, UnknownName
from spotfw.recipe.tuning import check_splits
from spotfw.tasks import Example, Task
from spotfw.tasks.draws import Draw
from spotfw.tasks.examples import read_examples
from spotfw.tasks.scores import score
from spotfw.tasks.scoring import Scorer, metric_functions
from spotfw.tasks.scoring.classes import MeanMulticlassF1
from spotfw.tasks.tables.source import load_task_file
from spotfw.tasks.tokens import Ragged
from spotfw.tasks.vocabulary import ByteVocabulary, SentencePieceVocabulary
from tests.places import ROOT

BYTES = ByteVocabulary()


def accuracy(targets: Any, predictions: Any) -> dict[str, float]:
    return {
        "accuracy": 100
        * float(np.mean([t == p for t, p in zip(targets, predictions, strict=True)]))
    }


def plain_task(
    rows: list[tuple[str, str]],
    *,
    labels: tuple[str, ...] = (),
    metrics: Any = (accuracy,),
    postprocess: Any = None,
    splits: tuple[str, ...] = ("train", "validation"),
) -> Task:
    return Task(
        name="toy",
        family="other",
        type="classification",
        labels=labels,
        splits=dict.fromkeys(splits),
        origin="a test",
        examples=lambda split: (Example(inputs=i, targets=t) for i, t in rows),
        score=Scorer(metrics, postprocess) if metrics else None,
    )


def seqio_task(
    rows: list[tuple[str, str]],
    *,
    labels: tuple[str, ...] = (),
    metrics: Any = (accuracy,),
    postprocess: Any = None,
    splits: tuple[str, ...] = ("train", "validation"),
    seeded: bool = True,
) -> Task:
    from spotfw.tasks.seqio.compat import seqio, tf

    def data(split: str, shuffle_files: bool, seed: int | None = None) -> Any:
        inputs, targets = zip(*rows, strict=True) if rows else ((), ())
        columns = {"inputs": list(inputs), "targets": list(targets)}
        types = {"inputs": tf.string, "targets": tf.string}
        columns = {k: tf.constant(v, types[k], (len(v),)) for k, v in columns.items()}
        return tf.data.Dataset.from_tensor_slices(columns)

    def unseeded(split: str, shuffle_files: bool) -> Any:
        return data(split, shuffle_files)

    def named(metric: Any) -> Any:
        """seqio looks at the arguments' names."""

        def function(targets: Any, predictions: Any) -> Any:
            return metric(targets, predictions)

        function.__name__ = metric.__name__
        return function

    def build(vocabulary: Any) -> Any:
        feature = seqio.Feature(vocabulary=vocabulary, add_eos=True)
        return seqio.Task(
            "toy",
            source=seqio.FunctionDataSource(data if seeded else unseeded, splits=splits),
            output_features={"inputs": feature, "targets": feature},
            preprocessors=[
                seqio.preprocessors.tokenize,
                seqio.preprocessors.append_eos_after_trim,
            ],
            postprocess_fn=postprocess,
            metric_fns=[m if "scores" in m.__code__.co_varnames else named(m) for m in metrics],
        )

    return Task(
        name="toy",
        family="other",
        type="classification",
        labels=labels,
        splits=dict.fromkeys(splits),
        origin="a test",
        build=build,
    )


@pytest.fixture(
    params=[plain_task, pytest.param(seqio_task, marks=pytest.mark.mesh)], ids=["plain", "seqio"]
)
def task_of(request: pytest.FixtureRequest) -> Any:
    """Makes a task of rows: in plain Python, and as a plugin that builds a seqio task does."""
    return request.param


def ids(text: str) -> list[int]:
    return [*BYTES.encode(text), 1]


def test_ragged_holds_sequences_of_any_length():
    rows = [np.array([1, 2], np.int32), np.array([], np.int32), np.array([3], np.int32)]
    ragged = Ragged.of(rows)
    assert [r.tolist() for r in ragged] == [[1, 2], [], [3]]
    assert ragged.lengths.tolist() == [2, 0, 1]
    assert (ragged.flat.dtype, ragged.offsets.dtype) == (np.int32, np.int64)
    assert ragged[2].tolist() == [3]
    with pytest.raises(IndexError):
        ragged[3]
    assert len(Ragged.of([])) == 0


@pytest.mark.parametrize(
    "make",
    [
        plain_task,
        pytest.param(seqio_task, marks=pytest.mark.mesh),
        pytest.param(partial(seqio_task, seeded=False), marks=pytest.mark.mesh),
    ],
)
def test_tokens_keep_their_order_and_end_with_eos(make):
    task = make([("abc", "x"), ("d", "yz")])
    examples = read_examples(task, "train", BYTES, 10, 10)
    assert [row.tolist() for row in examples.inputs] == [ids("abc"), ids("d")]
    assert [row.tolist() for row in examples.targets] == [ids("x"), ids("yz")]
    assert len(examples) == 2


def test_long_texts_are_cut_and_keep_eos(task_of):
    examples = read_examples(task_of([("abcdef", "uvw")]), "train", BYTES, 4, 3)
    assert examples.inputs[0].tolist() == ids("abc")
    assert examples.targets[0].tolist() == ids("uv")


def test_a_limit_takes_the_first(task_of):
    task = task_of([("a", "x"), ("b", "y"), ("c", "z")])
    examples = read_examples(task, "train", BYTES, 9, 9, 2)
    assert [row.tolist() for row in examples.inputs] == [ids("a"), ids("b")]


def test_a_draw_takes_the_same_rows_of_a_task_in_plain_python_and_of_seqios(task_of):
    rows = [(f"row {place}", "xy"[place < 30]) for place in range(40)]
    task = task_of(rows, labels=("x", "y"))
    draw = Draw(task=task, split="train", limit=4, seed=5)
    examples = read_examples(task, "train", BYTES, 9, 9, draw)
    texts = [BYTES.decode(row.tolist()) for row in examples.inputs]
    assert texts == ["row 10", "row 20", "row 23", "row 30"]
    assert [example.inputs for example in examples.raw()] == texts


def test_unknown_split_names_the_real_ones(task_of):
    with pytest.raises(UnknownName, match=r"'dev'.*Known: train, validation"):
        read_examples(task_of([("a", "x")]), "dev", BYTES, 9, 9)


def test_an_empty_split(task_of):
    with pytest.raises(SpotError, match="'train' of task 'toy' is empty"):
        read_examples(task_of([]), "train", BYTES, 9, 9)


def test_texts_without_tokens_are_named_and_left_out(task_of, caplog):
    task = task_of([("a", "x"), ("", "x"), ("b", ""), ("c", "x")])
    with caplog.at_level(logging.WARNING):
        examples = read_examples(task, "validation", BYTES, 9, 9)
    assert (len(examples), examples.dropped, len(examples.raw())) == (2, 2, 2)
    log = caplog.text
    assert "2 of 4 examples" in log
    assert "example 2 has no token of inputs; example 3 has no token of targets" in log


def test_a_split_of_which_most_texts_have_no_token_is_refused(task_of):
    with pytest.raises(SpotError, match=r"2 of 3 examples .* is not the task"):
        read_examples(task_of([("a", "x"), ("", "x"), ("b", "")]), "train", BYTES, 9, 9)


def test_all_text_cut_away(task_of):
    with pytest.raises(SpotError, match="within 1 input and 9 target tokens"):
        read_examples(task_of([("a", "x")]), "train", BYTES, 1, 9)


def test_a_task_file_lacks_a_split(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\ninputs = "{a}"\ntargets = "{b}"\n[splits]\ntrain = "t.csv"\n')
    (task,) = load_task_file(path)
    with pytest.raises(UnknownName, match=r"every checkpoint .*under \[splits\] of .*mine\.toml"):
        check_splits(task)


def test_labels_that_are_the_same_tokens(task_of):
    class Lossy(ByteVocabulary):
        def encode(self, text):
            return [2]

    task = task_of([("a", "\U0001f600")], labels=("\U0001f600", "\U0001f621"))
    assert len(read_examples(task, "train", BYTES, 9, 9)) == 1
    with pytest.raises(SpotError, match="same tokens to this model's vocabulary"):
        read_examples(task, "train", Lossy(), 9, 9)


def test_a_label_that_is_not_the_tasks(task_of):
    task = task_of([("a", "yes"), ("b", "maybe")], labels=("yes", "no"))
    with pytest.raises(SpotError, match=r"example 2 has the label 'maybe'.*yes, no"):
        read_examples(task, "train", BYTES, 9, 9)


def test_a_split_to_train_on_is_read_again_to_be_scored(task_of):
    examples = read_examples(task_of([("a", "x"), ("b", "y")]), "train", BYTES, 9, 9)
    assert score(examples, ["x", "no"]) == {"accuracy": 50.0}


@pytest.fixture
def validation(task_of: Any) -> Any:
    """Reads three examples of a task with metrics and a postprocessing."""

    def make(metrics: Any, postprocess: Any = None, rows: Any = None) -> Any:
        rows = rows or [("a", "1"), ("b", "2"), ("c", "3")]
        task = task_of(rows, metrics=metrics, postprocess=postprocess)
        return read_examples(task, "validation", BYTES, 9, 9)

    return make


@pytest.fixture
def metrics(task_of: Any) -> Any:
    """Ours in plain Python, t5's where the task is seqio's."""
    names = ("accuracy", "matthews_corrcoef", "pearson_corrcoef", "spearman_corrcoef")
    if task_of is plain_task:
        ours = dict(zip(names, metric_functions(names), strict=True))
        return SimpleNamespace(mean_f1=MeanMulticlassF1(3), **ours)
    from spotfw.tasks.seqio.compat import t5

    theirs = t5.evaluation.metrics
    return SimpleNamespace(
        accuracy=theirs.accuracy,
        matthews_corrcoef=theirs.sklearn_metrics_wrapper("matthews_corrcoef"),
        pearson_corrcoef=theirs.pearson_corrcoef,
        spearman_corrcoef=theirs.spearman_corrcoef,
        mean_f1=theirs.mean_multiclass_f1(num_classes=3),
    )


def number(text: str, **_: Any) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def test_correlation_with_a_constant_counts_as_nothing(validation, metrics, caplog):
    examples = validation([metrics.pearson_corrcoef, metrics.spearman_corrcoef], number)
    assert score(examples, ["1", "2", "3"]) == pytest.approx(
        {"pearson_corrcoef": 100, "spearman_corrcoef": 100}
    )
    with caplog.at_level(logging.WARNING):
        assert score(examples, ["2", "2", "2"]) == {"pearson_corrcoef": 0, "spearman_corrcoef": 0}
    assert "pearson_corrcoef of task 'toy', split 'validation', is undefined" in caplog.text


def test_not_a_number_and_infinity_count_as_no_number(validation, metrics):
    examples = validation([metrics.pearson_corrcoef], number)
    wrong = score(examples, ["nan", "2", "inf"])
    assert wrong == score(examples, ["-1", "2", "-1"])
    assert np.isfinite(wrong["pearson_corrcoef"])


def test_labels_never_seen_score_zero_without_a_warning(validation, metrics):
    wanted = [metrics.accuracy, metrics.mean_f1, metrics.matthews_corrcoef]
    examples = validation(wanted, lambda text, **_: "123".find(text) if text else -1)
    assert set(score(examples, ["?", "", "x"]).values()) == {0.0}


def test_postprocessing_sees_the_example_and_which_side_it_is(validation):
    seen = []

    def postprocess(text: str, example: Any = None, is_target: bool = False) -> str:
        plain = isinstance(example, Example)
        inputs = example.inputs.encode() if plain else bytes(example["inputs_pretokenized"])
        seen.append((text, inputs, is_target))
        return text

    score(validation([accuracy], postprocess, [("in", "out")]), ["said"])
    assert seen == [("out", b"in", True), ("said", b"in", False)]


def test_a_metric_that_fails_is_named(validation):
    def broken(targets: Any, predictions: Any) -> dict[str, float]:
        raise ZeroDivisionError("none")

    with pytest.raises(SpotError, match=r"broken cannot score 3 examples.*ZeroDivisionError: none"):
        score(validation([broken]), ["1", "2", "3"])


def test_tasks_that_cannot_be_scored_by_text(validation):
    with pytest.raises(SpotError, match="has no metric"):
        score(validation([]), ["1", "2", "3"])


@pytest.mark.mesh
def test_a_seqio_task_that_is_scored_by_likelihood_only():
    def likelihood(targets: Any, scores: Any) -> dict[str, float]:
        return {"likelihood": 0.0}

    task = seqio_task([("a", "1")], metrics=[likelihood])
    with pytest.raises(SpotError, match="need likelihoods"):
        score(read_examples(task, "validation", BYTES, 9, 9), ["1"])


@pytest.mark.mesh
def test_seqios_scalars_count_and_texts_do_not(validation):
    from spotfw.tasks.seqio.compat import seqio

    def rich(targets: Any, predictions: Any) -> dict[str, Any]:
        return {"a": seqio.metrics.Scalar(3), "b": seqio.metrics.Text("x"), "c": np.float32(2)}

    assert score(validation([rich]), ["1", "2", "3"]) == {"a": 3.0, "c": 2.0}


def test_as_many_texts_as_examples(validation):
    with pytest.raises(ValueError, match="2 texts for 3 examples"):
        score(validation([accuracy]), ["1", "2"])


def test_a_score_of_ones_own_needs_no_metric_functions():
    def longest(examples: Any, texts: Any) -> dict[str, float]:
        return {"longest": max(map(len, texts)), "asked": len(examples)}

    task = attrs.evolve(plain_task([("a", "1"), ("b", "2")]), score=longest)
    examples = read_examples(task, "validation", BYTES, 9, 9)
    assert score(examples, ["abc", ""]) == {"longest": 3.0, "asked": 2.0}


def test_a_task_gives_examples_or_builds():
    with pytest.raises(TypeError, match="'toy' needs examples and a score, or build"):
        Task(name="toy", family="other", type="text")


@pytest.mark.mesh
def test_data_that_cannot_be_read_is_reported():
    from spotfw.tasks.seqio.compat import seqio, tf

    def build(vocabulary: Any) -> Any:
        def data(split: str, shuffle_files: bool) -> Any:
            return tf.data.TFRecordDataset("nowhere.tfrecord").map(
                lambda _: {"inputs": tf.constant([1]), "targets": tf.constant([1])}
            )

        feature = seqio.Feature(vocabulary=vocabulary)
        source = seqio.FunctionDataSource(data, splits=("train",))
        return seqio.Task(
            "toy", source=source, output_features=dict.fromkeys(("inputs", "targets"), feature)
        )

    task = Task(name="toy", family="other", type="text", origin="a test", build=build)
    with pytest.raises(SpotError, match=r"'train' of task 'toy' cannot be read: .*nowhere"):
        read_examples(task, "train", BYTES, 9, 9)


REAL = ("customer_reviews", "sst2", "mrpc", "cb", "rte", "qqp", "mnli")

#: Labels of the data sets -> the single words that benchmarks/real_tasks has in their place.
WORDS = {
    "entailment": "yes",
    "neutral": "maybe",
    "contradiction": "no",
    "not_entailment": "no",
    "equivalent": "same",
    "not_equivalent": "different",
    "duplicate": "same",
    "not_duplicate": "different",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_real_data_on_the_real_vocabulary(name, shared):
    index = json.loads((shared / "data" / "index.json").read_text())
    path = ROOT / "benchmarks" / "real_tasks" / f"{name}.toml"
    (task,) = load_task_file(path)
    vocabulary = SentencePieceVocabulary(str(shared / "vocab" / "t5.model"), 100)
    facts = index[task.name]
    assert task.labels == tuple(WORDS.get(name, name) for name in facts["label_names"])
    examples = read_examples(task, "validation", vocabulary, 512, 16)
    assert len(examples) == facts["splits"]["validation"]
    right = [example.targets for example in examples.raw()]
    assert set(score(examples, right).values()) == {100.0}
    assert set(score(examples, [""] * len(right)).values()) == {0.0}
    # What the model must write decodes to the label.
    assert {vocabulary.decode(row.tolist()) for row in examples.targets} <= {*task.labels}
