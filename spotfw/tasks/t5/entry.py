"""A task of t5.data as a value: what there is to know of it without importing TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from spotfw.tasks.example import Example
from spotfw.tasks.rows.bound import Schema
from spotfw.tasks.rows.kinds import Kind
from spotfw.tasks.scoring import Scorer


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
      examples: a row's examples, as t5's preprocessor makes them; None of a task whose
        examples are tokens that only seqio makes (C4).
      score: t5's postprocessor and metrics.
      registered: the task in seqio's registry that has the data, where that is not `name`.
      train_label: the only label that is trained on, None for all (WSC).
      train_examples: training examples as published, where they are not as many as rows.
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
    examples: Callable[[Mapping[str, Any]], Iterable[Example]] | None
    score: Scorer
    licence: str
    citation: str
    groups: tuple[str, ...] = ("appendix B",)
    description: str = ""
    registered: str | None = None
    train_label: int | None = None
    train_examples: int | None = None
    fault: Callable[[Mapping[str, Any]], str | None] | None = None

    @property
    def schema(self) -> Schema:
        """What a row must hold."""
        return Schema(columns=self.columns, labels=self.labels)


def usual_splits(train: int, validation: int, test: int | None = None) -> dict[str, Any]:
    """Splits under TFDS's own names, with their rows as published."""
    splits = {"train": ("train", train), "validation": ("validation", validation)}
    return splits if test is None else {**splits, "test": ("test", test)}
