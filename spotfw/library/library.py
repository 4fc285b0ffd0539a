"""A library of prompts: each entry a task embedding (the key) and the best prompt (the value).

The folder, local or in a bucket, holds ordinary prompt files named by the hash of their
bytes and never overwritten. An entry is a value whose provenance names its key, written
after it: a writer killed in between leaves no half entry, and any number of processes
may add at once. `index.json` only saves reading headers: it follows the files that come and
go, and `Library.verify` makes it again from the files of a sound library.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from itertools import starmap
from typing import Any, Protocol

import attrs

from spotfw import files
from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import SpotError, WrongUse
from spotfw.files import locked
from spotfw.library.check import Problem, check_pair, to_remove
from spotfw.library.index import (
    ITSELF,
    Entry,
    as_entry,
    completed,
    marked,
    save_index,
    unknown_entry,
)
from spotfw.library.kept import KeptVectors
from spotfw.library.lookup import LOOKS, Gone, Lookup
from spotfw.library.retrieval import Retriever
from spotfw.library.segment import FLOAT32
from spotfw.library.store import SUFFIX, Store
from spotfw.library.upkeep import Upkeep
from spotfw.prompts import SoftPrompt, same_model
from spotfw.ranking import Ranked, Ranking

__all__ = ["Entry", "Library", "Problem", "Ranked", "Ranking", "open_library"]


class Hooks(Protocol):
    """Calls a hook in every plugin, as `spotfw.plugins.Plugins` does."""

    def call(self, hook: str, **values: Any) -> None: ...


class Library(Upkeep, Lookup):
    """A folder of prompts.

    Args:
      folder: local or ``gs://``; made by the first `add`.
      plugins: whose hook ``spotfw_prompt_added`` is called for each new entry; by default none.
      indexed: write what is known of the files where it is out of date; if False, reading
        writes nothing.
      precision: of the vectors that a large library keeps on disk, ``float32`` or
        ``bfloat16``, which takes half the memory. The most alike are compared exactly.

    Raises:
      WrongUse: the folder is a file.
    """

    def __init__(
        self,
        folder: files.PathLike,
        *,
        plugins: Hooks | None = None,
        indexed: bool = True,
        precision: str = FLOAT32,
    ) -> None:
        self.folder = self.name = os.fspath(folder)
        if not files.is_remote(folder) and os.path.isfile(folder):
            raise WrongUse(f"The library {self.folder} is a file. Name a folder (--library DIR).")
        self._indexed = indexed
        self._plugins = plugins
        self._store = Store(self.folder)
        self._retriever = Retriever()
        self._kept = KeptVectors(self._store, precision)

    def __repr__(self) -> str:
        return f"Library({self.folder!r})"

    def path(self, id: str) -> str:
        """Where the file of an id stands."""
        return self._store.path(id)

    def add(self, best: SoftPrompt, embedding: SoftPrompt | None = None) -> str:
        """Adds an entry and returns its id; adding the same again changes nothing.

        The plugins' hook is called for a new entry once its files are written.

        Args:
          best: the value: the prompt to start targets from.
          embedding: the key: the early checkpoint that stands for the task; by default
            `best` is its own key.

        Raises:
          SpotError: the two do not fit together, or the folder cannot be written.
        """
        key = ITSELF
        if embedding is not None:
            check_pair(best, embedding)
        # No other process may remove the key as unused before its value is written.
        with locked(self.folder, shared=True):
            if embedding is not None:
                key, _ = self._store.write(marked(embedding, None))
            id, new = self._store.write(marked(best, key))
        if new and self._plugins is not None:
            provenance = attrs.asdict(best.provenance)
            self._plugins.call("spotfw_prompt_added", path=self.path(id), provenance=provenance)
        return id

    def remove(self, *ids: str, dry_run: bool = False) -> list[str]:
        """Removes entries, and the keys that no other entry uses; returns the files' names.

        A damaged file and one that belongs to no entry can be removed too. If
        killed in between, it leaves at most a key without an entry: see `leftovers`.

        Args:
          ids: of entries or files, or their beginnings.
          dry_run: only say which files would go.

        Raises:
          UnknownName, WrongUse: an id is unknown, ambiguous or the key of an entry that
            stays; nothing is removed then.
          SpotError: the folder cannot be written.
        """
        with locked(self.folder, shared=False):
            names = set(self._store.ids())
            chosen = {completed(id, names, self.folder) for id in ids}
            summaries = self._readable()
            removed = to_remove(chosen, summaries, names)
            if not dry_run:
                for id in removed:
                    files.remove(self.path(id))
                staying = set(summaries) - set(removed)
                save_index(self._index_path, {id: summaries[id].document for id in staying})
        return [id + SUFFIX for id in removed]

    def entries(
        self,
        *,
        task: str | None = None,
        family: str | None = None,
        seed: int | None = None,
        fingerprint: str | None = None,
    ) -> list[Entry]:
        """The entries that agree with all that is not None, by task, seed and id."""
        wanted = {"task": task, "family": family, "seed": seed}
        entries = [
            entry
            for entry in starmap(as_entry, self._summaries().items())
            if entry is not None
            and all(v is None or getattr(entry.provenance, k) == v for k, v in wanted.items())
            and (fingerprint is None or same_model(entry.provenance.fingerprint, fingerprint))
        ]
        return sorted(entries, key=in_listing_order)

    def get(self, id: str, entries: Iterable[Entry] | None = None) -> Entry:
        """The entry of an id, or of the beginning of one.

        Args:
          id: of the entry.
          entries: to look among, if they are at hand; by default all, listed anew.

        Raises:
          UnknownName: there is none.
          WrongUse: several ids begin with it.
        """
        known = {entry.id: entry for entry in (self.entries() if entries is None else entries)}
        if not any(known_id.startswith(id) for known_id in known if id):
            raise unknown_entry(id, known.values(), self.name)
        return known[completed(id, known, self.name)]

    def best(self, id: str, entries: Iterable[Entry] | None = None) -> SoftPrompt:
        """The value of an entry: the prompt to start from; see `get`."""
        return self._read(self.get(id, entries).id)

    def embedding(self, id: str) -> SoftPrompt:
        """The key of an entry: its task embedding."""
        return self._read(self.get(id).embedding_id)

    def rank(
        self,
        query: SoftPrompt | Array,
        metric: SimilarityMetric,
        fingerprint: str | None = None,
        *,
        exclude_task: str | None = None,
        exclude_ids: Collection[str] = (),
        name: str = "",
        entries: Iterable[Entry] | None = None,
        top: int | None = None,
    ) -> Ranking:
        """Ranks the entries by how alike their task embeddings are to the query.

        Only entries of the same frozen model, length and width are compared.

        Args:
          query: the target's task embedding, [L, E].
          metric: compares the embeddings, or (`TargetSignal`) looks at the prompts to start from.
          fingerprint: of the frozen model, by default the query's own; entries that name
            no model are compared with queries that name none.
          exclude_task: leaves out this task's prompts, e.g. the target's own.
          exclude_ids: leaves out these entries.
          name: of the query, for printing.
          entries: to rank, if they are at hand; by default all, listed anew.
          top: only so many of the most alike; in a large library no more than these are read.

        Raises:
          SpotError: a file is damaged, or the metric does not give numbers.
        """
        if not isinstance(query, SoftPrompt):
            query = SoftPrompt(query)
        fingerprint = fingerprint or query.provenance.fingerprint
        excluded = exclude_task, exclude_ids
        for _ in range(LOOKS if entries is None else 0):
            with contextlib.suppress(Gone):
                return self._ranked(query, metric, fingerprint, excluded, name, None, top)
        return self._ranked(query, metric, fingerprint, excluded, name, entries, top)

    def read_file(self, id: str) -> bytes:
        """The bytes of a file; see `Store.read_bytes`."""
        return self._store.read_bytes(id)

    def has_file(self, id: str) -> bool:
        """Whether there is a file of this id."""
        return files.exists(self.path(id))

    def _read(self, id: str) -> SoftPrompt:
        return self._store.read(id)


def open_library(folder: files.PathLike) -> Library:
    """The library in a folder that must exist already (of a bucket this is not checked).

    Raises:
      SpotError: there is no such folder, or it is a file.
    """
    place = os.fspath(folder)
    if not files.is_remote(place) and not os.path.exists(place):
        raise SpotError(
            f"There is no library {place}: the folder does not exist. Name a library's folder "
            "with --library DIR, or begin one with `spotfw tune TASK --out RUN --library DIR` or "
            "`spotfw library add`."
        )
    return Library(place)


def in_listing_order(entry: Entry) -> tuple[str, int, str]:
    """Sorts entries by task, seed and id."""
    origin = entry.provenance
    return origin.task or "", -1 if origin.seed is None else origin.seed, entry.id
