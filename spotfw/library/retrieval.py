"""Compares a query with a library's task embeddings (paper 3.1.3)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from spotfw.contracts import Array, SimilarityMetric
from spotfw.library.comparing import compare
from spotfw.library.index import Entry
from spotfw.prompts import same_model
from spotfw.ranking import Ranked, in_order


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
    ) -> tuple[Ranked, ...]:
        """The entries by falling similarity to a query [L, E] of their own shape.

        Args:
          query: the target's task embedding.
          metric: what compares.
          entries: those to compare with.
          read: the task embedding [L, E] of an entry.

        Raises:
          BrokenPart: the metric does not give one finite number for each entry.
          SpotError: a file is damaged.
        """
        similarities = self._similarities(query, metric, entries, read)
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

    def _similarities(
        self,
        query: Array,
        metric: SimilarityMetric,
        entries: Sequence[Entry],
        read: Callable[[Entry], Array],
    ) -> npt.NDArray[Any]:
        if not entries:
            return np.zeros(0)
        _, features = self._features.setdefault(id(metric), (metric, {}))
        for entry in entries:
            if entry.embedding_id not in features:
                features[entry.embedding_id] = metric.features(read(entry))
        stack = np.stack([features[entry.embedding_id] for entry in entries])
        return compare(metric, metric.features(query), stack)


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
    for entry in entries:
        why = None
        names = entry.provenance.model, model
        if not same_model(entry.provenance.fingerprint, fingerprint) or (
            # Neither says by its weights which model it is of: then their names must not differ.
            fingerprint is None and None not in names and len({*names}) > 1
        ):
            why = "of another model"
        elif (entry.length, entry.width) != shape:
            why = "of another length"
        elif task is not None and entry.provenance.task == task:
            why = "of the task itself"
        elif entry.id in ids:
            why = "excluded"
        if why is None:
            chosen.append(entry)
        else:
            left_out[why] = left_out.get(why, 0) + 1
    return chosen, left_out
