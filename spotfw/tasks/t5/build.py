"""Tasks of t5.data by way of seqio: rows that TFDS has prepared, and C4, whose text becomes tokens.

Importing this module imports t5.data and TensorFlow.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spotfw.errors import SpotError
from spotfw.tasks.rows.plain import plain
from spotfw.tasks.seqio.compat import tf
from spotfw.tasks.seqio.copy import copy_task, local_source
from spotfw.tasks.seqio.registered import registered_task
from spotfw.tasks.seqio.source import NamedSplits, RowsSource
from spotfw.tasks.t5.entry import T5Entry
from spotfw.tasks.t5.rows import bound_folder, how_to_get, usable_rows


def build(entry: T5Entry, vocabulary: Any) -> Any:
    """The registered task over a vocabulary, as a `seqio.Task` that is in no registry.

    Its rows are those of the bound folder, or TFDS's.

    Raises:
      SpotError: when its data is read and is not there.
    """
    task = _registered(entry)
    source = _prepared(entry)
    if bound_folder(entry) is not None:
        spec = task.source.tfds_dataset.builder.info.features.get_tensor_spec()
        source = RowsSource(tuple(entry.splits), functools.partial(usable_rows, entry), spec)
    return copy_task(
        task, vocabulary, name=entry.name, source=source, metric_fns=entry.score.metrics
    )


def prepared_rows(entry: T5Entry, split: str) -> Iterator[Mapping[str, Any]]:
    """The rows of a split that TFDS has prepared on this machine, as plain Python.

    Raises:
      SpotError: it has not, at once; or they cannot be read.
    """
    dataset = _prepared(entry).get_dataset(split=split, shuffle=False)

    def rows() -> Iterator[Mapping[str, Any]]:
        try:
            for row in dataset.as_numpy_iterator():
                yield plain(row)
        except tf.errors.OpError as error:
            what = " ".join(str(error.message).split())[:300]
            raise SpotError(
                f"The split {split!r} of task {entry.name!r} cannot be read: {what}. Check its "
                f"data (seqio (tfds {entry.tfds}))."
            ) from error

    return rows()


def check_prepared(entry: T5Entry, splits: Sequence[str]) -> None:
    """Makes sure that TFDS has the splits on this machine.

    Raises:
      SpotError: it has not; the message says how to get them.
    """
    source = _prepared(entry)
    for split in splits:
        source.get_dataset(split=split, shuffle=False)


def _registered(entry: T5Entry) -> Any:
    return registered_task(entry.registered or entry.name)


def _prepared(entry: T5Entry) -> Any:
    """TFDS's data under our names of the splits."""
    names = {split: name for split, (name, _) in entry.splits.items()}
    local = local_source(_registered(entry).source, entry.name, how_to_get(entry))
    return NamedSplits(local, names)
