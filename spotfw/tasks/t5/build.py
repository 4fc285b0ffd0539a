"""A task of t5.data over a frozen model's vocabulary, its rows from a bound folder or TFDS.

Importing this module imports t5.data and TensorFlow. Text, scoring and post-processing are
t5's own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from spotfw.tasks.seqio.compat import seqio, t5, tf
from spotfw.tasks.seqio.copy import copy_task, local_source
from spotfw.tasks.seqio.registered import registered_task
from spotfw.tasks.seqio.source import NamedSplits, RowsSource
from spotfw.tasks.t5.entry import T5Entry
from spotfw.tasks.t5.rows import bound_folder, how_to_get, usable_rows


def build(entry: T5Entry, vocabulary: Any) -> Any:
    """The task as a `seqio.Task` that is in no registry.

    Raises:
      SpotError: when its data is read and is not there.
    """
    task = registered_task(entry.registered or entry.name)
    more = [getattr(t5.evaluation.metrics, name) for name in entry.more_metrics]
    return copy_task(
        task,
        vocabulary,
        name=entry.name,
        source=_source(entry, task.source),
        metric_fns=[*task.metric_fns, *more],
    )


def check_prepared(entry: T5Entry, splits: Sequence[str]) -> None:
    """Makes sure that TFDS has the splits on this machine.

    Raises:
      SpotError: it has not; the message says how to get them.
    """
    source = _source(entry, registered_task(entry.registered or entry.name).source)
    for split in splits:
        source.get_dataset(split=split, shuffle=False)


def _source(entry: T5Entry, of_t5: Any) -> Any:
    only = {}
    if entry.train_label is not None:
        only["train"] = functools.partial(_has_label, entry.train_label)
    if bound_folder(entry) is None:
        names = {split: name for split, (name, _) in entry.splits.items()}
        inner = local_source(of_t5, entry.name, how_to_get(entry))
    else:
        # Of MNLI, the folder may have one validation split for two: our names find it.
        names = {split: split for split in entry.splits}
        spec = of_t5.tfds_dataset.builder.info.features.get_tensor_spec()
        inner = RowsSource(tuple(entry.splits), functools.partial(usable_rows, entry), spec)
    return NamedSplits(inner, names, only)


def _has_label(label: int, row: Mapping[str, Any]) -> Any:
    return tf.equal(row["label"], tf.cast(label, row["label"].dtype))


__all__ = ["build", "check_prepared", "seqio"]
