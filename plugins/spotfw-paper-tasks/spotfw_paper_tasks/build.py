"""A data set as a task: facts for listings, examples and scores when asked for them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from spotfw.tasks import Example, Task
from spotfw.tasks.rows.bound import describe_columns
from spotfw.tasks.scoring import Scorer, ToLabel
from spotfw.tasks.scoring import metric_functions as metric_functions_of_t5
from spotfw_paper_tasks.dataset import Dataset, Metric
from spotfw_paper_tasks.examples import stream_examples
from spotfw_paper_tasks.rows import check_data, content, how_to_get, schema


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
        examples=functools.partial(stream_examples, dataset),
        score=functools.partial(score, dataset),
        description=dataset.description,
        data=data or (dataset.published.address if dataset.published is not None else ""),
        licence=dataset.licence,
        citation=dataset.citation,
        groups=dataset.groups,
        check=functools.partial(_check, dataset),
        train_examples=dataset.train_examples,
        how_to_get=how_to_get(dataset),
        columns=describe_columns(schema(dataset)),
        content=functools.partial(content, dataset),
    )


def score(dataset: Dataset, examples: Sequence[Example], texts: Sequence[str]) -> Mapping[str, Any]:
    """Each metric's value for what was written."""
    return Scorer(metric_functions(dataset), Postprocess(dataset))(examples, texts)


@attrs.frozen(eq=False)
class Postprocess:
    """A data set's postprocessor."""

    dataset: Dataset

    def __call__(self, text: str, example: Example | None = None, is_target: bool = False) -> Any:
        """What the metrics take for a text, the model's or (`is_target`) the right one."""
        if self.dataset.postprocess is None:
            labels = self.dataset.labels
            return ToLabel(labels)(text) if labels else text
        return self.dataset.postprocess(text, example=example, is_target=is_target)


def metric_functions(dataset: Dataset) -> list[Metric]:
    """The metrics as functions of targets and predictions."""
    return [_metric(name, metric, dataset) for name, metric in dataset.metrics.items()]


def _metric(name: str, metric: Metric | str, dataset: Dataset) -> Metric:
    if isinstance(metric, str):
        return metric_functions_of_t5([metric], len(dataset.labels))[0]

    def named(targets: Sequence[Any], predictions: Sequence[Any]) -> Mapping[str, float]:
        return metric(targets, predictions)

    named.__name__ = name
    return named


def _check(dataset: Dataset, splits: Sequence[str]) -> None:
    for split in splits:
        check_data(dataset, split)
