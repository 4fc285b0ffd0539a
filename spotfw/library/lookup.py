"""A ranking made of a library's files or, where it is large, of its vectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from spotfw import files
from spotfw.contracts import Array, SimilarityMetric, SourceTasks
from spotfw.errors import SpotError
from spotfw.library.headers import summarize
from spotfw.library.index import Entry, as_entry
from spotfw.library.kept import KeptVectors
from spotfw.library.retrieval import EXACT, Retriever, comparable, knowing, looked_at, search
from spotfw.library.vectors import VectorIndex
from spotfw.prompts import SoftPrompt
from spotfw.ranking import Ranking

#: How often a ranking is made again where entries go meanwhile.
LOOKS = 3


class Gone(SpotError):
    """An entry was removed by another process since it was listed."""


class Lookup:
    """The part of a `Library` that ranks."""

    _retriever: Retriever
    _kept: KeptVectors
    _indexed: bool

    def path(self, id: str) -> str:
        """Where the file of an id stands."""
        raise NotImplementedError

    def entries(self) -> list[Entry]:
        """All entries."""
        raise NotImplementedError

    def _read(self, id: str) -> SoftPrompt:
        raise NotImplementedError

    def _ranked(
        self,
        query: SoftPrompt,
        metric: SimilarityMetric,
        fingerprint: str | None,
        excluded: tuple[str | None, Collection[str]],
        name: str,
        entries: Iterable[Entry] | None,
        top: int | None,
    ) -> Ranking:
        """As `rank`; `Gone` where another process removed an entry meanwhile."""
        shape, model = (query.length, query.width), query.provenance.model
        index = None if isinstance(metric, SourceTasks) else self._vectors(metric)
        left_out = None
        values = dict[str, SoftPrompt]()
        if index is not None and entries is None and top is not None:
            kind = fingerprint, model, *shape
            vector = metric.features(query.array)
            ids, left_out = search(index, vector, kind, top, *excluded)
            entries = []
            for id in ids:
                value = self._of(id, id)
                entry = self._entry(id, value)
                entries.append(entry)
                # A prompt may be its own embedding. Half precision leaves a thousand possible where
                # many are alike: those are not all held, but read again.
                if looked_at(metric, entry) == id and len(values) < top + EXACT:
                    values[id] = value
        chosen, others = comparable(
            self.entries() if entries is None else entries,
            shape,
            fingerprint,
            *excluded,
            model=model,
        )
        known = None
        if index is not None and left_out is None:
            known = index.similarities(metric.features(query.array))

        def read(entry: Entry) -> Array:
            id = looked_at(metric, entry)
            return (values[id] if id in values else self._of(entry.id, id)).array

        beside = knowing(metric, chosen, query.provenance.task or excluded[0])
        items = self._retriever.ranked(query.array, metric, chosen, read, known, beside)
        note = getattr(beside, "note", "")
        return Ranking(
            items=items[:top],
            metric=metric.name,
            measure=metric.measure,
            query=name,
            left_out=others if left_out is None else left_out,
            notes=(note,) if note and isinstance(note, str) else (),
        )

    def _entry(self, id: str, value: SoftPrompt) -> Entry:
        """The entry of a value's file."""
        entry = as_entry(id, summarize(value))
        if entry is None:
            raise SpotError(f"The library's file {self.path(id)} is no entry. Rank again.")
        return entry

    def _of(self, value: str, id: str) -> SoftPrompt:
        """A file of an entry; `Gone` where the entry is there no more."""
        try:
            return self._read(id)
        except SpotError as error:
            if files.exists(self.path(value)):
                raise
            raise Gone(str(error)) from error

    def _vectors(self, metric: SimilarityMetric) -> VectorIndex | None:
        """The metric's vectors of a large library; see `KeptVectors.of`."""
        return self._kept.of(metric) if self._indexed else None
