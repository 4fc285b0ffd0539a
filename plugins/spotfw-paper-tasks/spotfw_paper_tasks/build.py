"""A data set as a task: facts for listings, a seqio task when asked for it."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from spotfw.tasks import Task
from spotfw.tasks.rows.bound import describe_columns
from spotfw.tasks.tables.answers import METRICS, ToLabel
from spotfw.tasks.tables.answers import metric_functions as metric_functions_of_t5
from spotfw_paper_tasks.dataset import Dataset
from spotfw_paper_tasks.examples import stream_examples
from spotfw_paper_tasks.rows import check_data, how_to_get, schema

if TYPE_CHECKING:
    import seqio


def to_task(dataset: Dataset) -> Task:
    """The data set as a task, without touching its data."""
    data = f"tfds {', '.join(dataset.tfds_names)}" if dataset.tfds_names else ""
    return Task(
        name=dataset.name,
        family=dataset.family,
        type=dataset.type,
        labels=dataset.labels,
        metrics=tuple(dataset.metrics),
        splits={name: split.rows for name, split in dataset.splits.items()},
        build=functools.partial(build, dataset),
        description=dataset.description,
        data=data or (dataset.published.address if dataset.published is not None else ""),
        licence=dataset.licence,
        citation=dataset.citation,
        groups=dataset.groups,
        check=functools.partial(_check, dataset),
        walk=functools.partial(stream_examples, dataset),
        train_examples=dataset.train_examples,
        how_to_get=how_to_get(dataset),
        columns=describe_columns(schema(dataset)),
    )


def build(dataset: Dataset, vocabulary: seqio.Vocabulary) -> seqio.Task:
    """A seqio task over the data set's examples; it is in no registry.

    Besides ``inputs`` and ``targets``, and both as text (``inputs_pretokenized``), an example
    has ``extra``, a JSON string.
    """
    from spotfw.tasks.seqio.compat import seqio, tf
    from spotfw.tasks.seqio.source import RowsSource

    text = tf.TensorSpec((), tf.string)
    feature = seqio.Feature(vocabulary=vocabulary, add_eos=True)
    return seqio.Task(
        dataset.name,
        source=RowsSource(
            tuple(dataset.splits),
            functools.partial(_rows, dataset),
            {"inputs": text, "targets": text, "extra": text},
        ),
        output_features={"inputs": feature, "targets": feature},
        preprocessors=[
            seqio.preprocessors.tokenize,
            seqio.preprocessors.append_eos_after_trim,
        ],
        postprocess_fn=Postprocess(dataset),
        metric_fns=metric_functions(dataset),
    )


@attrs.frozen(eq=False)
class Postprocess:
    """A data set's post-processor in seqio's convention, its example's ``extra`` as plain JSON."""

    dataset: Dataset

    def __call__(
        self, text: str, example: Mapping[str, Any] | None = None, is_target: bool = False
    ) -> Any:
        """What the metrics take for a text, the model's or (`is_target`) the right one."""
        if self.dataset.postprocess is None:
            labels = self.dataset.labels
            return ToLabel(labels)(text) if labels else text
        extra = {} if example is None else example.get("extra", {})
        if isinstance(extra, (str, bytes)):
            extra = json.loads(extra)
        whole = {**(example or {}), "extra": extra}
        return self.dataset.postprocess(text, example=whole, is_target=is_target)


def metric_functions(dataset: Dataset) -> list[Callable[..., Mapping[str, float]]]:
    """The metrics as functions of ``targets`` and ``predictions``; imports t5 for t5's own."""
    return [_metric(name, metric, dataset) for name, metric in dataset.metrics.items()]


def _metric(name: str, metric: Any, dataset: Dataset) -> Callable[..., Mapping[str, float]]:
    if isinstance(metric, str):
        return _of_t5(metric, len(dataset.labels))

    # seqio looks at the arguments' names.
    def named(targets: Sequence[Any], predictions: Sequence[Any]) -> Mapping[str, float]:
        values: Mapping[str, float] = metric(targets, predictions)
        return values

    named.__name__ = name
    return named


def _of_t5(name: str, labels: int) -> Callable[..., Mapping[str, float]]:
    from spotfw.tasks.seqio.compat import t5

    if name in METRICS:
        return metric_functions_of_t5([name], labels)[0]
    function: Callable[..., Mapping[str, float]] = getattr(t5.evaluation.metrics, name)
    return function


def _rows(dataset: Dataset, split: str) -> Iterator[dict[str, str]]:
    return (
        {"inputs": e.inputs, "targets": e.targets, "extra": json.dumps(dict(e.extra))}
        for e in stream_examples(dataset, split)
    )


def _check(dataset: Dataset, splits: Sequence[str]) -> None:
    for split in splits:
        check_data(dataset, split)
