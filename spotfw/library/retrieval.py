"""Compares a query with a library's task embeddings (paper 3.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.contracts import Array, SimilarityMetric, SourceTasks, TargetSignal
from spotfw.errors import BrokenPart
from spotfw.library.comparing import compare
from spotfw.library.drafts import task_hash
from spotfw.library.index import Entry
from spotfw.library.likely import largest, likely
from spotfw.library.segment import Kind
from spotfw.library.vectors import VectorIndex
from spotfw.prompts import same_model
from spotfw.ranking import Ranked, in_order

#: How many of the most alike are compared by their files, and not by an index of lower precision.
EXACT = 100
#: How many more than asked for, where an index rounds to float32.
_SLACK = 10
OF_TASK, EXCLUDED = "of the task itself", "excluded"

#: Similarities to embeddings by their ids, sorted, as an index knows them.
Known = tuple[npt.NDArray[np.uint64], npt.NDArray[np.float32]]


class Retriever:
    """Ranks entries, and keeps the features of their embeddings, which never change."""

    def __init__(self) -> None:
        # By the metric's identity, and the metric itself so that this stays its own.
        self._features: dict[int, tuple[SimilarityMetric, dict[str, Any]]] = {}

    def ranked(
        self,
        query: Array,
        metric: SimilarityMetric,
        entries: Sequence[Entry],
        read: Callable[[Entry], Array],
        known: Known | None = None,
        beside: SimilarityMetric | None = None,
    ) -> tuple[Ranked, ...]:
        """The entries by falling similarity to a query [L, E] of their own shape.

        Args:
          query: the target's task embedding.
          metric: what compares.
          entries: those to compare with.
          read: the prompt [L, E] of an entry that the metric looks at; see `looked_at`.
          known: similarities that need no reading, but for the most alike.
          beside: the metric as it knows the entries' tasks; see `knowing`.

        Raises:
          BrokenPart: the metric does not give one finite number for each entry.
          SpotError: a file is damaged.
        """
        similarities = (
            self._similarities(query, metric, entries, read, beside)
            if known is None
            else self._looked_up(query, metric, entries, read, known)
        )
        return in_order(
            Ranked(
                rank=0,
                id=entry.id,
                task=entry.provenance.task,
                family=entry.provenance.family,
                seed=entry.provenance.seed,
                similarity=float(similarity),
                score=entry.provenance.score,
            )
            for entry, similarity in zip(entries, similarities, strict=True)
        )

    def _looked_up(
        self,
        query: Array,
        metric: SimilarityMetric,
        entries: Sequence[Entry],
        read: Callable[[Entry], Array],
        known: Known,
    ) -> npt.NDArray[Any]:
        """Similarities as `known`; those of the most alike, and unknown ones, from the files."""
        ids, values = known
        wanted = np.array([int(entry.embedding_id, 16) for entry in entries], np.uint64)
        places = np.minimum(np.searchsorted(ids, wanted), max(len(ids) - 1, 0))
        sure = ids[places] == wanted if len(ids) else np.zeros(len(wanted), bool)
        similarities = np.full(len(entries), np.inf)
        similarities[sure] = values[places[sure]]
        first = np.argsort(-similarities, kind="stable")[: EXACT + int((~sure).sum())]
        chosen = [entries[place] for place in first]
        similarities[first] = self._similarities(query, metric, chosen, read)
        return similarities

    def _similarities(
        self,
        query: Array,
        metric: SimilarityMetric,
        entries: Sequence[Entry],
        read: Callable[[Entry], Array],
        beside: SimilarityMetric | None = None,
    ) -> npt.NDArray[Any]:
        if not entries:
            return np.zeros(0)
        if isinstance(metric, TargetSignal):
            # Bound to one target: what it gives is of no use for another.
            given = metric.signals([read(entry) for entry in entries])
            return compare(metric, np.zeros(1), _column(metric, given, len(entries)))
        _, features = self._features.setdefault(id(metric), (metric, {}))
        for entry in entries:
            if entry.embedding_id not in features:
                features[entry.embedding_id] = metric.features(read(entry))
        stack = np.stack([features[entry.embedding_id] for entry in entries])
        # Features are kept by the metric itself, which is the same for all rankings.
        return compare(beside or metric, metric.features(query), stack)


def looked_at(metric: SimilarityMetric, entry: Entry) -> str:
    """The file of an entry that a metric looks at: its task embedding, or what is started from."""
    return entry.id if isinstance(metric, TargetSignal) else entry.embedding_id


def knowing(
    metric: SimilarityMetric, entries: Sequence[Entry], target: str | None
) -> SimilarityMetric:
    """The metric as it knows which tasks these entries are of, where it looks at that."""
    if not isinstance(metric, SourceTasks):
        return metric
    return metric.with_sources([entry.provenance.task for entry in entries], target)


def _column(metric: SimilarityMetric, given: Any, count: int) -> npt.NDArray[Any]:
    signals = np.asarray(given, np.float64)
    if signals.shape != (count,):
        raise BrokenPart(
            f"The metric {metric.name!r} gave {given!r:.100} for {count} prompts where one number "
            "each was expected. Correct its signals."
        )
    return signals[:, None]


def comparable(
    entries: Iterable[Entry],
    shape: tuple[int, int],
    fingerprint: str | None,
    task: str | None = None,
    ids: Collection[str] = (),
    *,
    model: str | None = None,
) -> tuple[list[Entry], dict[str, int]]:
    """The entries that a query is compared with, and how many others are left out, by reason.

    Args:
      entries: all.
      shape: of the query, L and E.
      fingerprint: of the query's frozen model.
      model: its name, which identifies the model where no fingerprint is known.
      task: whose prompts are left out.
      ids: of entries that are left out.
    """
    chosen, left_out = [], dict[str, int]()
    reasons: dict[Kind, str | None] = {}
    for entry in entries:
        origin = entry.provenance
        kind = origin.fingerprint, origin.model, entry.length, entry.width
        if kind not in reasons:
            reasons[kind] = why_other(kind, (fingerprint, model, *shape))
        why = reasons[kind]
        if why is None and task is not None and origin.task == task:
            why = OF_TASK
        if why is None and entry.id in ids:
            why = EXCLUDED
        if why is None:
            chosen.append(entry)
        else:
            left_out[why] = left_out.get(why, 0) + 1
    return chosen, left_out


def why_other(kind: Kind, query: Kind) -> str | None:
    """Why prompts of a kind are not compared with a query of another; None where they are."""
    names = kind[1], query[1]
    if not same_model(kind[0], query[0]) or (
        # Neither says by its weights which model it is of: then their names must not differ.
        query[0] is None and None not in names and len({*names}) > 1
    ):
        return "of another model"
    return None if kind[2:] == query[2:] else "of another length"


def search(
    index: VectorIndex,
    query: npt.NDArray[Any],
    kind: Kind,
    count: int,
    task: str | None = None,
    ids: Collection[str] = (),
) -> tuple[list[str], dict[str, int]]:
    """The entries most like a query by an index, and how many are left out, by reason.

    Args:
      index: in line with the files.
      query: its vector [D].
      kind: of the query; others are left out.
      count: of the most alike; some more ids are given, about in order, to be compared exactly:
        as many as the rounding of the index makes possible.
      task, ids: as of `comparable`.
    """
    halves = index.in_halves
    products, rows = index.products(query, rough=halves), index.rows
    left_out = dict[str, int]()

    def leave_out(are_out: npt.NDArray[np.bool_], why: str) -> None:
        places = np.flatnonzero(are_out)
        count = int((products[places] > -np.inf).sum())
        if count:
            left_out[why] = left_out.get(why, 0) + count
            products[places] = -np.inf

    for place, other in enumerate(index.kinds):
        why = why_other(other, kind)
        if why is not None:
            leave_out(index.places == place, why)
    if task is not None:
        leave_out(index.tasks == task_hash(task), OF_TASK)
    if ids:
        numbers = np.array([int(id, 16) for id in ids], np.uint64)
        leave_out(np.isin(rows["id"], numbers), EXCLUDED)
    if halves:
        places = likely(index, query, products, count)
    else:
        places = largest(products, count + _SLACK)
        places = places[products[places] > -np.inf]
        places = places[np.argsort(-products[places], kind="stable")]
    return [f"{int(id):016x}" for id in rows["id"][places]], left_out
