"""A registered seqio task over the examples that ``seqio_cache_tasks`` wrote of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spotfw.errors import SpotError, UnknownName
from spotfw.tasks.rows.cached import VARIABLE, CachedSplit, cached_splits, check_records
from spotfw.tasks.seqio.compat import seqio, tf
from spotfw.tasks.seqio.copy import copy_task


def over_cache(task: Any, vocabulary: Any, folder: Path) -> Any:
    """The task as ``get_dataset(use_cached=True)`` reads it; in no registry.

    Its preprocessors are those behind its `seqio.CacheDatasetPlaceholder`, for what those before
    it made lies in the cache.

    Args:
      task: a registered `seqio.Task`.
      vocabulary: a seqio vocabulary, of which the tokens in the cache must be.
      folder: the task's cache.

    Raises:
      SpotError: it is registered without that placeholder, its tokens are of another
        vocabulary, or what the cache says of itself cannot be read.
      WrongUse: it is no text-to-text task.
    """
    if not task.supports_caching:
        raise SpotError(
            f"The seqio task {task.name!r} has a cache in {folder}, but no CacheDatasetPlaceholder "
            "among its preprocessors, so that nothing says which of them made it. Add one where "
            f"the cache was written, or take the folder out of the variable {VARIABLE}."
        )
    splits = cached_splits(folder)
    _check_vocabulary(task, vocabulary, folder, splits)
    source = CacheSource(task.name, folder, splits)
    copied = copy_task(task, vocabulary, source=source)
    return copied.replace(preprocessors=_behind(list(task.preprocessors)))


@contextlib.contextmanager
def not_as_registered(task: Any) -> Iterator[None]:
    """A context that says of a task over its cache that the two do not fit, where that is raised.

    Raises:
      SpotError: in place of what seqio or a preprocessor raised over a cache.
    """
    source = task.source
    try:
        yield
    except SpotError:
        raise
    except Exception as error:
        if not isinstance(source, CacheSource):
            raise
        what = " ".join(str(error).split())[:200]
        raise SpotError(
            f"The cache of the seqio task {task.name!r} in {source.folder} is not of the task as "
            f"it is registered now ({type(error).__name__}: {what}). Write it anew with seqio's "
            f"seqio_cache_tasks, or take its folder out of the variable {VARIABLE}."
        ) from error


class CacheSource(seqio.DataSource):  # type: ignore[misc]
    """A data source of a task's cache, read by seqio itself once its files are looked at.

    Args:
      task: the task's name, for messages.
      folder: with the cache.
      splits: by name.

    Attributes:
      folder: with the cache.
    """

    def __init__(self, task: str, folder: Path, splits: Mapping[str, CachedSplit]) -> None:
        super().__init__(splits=tuple(splits), caching_permitted=True)
        self._task = task
        self.folder = folder
        self._cached = splits

    @property
    def splits(self) -> Sequence[str]:
        return tuple(self._cached)

    @property
    def supports_arbitrary_sharding(self) -> bool:
        return False

    def list_shards(self, split: str) -> Sequence[str]:
        return [str(self.folder / name) for name in self._of(split).files]

    def num_input_examples(self, split: str) -> int:
        return self._of(split).examples

    def get_dataset(
        self,
        split: str = "train",
        shuffle: bool = True,
        seed: int | None = None,
        shard_info: Any = None,
        **_: Any,
    ) -> Any:
        check_records(self.folder, self._of(split))
        source = seqio.dataset_providers._CachedDataSource(str(self.folder), split)
        return source.get_dataset(split=split, shuffle=shuffle, seed=seed, shard_info=shard_info)

    def _of(self, split: str) -> CachedSplit:
        if split not in self._cached:
            raise UnknownName(f"split in the cache of {self._task}", split, self._cached)
        return self._cached[split]


def _behind(preprocessors: list[Any]) -> list[Any]:
    marks = [isinstance(p, seqio.CacheDatasetPlaceholder) for p in preprocessors]
    return preprocessors[marks.index(True) + 1 :]


def _check_vocabulary(
    task: Any, vocabulary: Any, folder: Path, splits: Mapping[str, CachedSplit]
) -> None:
    """Refuses tokens of another vocabulary; text in a cache becomes tokens when it is read."""
    for side, feature in task.output_features.items():
        passes = isinstance(feature.vocabulary, seqio.PassThroughVocabulary)
        kinds = {split.kinds.get(side, "string") for split in splits.values()}
        if passes or kinds <= {"string"} or _same(feature.vocabulary, vocabulary, task.name):
            continue
        raise SpotError(
            f"The cache of the seqio task {task.name!r} in {folder} holds tokens of another "
            f"vocabulary ({feature.vocabulary!s:.200}) than the model's ({vocabulary!s:.200}); "
            "sentinels (extra_ids) count. Take a model of that vocabulary (to look at the task, "
            "`spotfw tasks show --vocabulary FILE`), or take the folder out of the variable "
            f"{VARIABLE}: the examples then come from the task's source."
        )


def _same(theirs: Any, ours: Any, task: str) -> bool:
    sentencepiece = seqio.SentencePieceVocabulary
    if not (isinstance(theirs, sentencepiece) and isinstance(ours, sentencepiece)):
        return bool(theirs == ours)
    try:
        # By content, with the extra ids: seqio compares where they lie.
        return bool(theirs.sp_model == ours.sp_model)
    except (tf.errors.OpError, OSError) as error:
        what = " ".join(str(error).split())[:200]
        raise SpotError(
            f"The vocabulary of the seqio task {task!r} cannot be read ({what}), so that nothing "
            "says whether the tokens in its cache are the model's. Register the task with a "
            f"vocabulary that is here, or take its cache out of the variable {VARIABLE}."
        ) from error
