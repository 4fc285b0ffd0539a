"""Which examples of a split a limit leaves: drawn by a seed, alike in every engine.

A file's first rows may all be of one class, so they do not stand for the file. Each example has
a random number that depends on the seed and on its place in the data alone, and of each label
the examples with the smallest numbers are taken, as many as the label's share says. So

- a larger limit has every example of a smaller one,
- a label's examples are its share of the limit, to within one,
- examples of one group (the answers to one question, which are scored together) come together,
- the order of the data stays.

The split is read once, and at most `limit` examples of each label are held meanwhile. Of a split
with more than `WINDOW` examples the first `WINDOW` are drawn from, so that a stream without end
can be limited too.
"""

from __future__ import annotations

import heapq
import itertools
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

import attrs
import numpy as np
import numpy.typing as npt

from spotfw.errors import Once
from spotfw.tasks.example import Example
from spotfw.tasks.task import Task, labels_in

_log = logging.getLogger(__name__)

T = TypeVar("T")

#: Examples that are drawn from: the artificial size limit K of the paper's mixtures.
WINDOW = 2**19

#: Seed of every limit but that of training examples: scores of all runs are on the same rows.
EVALUATION_SEED = 0

#: The purpose that a stream of random bits has here, next to those of `spotfw.tasks.batches`.
_DRAW = 3

#: Labels named in a message.
_SHOWN = 10

#: Messages that were logged.
_logged = Once()


@attrs.frozen(kw_only=True)
class Draw:
    """A limit on the examples of a task's split.

    Attributes:
      task, split: whose examples are drawn.
      limit: most examples, 1 or more.
      seed: of the draw, 0 or more.
      window: examples that are drawn from, counted from the first.
    """

    task: Task
    split: str
    limit: int
    seed: int = EVALUATION_SEED
    window: int = WINDOW

    def choose(self, items: Iterable[T], example: Callable[[T], Example]) -> list[T]:
        """The items of the drawn examples, in their order; warns of labels that none has.

        Args:
          items: of all examples, in the order of the data.
          example: an item's example.
        """
        source = iter(items)
        group = getattr(self.task.score, "group", None)
        pool: _Pool[T] = _Pool(self.limit, self.seed)
        targets: Counter[str] = Counter()
        for item in itertools.islice(source, max(self.window, self.limit)):
            asked = example(item)
            target = asked.targets if self.task.labels else ""
            targets[target] += 1
            key = None if group is None else group(asked)
            # Groups hold several labels: they are drawn from among all groups.
            pool.add(item, target if key is None else "", key)
        chosen = pool.chosen()
        beyond = next(source, None) is not None
        self._warn(targets, {example(item).targets for item in chosen}, beyond)
        return chosen

    def _warn(self, targets: Mapping[str, int], kept: Iterable[str], beyond: bool) -> None:
        """Says which labels of the split the limit leaves out, and what was not drawn from."""
        name = "max_train_examples" if self.split == "train" else "max_eval_examples"
        where = f"The limit of {self.limit:,} examples ({name}) of the split {self.split!r}"
        messages = []
        if beyond:
            messages.append(
                f"{where} of task {self.task.name!r} draws from its first "
                f"{max(self.window, self.limit):,} examples; there are more, which are not looked "
                "at."
            )
        labels = self.task.labels
        left_out = _labels(targets, labels) - _labels(kept, labels)
        missing = [label for label in labels if label in left_out]
        if missing:
            names = ", ".join(repr(label) for label in missing[:_SHOWN])
            more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
            messages.append(
                f"{where} of task {self.task.name!r} leaves no example with the label "
                f"{names}{more}, though the split has some among its {sum(targets.values()):,}. "
                "Raise the limit, or take it away."
            )
        for message in messages:
            if _logged.first(message):
                _log.warning("%s", message)


def limited(
    items: Iterable[T], limit: int | Draw | None, example: Callable[[T], Example]
) -> Iterable[T]:
    """Items of a split within a limit.

    Args:
      items: of all examples, in the order of the data.
      limit: a draw, or how many of the first; None for all.
      example: an item's example.
    """
    if isinstance(limit, Draw):
        return limit.choose(items, example)
    return items if limit is None else itertools.islice(items, limit)


def shares(counts: npt.ArrayLike, limit: int) -> npt.NDArray[np.int64]:
    """How many of each class a sample holds: its share to within one, and more in a larger one.

    The quota method of apportionment (Balinski and Young 1975), which alone of those that keep
    to each share never takes a seat away when the house grows.

    Args:
      counts: members of each class, int [K].
      limit: size of the sample, at most the sum of `counts`.

    Returns:
      int64 [K], which sums to `limit`.
    """
    sizes = np.asarray(counts, np.int64)
    total = int(sizes.sum())
    if not 0 <= limit <= total:
        raise ValueError(f"a sample of {limit} of {total}")
    if len(sizes) < 2:
        return sizes * 0 + limit
    taken = np.zeros(len(sizes), np.int64)
    for house in range(1, limit + 1):
        below = taken * total < sizes * house  # one more would not exceed the share rounded up
        taken[int(np.argmax(np.where(below, sizes / (taken + 1), -1.0)))] += 1
    return taken


@attrs.define(eq=False)
class _Unit(Generic[T]):
    """What is drawn as a whole: an example, or all examples of a group.

    Attributes:
      rank: random; the units with the smallest are taken.
      group: None of an example that stands for itself.
      members: places in the data and items.
    """

    rank: tuple[int, int]
    group: Hashable
    members: list[tuple[int, T]]

    def __lt__(self, other: _Unit[T]) -> bool:
        """The one that is taken last is at the front of a heap."""
        return self.rank > other.rank


class _Pool(Generic[T]):
    """The units of each stratum that a draw may take, at most `limit` of each."""

    def __init__(self, limit: int, seed: int) -> None:
        self._limit = limit
        self._numbers = _numbers(seed)
        self._place = itertools.count()
        self._ordinal = itertools.count()
        self._strata: dict[str, list[_Unit[T]]] = {}
        self._counts: Counter[str] = Counter()
        self._groups: dict[Hashable, _Unit[T] | None] = {}

    def add(self, item: T, stratum: str, group: Hashable) -> None:
        """One more item; `group` is None of an example that stands for itself."""
        place = next(self._place)
        self._counts[stratum] += 1
        if group is not None and group in self._groups:
            known = self._groups[group]
            if known is not None:  # else it was dropped before
                known.members.append((place, item))
            return
        rank = next(self._numbers), next(self._ordinal)
        unit = _Unit(rank, group, [(place, item)])
        units = self._strata.setdefault(stratum, [])
        if group is not None:
            self._groups[group] = unit
        if len(units) < self._limit:
            heapq.heappush(units, unit)
            return
        dropped = heapq.heappushpop(units, unit)
        if dropped.group is not None:
            self._groups[dropped.group] = None

    def chosen(self) -> list[T]:
        """The items that are drawn, in the order of the data."""
        names = sorted(self._strata)
        counts = [self._counts[name] for name in names]
        quotas = shares(counts, min(self._limit, sum(counts))).tolist()
        taken: list[tuple[int, T]] = []
        for name, quota in zip(names, quotas, strict=True):
            units = sorted(self._strata[name], key=lambda unit: unit.rank)
            taken += _filled(units, quota)
        return [item for _, item in sorted(taken, key=lambda member: member[0])]


def _filled(units: Iterable[_Unit[T]], most: int) -> list[tuple[int, T]]:
    """The members of the first units that fit; a first one that does not is cut."""
    taken: list[tuple[int, T]] = []
    for unit in units:
        if len(taken) + len(unit.members) > most:
            return taken or unit.members[:most]
        taken += unit.members
    return taken


def _numbers(seed: int) -> Iterator[int]:
    """Random whole numbers below 2^64; the stream of Philox is NumPy's promise."""
    bits = np.random.Philox(np.random.SeedSequence([_DRAW, seed]))
    while True:
        yield from bits.random_raw(1024).tolist()


def _labels(targets: Iterable[str], labels: tuple[str, ...]) -> set[str]:
    """The labels that some target names."""
    return {label for target in targets for label in labels_in(target, labels)}
