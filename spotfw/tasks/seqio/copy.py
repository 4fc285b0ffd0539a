"""A copy of a registered seqio task over another vocabulary: same source, texts and scoring."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

from spotfw.errors import SpotError, WrongUse
from spotfw.tasks.rows.cached import VARIABLE
from spotfw.tasks.rows.getting import prepare
from spotfw.tasks.seqio.compat import seqio


def copy_task(
    task: Any,
    vocabulary: Any,
    *,
    name: str | None = None,
    source: Any = None,
    metric_fns: Sequence[Any] | None = None,
) -> Any:
    """The task with its text features over `vocabulary`; in no registry.

    Args:
      task: a registered `seqio.Task`.
      vocabulary: a seqio vocabulary.
      name, source, metric_fns: in place of the task's own. Its own source then reads only
        data that is already on this machine.

    Raises:
      SpotError: its own source is wanted, and it can only be read from a cache.
      WrongUse: it is no text-to-text task.
    """
    if source is None and task.requires_caching:
        raise SpotError(
            f"The seqio task {task.name!r} can only be read from its cache (its "
            "CacheDatasetPlaceholder says required=True), and there is none. Write one with "
            "seqio's seqio_cache_tasks, and name its --output_cache_dir in the variable "
            f"{VARIABLE}."
        )
    missing = {"inputs", "targets"} - set(task.output_features)
    if missing:
        raise WrongUse(
            f"The seqio task {task.name!r} has no feature {' or '.join(sorted(missing))}, which "
            "a text-to-text model needs. Choose another task."
        )
    features = {
        key: feature
        if isinstance(feature.vocabulary, seqio.PassThroughVocabulary)
        else dataclasses.replace(feature, vocabulary=vocabulary)
        for key, feature in task.output_features.items()
    }
    return task.replace(
        name=name or task.name,
        source=source or local_source(task.source, task.name),
        output_features=features,
        metric_fns=list(task.metric_fns if metric_fns is None else metric_fns),
    )


def local_source(source: Any, task: str, how_to_get: str = "") -> Any:
    """A source that reads only data that is already on this machine, and says how to get it.

    Args:
      source: a task's own source.
      task: the task's name, for messages.
      how_to_get: sentences on it; by default that TFDS can prepare it.
    """
    return _LocalSource(source, task, how_to_get)


class _LocalSource(seqio.DataSource):  # type: ignore[misc]
    """A data source that is never downloaded, and says how to get it where it is absent."""

    def __init__(self, source: Any, task: str, how_to_get: str) -> None:
        super().__init__(splits=(), caching_permitted=source.caching_permitted)
        self._source = _read_only(source)
        self._task = task
        self._how_to_get = how_to_get

    @property
    def splits(self) -> Sequence[str]:
        """Names of the splits; empty where TFDS does not know them without its data."""
        return tuple(self._source.splits)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        return bool(self._source.supports_arbitrary_sharding)

    def list_shards(self, split: str) -> Sequence[str]:
        shards: Sequence[str] = self._source.list_shards(split)
        return shards

    def num_input_examples(self, split: str) -> int | None:
        try:
            count: int | None = self._source.num_input_examples(split)
        except (KeyError, ValueError):  # TFDS knows no splits without its data
            return None
        return count

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: Any = None,
        **_: Any,
    ) -> Any:
        if isinstance(self._source, seqio.FunctionDataSource):
            seed = None  # many functions take none, and spotfw draws its own order
        try:
            return self._source.get_dataset(
                split=split, shuffle=shuffle, seed=seed, shard_info=shard_info
            )
        except SpotError:
            raise
        except Exception as error:
            raise self._absent(split, error) from error

    def _absent(self, split: str, error: Exception) -> SpotError:
        what = " ".join(str(error).split())[:300]
        loader = getattr(self._source, "tfds_dataset", None)
        if loader is None:
            return SpotError(
                f"The data of the seqio task {self._task!r}, split {split!r}, cannot be read: "
                f"{type(error).__name__}: {what}. See its source: {self._source!r:.200}."
            )
        how = self._how_to_get or (
            f"Where there is a network, {prepare([loader.name])}; or describe files of your own in "
            "a task file (docs/tasks.md)."
        )
        # An AssertionError is how TFDS says just that; of another one the reason is news.
        why = "" if isinstance(error, AssertionError) else f" ({type(error).__name__}: {what})"
        return SpotError(
            f"The data of the seqio task {self._task!r}, split {split!r}, is not on this machine"
            f"{why}. {how}"
        )


def _read_only(source: Any) -> Any:
    """A TFDS source that does not download what is absent; any other source as it is."""
    loader = getattr(source, "tfds_dataset", None)
    if loader is None:
        return source
    # seqio takes `read_only` only when a source is made, and does not give back all that
    # one was made of; copies share what is not changed.
    source, loader = copy.copy(source), copy.copy(loader)
    loader._read_only = True
    source._tfds_dataset = loader
    return source
