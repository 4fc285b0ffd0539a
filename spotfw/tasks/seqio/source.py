"""Rows of Python as a seqio data source: what a folder or a function gives, as tf.data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from spotfw.errors import SpotError
from spotfw.tasks.seqio.compat import seqio, tf


class RowsSource(seqio.DataSource):  # type: ignore[misc]
    """A data source over a Python iterable of rows for each split.

    Args:
      splits: names of the splits.
      rows: opens a split; may raise `SpotError`, at once, when it cannot.
      spec: tensor spec of a row, dictionaries in dictionaries; a row may have more columns,
        which are passed over, and lack some, which become empty text, 0 or an empty list.
    """

    def __init__(
        self,
        splits: Sequence[str],
        rows: Callable[[str], Iterable[Mapping[str, Any]]],
        spec: Mapping[str, Any],
    ) -> None:
        super().__init__(splits=tuple(splits), caching_permitted=True)
        self._rows = rows
        self._spec = spec

    @property
    def splits(self) -> Sequence[str]:
        """Names of the splits."""
        return tuple(self._splits)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        return False

    def list_shards(self, split: str) -> Sequence[str]:
        return [split]

    def num_input_examples(self, split: str) -> int | None:
        """None: rows are counted by reading them."""
        del split
        return None

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: Any = None,
        **_: Any,
    ) -> Any:
        """The rows in their order; the order of training is drawn later, over examples."""
        del shuffle, seed, shard_info
        # Opened here, where an error is still the user's to read, and again at each reading.
        opened = [self._rows(split)]

        def generate() -> Any:
            for row in opened.pop() if opened else self._rows(split):
                yield _filled(row, self._spec)

        return tf.data.Dataset.from_generator(generate, output_signature=dict(self._spec))


class NamedSplits(seqio.DataSource):  # type: ignore[misc]
    """A source with splits under other names.

    Args:
      source: the source.
      names: our name -> its name.
    """

    def __init__(self, source: Any, names: Mapping[str, str]) -> None:
        super().__init__(splits=tuple(names), caching_permitted=True)
        self._source = source
        self._names = names

    @property
    def splits(self) -> Sequence[str]:
        """Our names of the splits."""
        return tuple(self._splits)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        return bool(self._source.supports_arbitrary_sharding)

    def list_shards(self, split: str) -> Sequence[str]:
        shards: Sequence[str] = self._source.list_shards(self._names[split])
        return shards

    def num_input_examples(self, split: str) -> int | None:
        count: int | None = self._source.num_input_examples(self._names[split])
        return count

    def get_dataset(self, split: str = "train", **kwargs: Any) -> Any:
        if split not in self._names:
            raise SpotError(f"There is no split {split!r}; there are {', '.join(self._names)}.")
        return self._source.get_dataset(split=self._names[split], **kwargs)


def _filled(row: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """The row's columns of the spec, with something empty for what it does not have."""
    return {key: _cell(row.get(key), part) for key, part in spec.items()}


def _cell(value: Any, spec: Any) -> Any:
    if isinstance(spec, Mapping):
        return _filled(value if isinstance(value, Mapping) else {}, spec)
    # Of a column that may be absent, blank text says the same, whatever the column's kind.
    if value is not None and value != "":
        return value
    if spec.shape.rank:
        return []
    return "" if spec.dtype == tf.string else spec.dtype.as_numpy_dtype(0)
