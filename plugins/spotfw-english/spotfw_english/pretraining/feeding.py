"""Batches made ahead by worker processes, a few of them and no more."""

from __future__ import annotations

import collections
import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from spotfw_english.pretraining.batches import Batch, BatchMaker, Recipe

#: A worker's own.
_MAKERS: list[BatchMaker] = []


@contextlib.contextmanager
def batches(recipe: Recipe, first: int, workers: int) -> Iterator[Iterator[Batch]]:
    """The batches of steps from `first` on, in order.

    Args:
      recipe: what they depend on.
      first: step.
      workers: processes that make them ahead; 0 for none, each is then made when asked for.
    """
    steps = range(first, recipe.steps)
    if workers == 0:
        maker = BatchMaker(recipe)
        yield map(maker.batch, steps)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _begin, (recipe,))
    try:
        yield _ahead(pool, steps, 3 * workers)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ahead(pool: ProcessPoolExecutor, steps: range, depth: int) -> Iterator[Batch]:
    coming: collections.deque[Future[Batch]] = collections.deque()
    for step in steps:
        coming.append(pool.submit(_make, step))
        if len(coming) > depth:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def _begin(recipe: Recipe) -> None:
    _MAKERS.append(BatchMaker(recipe))


def _make(step: int) -> Batch:
    return _MAKERS[0].batch(step)
