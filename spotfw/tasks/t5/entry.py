"""A task of t5.data as a value: what there is to know of it without importing TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from spotfw.tasks.rows.bound import Schema
from spotfw.tasks.rows.kinds import Kind


@attrs.frozen(kw_only=True, eq=False)
class T5Entry:
    """A data set that t5.data has as a task.

    Attributes:
      name: t5's name of the task.
      also: other names it is found by, the short one first; also those of a bound folder.
      family, type, labels, metrics, licence, citation, groups, description: as in
        `spotfw.tasks.Task`.
      tfds: the TFDS data set that t5 reads, with its version.
      splits: our name -> the data's name and its rows as published.
      columns: what a row must hold, as in `bound_rows.Schema`.
      registered: the task to copy from seqio's registry, where that is not `name`.
      train_label: the only label that is trained on, None for all (WSC).
      each: the column of a list each of whose elements gives an example (ReCoRD's answers).
      train_examples: training examples as published, where they are not as many as rows.
      more_metrics: metrics t5 does not register with the task, by t5.evaluation.metrics' names.
      fault: what else is wrong with a row, None where nothing is. Some preprocessors of t5
        stop all reading at a row that is not as they expect.
    """

    name: str
    also: tuple[str, ...]
    family: str
    type: str
    labels: tuple[str, ...] = ()
    metrics: tuple[str, ...]
    tfds: str
    splits: Mapping[str, tuple[str, int | None]]
    columns: Mapping[str, Kind]
    licence: str
    citation: str
    groups: tuple[str, ...] = ("appendix B",)
    description: str = ""
    registered: str | None = None
    train_label: int | None = None
    each: str | None = None
    train_examples: int | None = None
    more_metrics: tuple[str, ...] = ()
    fault: Callable[[Mapping[str, Any]], str | None] | None = None

    @property
    def schema(self) -> Schema:
        """What a row must hold."""
        return Schema(columns=self.columns, labels=self.labels)


def usual_splits(train: int, validation: int, test: int | None = None) -> dict[str, Any]:
    """Splits under TFDS's own names, with their rows as published."""
    found = {"train": ("train", train), "validation": ("validation", validation)}
    return found if test is None else {**found, "test": ("test", test)}
