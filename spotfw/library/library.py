"""A library of prompts: each entry a task embedding (the key) and the best prompt (the value).

The folder, local or in a bucket, holds ordinary prompt files named by the hash of their
bytes and never overwritten. An entry is a value whose provenance names its key, written
after it: a writer killed in between leaves no half entry, and any number of processes
may add at once. `index.json` only saves reading headers: it follows the files that come and
go, and `Library.verify` makes it anew from a sound library's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Collection
from itertools import starmap

from spotfw import files
from spotfw.contracts import Array, SimilarityMetric
from spotfw.errors import SpotError
from spotfw.files import locked
from spotfw.library.check import Problem, check_pair, problems_among, to_remove, unused
from spotfw.library.index import (
    ITSELF,
    Entry,
    Summary,
    as_entry,
    completed,
    marked,
    read_index,
    save_index,
    summarize,
)
from spotfw.library.retrieval import Retriever, comparable
from spotfw.prompts import SoftPrompt, pack_prompt, same_model, unpack_prompt
from spotfw.ranking import Ranked, Ranking

__all__ = ["Entry", "Library", "Problem", "Ranked", "Ranking", "open_library"]

SUFFIX = ".safetensors"
INDEX = "index.json"
#: Hexadecimal digits of an id, the first of its file's SHA-256.
ID_LENGTH = 16


class Library:
    """A folder of prompts.

    Args:
      folder: local or ``gs://``; made by the first `add`.
    """

    def __init__(self, folder: files.PathLike) -> None:
        self.folder = os.fspath(folder)
        self._retriever = Retriever()

    def __repr__(self) -> str:
        return f"Library({self.folder!r})"

    def path(self, id: str) -> str:
        """Where the file of an id stands."""
        return files.join(self.folder, id + SUFFIX)

    def add(self, best: SoftPrompt, embedding: SoftPrompt | None = None) -> str:
        """Adds an entry and returns its id; adding the same again changes nothing.

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
        # Nobody may take the key away as unused before its value stands.
        with locked(self.folder, shared=True):
            if embedding is not None:
                key = self._write(marked(embedding, None))
            return self._write(marked(best, key))

    def remove(self, *ids: str, dry_run: bool = False) -> list[str]:
        """Removes entries, and the keys that no other entry uses; returns the files' names.

        A damaged file and one that belongs to no entry can be removed too. Whoever is killed
        in between leaves at most a key without an entry: see `leftovers`.

        Args:
          ids: of entries or files, or their beginnings.
          dry_run: only say which files would go.

        Raises:
          UnknownName, WrongUse: an id is unknown, ambiguous or the key of an entry that
            stays; nothing is removed then.
          SpotError: the folder cannot be written.
        """
        with locked(self.folder, shared=False):
            names = set(self._ids())
            chosen = {completed(id, names, self.folder) for id in ids}
            found = self._readable()
            removed = to_remove(chosen, found, names)
            if not dry_run:
                for id in removed:
                    files.remove(self.path(id))
                save_index(self._index_path, {k: found[k] for k in set(found) - set(removed)})
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
        found = [
            entry
            for entry in starmap(as_entry, self._summaries().items())
            if entry is not None
            and all(v is None or getattr(entry.provenance, k) == v for k, v in wanted.items())
            and (fingerprint is None or same_model(entry.provenance.fingerprint, fingerprint))
        ]

        def order(entry: Entry) -> tuple[str, int, str]:
            origin = entry.provenance
            return origin.task or "", -1 if origin.seed is None else origin.seed, entry.id

        return sorted(found, key=order)

    def get(self, id: str) -> Entry:
        """The entry of an id, or of the beginning of one.

        Raises:
          UnknownName: there is none.
          WrongUse: several begin so.
        """
        entries = {entry.id: entry for entry in self.entries()}
        return entries[completed(id, entries, self.folder)]

    def best(self, id: str) -> SoftPrompt:
        """The value of an entry: the prompt to start from."""
        return self._read(self.get(id).id)

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
    ) -> Ranking:
        """Ranks the entries by how alike their task embeddings are to the query.

        Only entries of the same frozen model, length and width are compared.

        Args:
          query: the target's task embedding, [L, E].
          metric: what compares.
          fingerprint: of the frozen model, by default the query's own; entries that name
            no model are compared with queries that name none.
          exclude_task: leaves out this task's prompts, e.g. the target's own.
          exclude_ids: leaves out these entries.
          name: of the query, for printing.

        Raises:
          SpotError: a file is damaged, or the metric gives something else than numbers.
        """
        if not isinstance(query, SoftPrompt):
            query = SoftPrompt(query)
        fingerprint = fingerprint or query.provenance.fingerprint
        chosen, left_out = comparable(self.entries(), query, fingerprint, exclude_task, exclude_ids)
        items = self._retriever.ranked(
            query.array, metric, chosen, lambda entry: self._read(entry.embedding_id).array
        )
        return Ranking(items=items, metric=metric.name, query=name, left_out=left_out)

    def verify(self) -> list[Problem]:
        """Reads every file and says what is wrong; an empty list is a sound library.

        Where all could be read, that makes `index.json` anew, if the folder can be written.
        """
        found: dict[str, Summary] = {}
        damaged = []
        for id in self._ids():
            try:
                prompt = self._read_if_there(id)
            except SpotError as error:
                damaged.append(Problem(id + SUFFIX, str(error)))
            else:
                found.update({} if prompt is None else {id: summarize(prompt)})
        if found and not damaged:
            with contextlib.suppress(SpotError):
                save_index(self._index_path, found)
        return sorted(damaged + problems_among(found, SUFFIX), key=lambda p: p.name)

    def leftovers(self) -> list[str]:
        """Names of files that a killed writer left; they do no harm.

        Task embeddings whose entry was never written (or whose writer is about to), and
        files begun by a process of this machine that is dead.
        """
        found = self._readable()
        # A file that cannot be read may be an entry that uses them.
        keys = unused(found) if set(self._ids()) <= set(found) else []
        return [*(id + SUFFIX for id in keys), *files.list_leftovers(self.folder)]

    def sweep(self) -> list[str]:
        """Takes the leftovers away, once no writer of this machine is at work; their names."""
        with locked(self.folder, shared=False):
            names = self.leftovers()
            for name in names:
                files.remove(files.join(self.folder, name))
            self._readable()  # brings the index up to date
        return names

    def _write(self, prompt: SoftPrompt) -> str:
        data = pack_prompt(prompt)
        id = hashlib.sha256(data).hexdigest()[:ID_LENGTH]
        if files.exists(self.path(id)):
            self._read(id)  # refuses a damaged one, which adding again must not hide
        else:
            # Listing the folder for each would make filling it quadratic; see `sweep`.
            files.write_atomically(self.path(id), data, tidy=False)
        return id

    def read_file(self, id: str) -> bytes:
        """The bytes of a file, which are those it is named by.

        Raises:
          SpotError: they are not, or it is not there.
        """
        path = self.path(id)
        data = files.read_bytes(path)
        if hashlib.sha256(data).hexdigest()[:ID_LENGTH] != id:
            raise SpotError(
                f"The library's file {path} is not what was added: its content does not match "
                f"its name. Remove it (`spotfw library remove {id}`) and add the prompt again."
            )
        return data

    def _read(self, id: str) -> SoftPrompt:
        return unpack_prompt(self.read_file(id), self.path(id))

    def _read_if_there(self, id: str) -> SoftPrompt | None:
        """What `_read` gives, None where the file was removed since it was listed."""
        try:
            return self._read(id)
        except SpotError:
            if files.exists(self.path(id)):
                raise
            return None

    def _ids(self) -> list[str]:
        names = files.list_names(self.folder)
        return [n.removesuffix(SUFFIX) for n in names if n.endswith(SUFFIX)]

    def _summaries(self) -> dict[str, Summary]:
        return read_index(self._index_path, self._ids(), self._read_if_there)

    def _readable(self) -> dict[str, Summary]:
        """Summaries of all files but the damaged ones."""

        def read(id: str) -> SoftPrompt | None:
            try:
                return self._read(id)
            except SpotError:
                return None

        return read_index(self._index_path, self._ids(), read)

    @property
    def _index_path(self) -> str:
        return files.join(self.folder, INDEX)


def open_library(folder: files.PathLike) -> Library:
    """The library in a folder that must be there already; a bucket is taken at its word.

    Raises:
      SpotError: there is no such folder.
    """
    place = os.fspath(folder)
    if not files.is_remote(place) and not os.path.isdir(place):
        what = "is a file" if os.path.exists(place) else "is not there"
        raise SpotError(
            f"There is no library {place}: the folder {what}. Name a library's folder with "
            "--library DIR, or begin one with `spotfw tune TASK --library DIR` or `spotfw library "
            "add`."
        )
    return Library(place)
